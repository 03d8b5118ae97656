"""The ledger's bulk work inside an open transaction: storing drafts and giving them their places.

A draft rests in `pending` until the sequencer moves it to `entries`, its index row and its text beside it. Refuses to
decide what an entry's bytes are: that is the pure function it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from daypass.domain.errors import Conflict
from daypass.domain.events import Draft, IndexRow
from daypass.domain.session import LIVE
from daypass.store.interface import ChainHead, Late, Sequence_, Sequenced, Unsequenced
from daypass.store.sql.bulk import Bulk
from daypass.store.sql.placing import indexed, place
from daypass.store.sql.searching import into_text

NUMBERED_AT_ONCE = 128
"""Drafts that are hashed before the event loop gets its turn: under a millisecond."""

WAITING_MAX = 512
"""More drafts than these in `pending` are the sequencer's: what is shipped then queues behind them."""

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
_SHIPPED = "INSERT INTO shipped (node, number) VALUES ({p}1, 0) ON CONFLICT (node) DO NOTHING"
# Number by number: of two that ship the same, the second finds the row moved on and changes nothing.
_SHIP = "UPDATE shipped SET number = {p}1 WHERE node = {p}2 AND number = {p}3 RETURNING number"

_CLOSED = "SELECT id FROM sessions WHERE id IN ({source}) AND state NOT IN (LIVE)".replace(
    "LIVE", ", ".join(f"'{state.value}'" for state in LIVE)
)

_ANY = "SELECT 1 FROM pending LIMIT 1"
# Changes nothing, but holds the row until the end: who has it owns the places from `size` on, and the drafts.
HOLD = "UPDATE log_state SET size = size WHERE name = 'log' RETURNING size"
_WAITING = 'SELECT "row", entry, chains FROM pending ORDER BY "row" LIMIT {p}1'
_MANY = "SELECT 1 FROM pending LIMIT 1 OFFSET {limit}".replace("{limit}", str(WAITING_MAX))
_HEADS = "SELECT name, n, leaf FROM chains WHERE name IN ({source})"
_INTO_ENTRIES = (
    'WITH v ("row", idx, entry, leaf) AS ({source}) '
    'INSERT INTO entries (idx, id, type, t, actor, request, "grant", session, target, statement, leaf, entry) '
    'SELECT v.idx, p.id, p.type, p.t, p.actor, p.request, p."grant", p.session, p.target, p.statement, v.leaf, v.entry '
    'FROM v JOIN pending AS p ON p."row" = v."row"'
)
_INTO_SEARCH = (
    "INSERT INTO entry_search (idx, kind, effect, fingerprint, tables) "
    "SELECT e.idx, p.kind, p.effect, p.fingerprint, p.tables FROM entries AS e JOIN pending AS p ON p.id = e.id "
    "WHERE e.idx >= {p}1 AND p.kind <> ''"
)
# By their rows, never by a range: on PostgreSQL a transaction with a lower row may have committed meanwhile.
_DROP = 'DELETE FROM pending WHERE "row" IN ({source})'
_INTO_CHAINS = (
    "INSERT INTO chains (name, n, leaf) SELECT * FROM ({source}) AS v WHERE true "
    "ON CONFLICT (name) DO UPDATE SET n = excluded.n, leaf = excluded.leaf"
)
_TAKE = "UPDATE log_state SET size = {p}1 WHERE name = 'log' AND size = {p}2 RETURNING size"
_NOTHING = IndexRow("")


async def insert_drafts(bulk: Bulk, drafts: Sequence[Draft]) -> None:
    """Put drafts and their blobs where the sequencer and the readers find them."""
    await bulk.write(_INTO_PENDING, [kind for _, kind in _PENDING], [_pending_row(draft) for draft in drafts])
    await insert_bodies(bulk, drafts)


async def insert_bodies(bulk: Bulk, drafts: Sequence[Draft]) -> None:
    """Put the bodies of drafts into the store, each once."""
    bodies = {blob.sha256: blob for draft in drafts for blob in draft.blobs}
    rows = [(blob.sha256, blob.media, blob.session, blob.content) for blob in bodies.values()]
    await bulk.write(_INTO_BLOBS, ("text", "text", "text", "bytea"), rows)


