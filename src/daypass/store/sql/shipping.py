"""The ledger's bulk work inside an open transaction: storing drafts and giving them their places.

A draft rests in `pending` until the sequencer moves it to `entries`, its index row and its text beside it. Refuses to
decide what an entry's bytes are: that is the pure function it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from daypass.domain.errors import Conflict
from daypass.domain.events import Draft, IndexRow
from daypass.store.interface import ChainHead, Sequence_, Sequenced, Unsequenced
from daypass.store.schema import chains, log_state, pending, shipped
from daypass.store.sql.bulk import Bulk

TEXT_INDEXED_MAX = 64 * 1024
"""Characters of one entry's text that search sees; PostgreSQL refuses documents beyond 1 MB."""

NUMBERED_AT_ONCE = 128
"""Drafts that are hashed before the event loop gets its turn: under a millisecond."""

_PENDING = (
    ("id", "text"),
    ("type", "text"),
    ("t", "bigint"),
    ("actor", "text"),
    ("request", "text"),
    ("grant", "text"),
    ("session", "text"),
    ("target", "text"),
    ("statement", "bigint"),
    ("entry", "bytea"),
    ("chains", "text"),
    ("kind", "text"),
    ("effect", "text"),
    ("fingerprint", "text"),
    ("tables", "text"),
    ("text", "text"),
)
_INTO_PENDING = "INSERT INTO pending ({}) {{source}}".format(",".join(f'"{name}"' for name, _ in _PENDING))

_INTO_BLOBS = (
    "INSERT INTO blobs (sha256, media, session, content) "
    "SELECT * FROM ({source}) AS v WHERE true ON CONFLICT (sha256) DO NOTHING"
)
_INTO_ENTRIES = (
    'WITH v ("row", idx, entry, leaf) AS ({source}) '
    'INSERT INTO entries (idx, id, type, t, actor, request, "grant", session, target, statement, leaf, entry) '
    'SELECT v.idx, p.id, p.type, p.t, p.actor, p.request, p."grant", p.session, p.target, p.statement, v.leaf, v.entry '
    'FROM v JOIN pending AS p ON p."row" = v."row"'
)
_INTO_SEARCH = text(
    "INSERT INTO entry_search (idx, kind, effect, fingerprint, tables) "
    "SELECT e.idx, p.kind, p.effect, p.fingerprint, p.tables FROM entries AS e JOIN pending AS p ON p.id = e.id "
    "WHERE e.idx >= :first AND p.kind <> ''"
)
# PostgreSQL's `entry_text` is a table whose key is called rowid, as SQLite's FTS5 tables call it.
_INTO_TEXT = text(
    "INSERT INTO entry_text (rowid, text, tables) "
    "SELECT e.idx, p.text, p.tables FROM entries AS e JOIN pending AS p ON p.id = e.id "
    "WHERE e.idx >= :first AND p.text <> ''"
)
_DROP = 'DELETE FROM pending WHERE "row" IN ({source})'
_INTO_CHAINS = (
    "INSERT INTO chains (name, n, leaf) SELECT * FROM ({source}) AS v WHERE true "
    "ON CONFLICT (name) DO UPDATE SET n = excluded.n, leaf = excluded.leaf"
)
_WAITING = select(pending.c.row, pending.c.entry, pending.c.chains).order_by(pending.c.row)
_HEADS = select(chains.c.name, chains.c.n, chains.c.leaf).where(chains.c.name.in_(bindparam("names", expanding=True)))
_NOTHING = IndexRow("")


async def insert_drafts(connection: AsyncConnection, bulk: Bulk, drafts: Sequence[Draft]) -> None:
    """Put drafts and their blobs where the sequencer and the readers find them."""
    await bulk(connection, _INTO_PENDING, [kind for _, kind in _PENDING], [_pending_row(draft) for draft in drafts])
    bodies = {blob.sha256: blob for draft in drafts for blob in draft.blobs}
    rows = [(blob.sha256, blob.media, blob.session, blob.content) for blob in bodies.values()]
    await bulk(connection, _INTO_BLOBS, ("text", "text", "text", "bytea"), rows)


