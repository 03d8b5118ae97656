"""Putting the log back into a store that is behind what was published, or that says something else. Part of a
transaction of the operator's, while no gateway runs: the only place where an entry ever leaves its index.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from daypass.store.interface import ChainHead
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.shipping import HOLD
from daypass.store.sql.statement import Part

ROWS_AT_ONCE = 512
"""Entries that are moved in one step: half a megabyte."""

_ABOVE = (
    'SELECT idx, id, type, t, actor, request, "grant", session, target, statement, entry '
    "FROM entries WHERE idx >= {p}1 ORDER BY idx LIMIT {p}2"
)
_INTO_PENDING = (
    'INSERT INTO pending (id, type, t, actor, request, "grant", session, target, statement, entry, chains, '
    "kind, effect, fingerprint, tables, text) {source}"
)
_PENDING = (*("text", "text", "bigint"), *["text"] * 5, "bigint", "bytea", *["text"] * 6)
_INTO_ENTRIES = (
    'INSERT INTO entries (idx, id, type, t, actor, request, "grant", session, target, statement, leaf, entry) {source}'
)
_ENTRIES = ("bigint", "text", "text", "bigint", *["text"] * 5, "bigint", "text", "bytea")
_INTO_CHAINS = "INSERT INTO chains (name, n, leaf) {source}"
_GUARDS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'entries'"


class Restoring(Part):
    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._bulk = bulk_on(connection)

    async def displace(self, first: int, known: frozenset[str]) -> int:
        """Take every entry from index `first` on out of its place. It waits for another one, as if it had just been
        committed, unless its id is `known` to stand in the log already. Returns how many wait."""
        # Whoever else gives places waits from here on: nothing gets one between being read and being taken out.
        await self._bulk.ask(HOLD)
        waiting = 0
        at = first
        while rows := await self._bulk.ask(_ABOVE, at, ROWS_AT_ONCE):
            drafts = [_draft(row) for row in rows if row[1] not in known]
            await self._bulk.write(_INTO_PENDING, _PENDING, drafts)
            waiting += len(drafts)
            at = rows[-1][0] + 1
        if at > first:
            await self._remove(first)
        for (id,) in await self._bulk.ask("SELECT id FROM pending"):
            if id in known:
                await self._bulk.ask("DELETE FROM pending WHERE id = {p}1", id)
        return waiting

    async def put_back(self, first: int, entries: Sequence[bytes]) -> None:
        """Give entries, whose chains are set, the places from index `first` on."""
        rows = [_placed(index, entry) for index, entry in enumerate(entries, first)]
        await self._bulk.write(_INTO_ENTRIES, _ENTRIES, rows)

    async def set_log(self, size: int, heads: Mapping[str, ChainHead]) -> None:
        """Say how long the log is, and where each of its chains ends."""
        await self._bulk.ask("UPDATE log_state SET size = {p}1 WHERE name = 'log'", size)
        await self._bulk.ask("DELETE FROM chains")
        await self._bulk.write(
            _INTO_CHAINS, ("text", "bigint", "text"), [(head.name, head.n, head.leaf) for head in heads.values()]
        )

    async def set_shipped(self, node: str, number: int) -> None:
        """Note that a node's journal stands in the log up to this number."""
        await self._bulk.ask(
            "INSERT INTO shipped (node, number) VALUES ({p}1, {p}2) "
            "ON CONFLICT (node) DO UPDATE SET number = excluded.number",
            node,
            number,
        )

    async def _remove(self, first: int) -> None:
        """Delete entries from `first` on, past the guards that keep everything else from doing so."""
        if self._bulk.dialect == "sqlite":
            guards = await self._bulk.ask(_GUARDS)
            for name, _ in guards:
                await self._bulk.ask(f"DROP TRIGGER {name}")
        else:
            await self._bulk.ask("ALTER TABLE entries DISABLE TRIGGER USER")
        for table, column in (("entry_search", "idx"), ("entry_text", "rowid"), ("entries", "idx")):
            await self._bulk.ask(f"DELETE FROM {table} WHERE {column} >= {{p}}1", first)
        if self._bulk.dialect == "sqlite":
            for _, sql in guards:
                await self._bulk.ask(sql)
        else:
            await self._bulk.ask("ALTER TABLE entries ENABLE TRIGGER USER")


def _draft(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """An entry's row as a draft: its chains are empty again, and named beside it."""
    entry = bytes(row[-1])
    envelope = json.loads(entry)
    written = json.dumps(envelope["chains"], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    names = "\n".join(link["name"] for link in envelope["chains"])
    bare = entry.replace(b'"chains":' + written, b'"chains":[]', 1)
    return (*row[1:-1], bare, names, "", "", "", "", "")


def _placed(index: int, entry: bytes) -> tuple[Any, ...]:
    """An entry's row, out of its bytes."""
    envelope = json.loads(entry)
    target = envelope.get("target")
    statement = envelope["body"].get("statement") if "session" in envelope else None
    return (
        index,
        envelope["id"],
        envelope["type"],
        envelope["t"],
        envelope["actor"]["id"],
        envelope.get("request"),
        envelope.get("grant"),
        envelope.get("session"),
        target["name"] if target else None,
        statement if isinstance(statement, int) else None,
        sha256(b"\x00" + entry).hexdigest(),
        entry,
    )