async def ship(bulk: Bulk, node: str, first: int, last: int, drafts: Sequence[Draft]) -> None:
    """Store drafts `first` to `last` of a node's journal. Raises `Conflict` unless they are the next ones."""
    await note_shipped(bulk, node, first, last)
    await insert_drafts(bulk, drafts)


async def note_shipped(bulk: Bulk, node: str, first: int, last: int) -> None:
    """Note that a node's journal is here up to `last`. Raises `Conflict` unless `first` comes next."""
    if first == 1:
        await bulk.ask(_SHIPPED, node)
    if last < first or not await bulk.ask(_SHIP, last, node, first - 1):
        raise Conflict(f"journal records {first} to {last} of node {node} are not the next ones")


async def ship_placed(
    bulk: Bulk, node: str, first: int, last: int, drafts: Sequence[Draft], number: Sequence_, late: Late | None = None
) -> int:
    """As `ship`, and give them their places at once, behind what waits already: that saves putting them into `pending`
    and taking them out again. Returns how many entries got places. What is of a session that is closed already goes
    through `late` first: who closes one for a node that is gone holds the node's row, which is ours from here on."""
    await note_shipped(bulk, node, first, last)
    if late is not None:
        closed = {id for (id,) in await bulk.ask_about(_CLOSED, "text", _sessions(drafts))}
        drafts = [late(draft) if draft.session in closed else draft for draft in drafts] if closed else drafts
    if await bulk.ask(_MANY):
        await insert_drafts(bulk, drafts)
        return 0
    before = await sequence(bulk, WAITING_MAX, number)
    ((at,),) = await bulk.ask(HOLD)
    waiting = [Unsequenced(row, draft.entry, draft.chains) for row, draft in enumerate(drafts)]
    places, heads = await _numbered(bulk, at, waiting, number)
    await insert_bodies(bulk, drafts)
    await place(bulk, [(drafts[one.row], one) for one in places])
    await _settle(bulk, at, len(places), heads)
    return before + len(places)


async def sequence(bulk: Bulk, limit: int, number: Sequence_) -> int:
    """Move up to `limit` drafts to the end of the log. Returns how many."""
    if not await bulk.ask(_ANY):
        return 0
    ((first,),) = await bulk.ask(HOLD)
    waiting = [
        Unsequenced(row, entry, tuple(names.split("\n")) if names else ())
        for row, entry, names in await bulk.ask(_WAITING, limit)
    ]
    places, heads = await _numbered(bulk, first, waiting, number)
    rows = [(place.row, place.index, place.entry, place.leaf) for place in places]
    await bulk.write(_INTO_ENTRIES, ("bigint", "bigint", "bytea", "text"), rows)
    await bulk.ask(_INTO_SEARCH, first)
    await bulk.ask(into_text(bulk.dialect), first)
    await bulk.write(_DROP, ("bigint",), [(place.row,) for place in places])
    await _settle(bulk, first, len(places), heads)
    return len(places)


async def _settle(bulk: Bulk, first: int, count: int, heads: Mapping[str, ChainHead]) -> None:
    """The log is longer by so many entries, and its chains end elsewhere. Raises `Conflict` if another was faster."""
    links = [(head.name, head.n, head.leaf) for head in heads.values()]
    await bulk.write(_INTO_CHAINS, ("text", "bigint", "text"), links)
    if not await bulk.ask(_TAKE, first + count, first):
        raise Conflict("another sequencer took these places")


async def _numbered(
    bulk: Bulk, first: int, waiting: Sequence[Unsequenced], number: Sequence_
) -> tuple[list[Sequenced], dict[str, ChainHead]]:
    names = sorted({name for draft in waiting for name in draft.chains})
    heads = {name: ChainHead(name, n, leaf) for name, n, leaf in await bulk.ask_about(_HEADS, "text", names)}
    places: list[Sequenced] = []
    changed: dict[str, ChainHead] = {}
    for at in range(0, len(waiting), NUMBERED_AT_ONCE):
        placed, moved = number(first + at, waiting[at : at + NUMBERED_AT_ONCE], heads)
        places += placed
        changed.update((head.name, head) for head in moved)
        heads.update(changed)
        await asyncio.sleep(0)
    return places, changed


def _sessions(drafts: Sequence[Draft]) -> list[str]:
    return list({draft.session: None for draft in drafts if draft.session is not None})


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
        indexed(index.text),
    )