async def ship(
    connection: AsyncConnection, bulk: Bulk, node: str, first: int, last: int, drafts: Sequence[Draft]
) -> None:
    """Store drafts `first` to `last` of a node's journal. Raises `Conflict` unless they are the next ones."""
    before = await connection.scalar(select(shipped.c.number).where(shipped.c.node == node).with_for_update())
    if first != (before or 0) + 1 or last < first:
        raise Conflict(f"journal records {first} to {last} of node {node} do not follow number {before or 0}")
    if before is None:
        await connection.execute(shipped.insert().values(node=node, number=last))
    else:
        await connection.execute(update(shipped).where(shipped.c.node == node).values(number=last))
    await insert_drafts(connection, bulk, drafts)


async def sequence(connection: AsyncConnection, bulk: Bulk, limit: int, number: Sequence_) -> int:
    """Move up to `limit` drafts to the end of the log. Returns how many."""
    first = await connection.scalar(select(log_state.c.size).where(log_state.c.name == "log").with_for_update())
    assert first is not None, "migrations make this row"
    rows = (await connection.execute(_WAITING.limit(limit))).all()
    if not rows:
        return 0
    waiting = [Unsequenced(row, entry, tuple(names.split("\n")) if names else ()) for row, entry, names in rows]
    places, heads = await _numbered(connection, first, waiting, number)
    await _move(connection, bulk, first, places)
    await _save_heads(connection, bulk, heads)
    moved = await connection.execute(
        update(log_state).where(log_state.c.name == "log", log_state.c.size == first).values(size=first + len(places))
    )
    if moved.rowcount != 1:
        raise Conflict("another sequencer gave out these places")
    return len(places)


async def _numbered(
    connection: AsyncConnection, first: int, waiting: Sequence[Unsequenced], number: Sequence_
) -> tuple[list[Sequenced], dict[str, ChainHead]]:
    names = {name for draft in waiting for name in draft.chains}
    found = await connection.execute(_HEADS, {"names": list(names)})
    heads = {name: ChainHead(name, n, leaf) for name, n, leaf in found}
    places: list[Sequenced] = []
    changed: dict[str, ChainHead] = {}
    for at in range(0, len(waiting), NUMBERED_AT_ONCE):
        placed, moved = number(first + at, waiting[at : at + NUMBERED_AT_ONCE], heads)
        places += placed
        changed.update((head.name, head) for head in moved)
        heads.update(changed)
        await asyncio.sleep(0)
    return places, changed


async def _move(connection: AsyncConnection, bulk: Bulk, first: int, places: Sequence[Sequenced]) -> None:
    rows = [(place.row, place.index, place.entry, place.leaf) for place in places]
    await bulk(connection, _INTO_ENTRIES, ("bigint", "bigint", "bytea", "text"), rows)
    await connection.execute(_INTO_SEARCH, {"first": first})
    await connection.execute(_INTO_TEXT, {"first": first})
    # By their rows, never by a range: on PostgreSQL a transaction with a lower row may have committed meanwhile.
    await bulk(connection, _DROP, ("bigint",), [(place.row,) for place in places])


async def _save_heads(connection: AsyncConnection, bulk: Bulk, heads: dict[str, ChainHead]) -> None:
    rows = [(head.name, head.n, head.leaf) for head in heads.values()]
    await bulk(connection, _INTO_CHAINS, ("text", "bigint", "text"), rows)


def _pending_row(draft: Draft) -> tuple[Any, ...]:
    index = draft.index or _NOTHING
    return (
        draft.id,
        draft.type,
        draft.t,
        draft.actor,
        draft.request,
        draft.grant,
        draft.session,
        draft.target,
        draft.statement,
        draft.entry,
        "\n".join(draft.chains),
        index.kind,
        index.effect,
        index.fingerprint,
        index.tables,
        # PostgreSQL's text holds no NUL.
        index.text[:TEXT_INDEXED_MAX].replace("\0", " "),
    )
