"""`ledger recover`: takes the published entries back into a store that is behind them, or says something else.

Only while no gateway runs. Believes nothing that is not verified: the whole published log is checked against its
signature first, and the signer's memory takes over only what this log's own key has signed.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daypass.app.agreeing import first_difference
from daypass.app.checking import Checked
from daypass.app.hearing import KEY, PUBLISHED_BY
from daypass.app.house import House, make_house
from daypass.app.lock import locked
from daypass.app.publishing import RESTORE_KEY, open_publisher
from daypass.domain.durations import SECOND_MS
from daypass.domain.errors import Conflict, DaypassError
from daypass.domain.statement import Completed, StatementRefused, Submitted
from daypass.ledger.chains import Chains
from daypass.ledger.checkpoint import open_checkpoint
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.durable import Disk
from daypass.ledger.facts import decode
from daypass.ledger.journal import Durability, Journal
from daypass.ledger.locking import unlocking
from daypass.ledger.merkle import leaf_hash
from daypass.ledger.nodes import Nodes
from daypass.ledger.publisher import CHECKPOINT, Publisher
from daypass.ledger.sequencer import Sequencer
from daypass.ledger.signer import SEED_BYTES, LogSigner
from daypass.ledger.source import Directory, Unreadable
from daypass.ledger.strays import unsigned
from daypass.ledger.tampering import Tampered
from daypass.ledger.tiles import WIDTH
from daypass.ledger.verify import Asked, verify_log
from daypass.services.indexing import Indexing
from daypass.services.nodes import LEASE_MS
from daypass.services.restoring import Published, Restoring
from daypass.store.interface import ChainHead, Store
from daypass.store.opening import open_store

READ_AT_ONCE = 4096
"""Journal records looked at in one step."""
ASIDE = "ledger.unsigned"
"""Where in DATA files go that stand in the published log and that nobody has signed."""
_SAID = {Submitted: "statement.submitted", Completed: "statement.completed", StatementRefused: "statement.refused"}

Said = set[tuple[str, str, int]]
"""What the published log tells of statements: session, type, number."""


@dataclass(frozen=True, slots=True)
class Back:
    """The published log as it is read for putting back: what of it, and what it says of statements."""

    published: Published
    said: Said


def recover(checked: Checked, identity: str | None = None) -> dict[str, Any]:
    """Put the store right, if it has to be, and its search index. Raises DaypassError."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(checked.settings.data))
        except Conflict as problem:
            raise Conflict(problem.message, hint="stop the gateway first") from None
        return asyncio.run(_recover(checked, identity))


async def _recover(checked: Checked, identity: str | None) -> dict[str, Any]:
    settings = checked.settings
    publisher = await asyncio.to_thread(_verified, settings.site, settings.data)
    store = open_store(settings.store, settings.data)
    try:
        await store.migrate()
        await _alone(store, settings.node)
        await _same_log(store, publisher, settings.node)
        done: dict[str, Any] = {"taken_back": 0, "placed_anew": 0}
        first = await first_difference(store, publisher)
        if first is not None:
            house = make_house(store, checked)
            done = await _put_back(house, publisher, first, checked)
        await _note_key(store, publisher)
        if first is not None:
            # The index rows went with the entries, and what waits for new places has none.
            await Sequencer(store).drain()
            indexed = await Indexing(house.office).rebuild(unlocking(identity) if identity else None, pass_locked=True)
            done |= {"indexed": indexed["entries"], "locked_bodies": indexed["locked"]}
    finally:
        await store.close()
    aside = await asyncio.to_thread(_set_aside, settings.data, publisher.size)
    state = "INTACT" if first is None and not aside else "RECOVERED"
    return {"id": settings.site, "state": state, "size": publisher.size, **done, "set_aside": aside}


async def _put_back(house: House, publisher: Publisher, first: int, checked: Checked) -> dict[str, Any]:
    """Have the store say from index `first` on what was published."""
    settings, store, nodes = checked.settings, house.office.store, publisher.nodes()
    back = await asyncio.to_thread(_read, nodes, first)
    shipped = await _shipped(store, settings.node, settings.data / "journal", back.said)
    batches = _batches(nodes, first)
    moved = await Restoring(house.office).put_back(back.published, batches, settings.node, shipped)
    if await first_difference(store, publisher) is not None:
        raise Disagreement("the store still differs from the published log")
    return {"taken_back": publisher.size - first, "placed_anew": moved}


def _set_aside(data: Path, size: int) -> int:
    """Take away tiles that nobody has signed, which an attempt to publish left: they may be of entries that the store
    did not keep. Returns how many."""
    paths = list(unsigned(Directory(data / "ledger"), size))
    for path in paths:
        to = data / ASIDE / path
        to.parent.mkdir(parents=True, exist_ok=True)
        os.replace(data / "ledger" / path, to)
    return len(paths)


async def _alone(store: Store, own: str) -> None:
    """Raises Conflict while another node of this store lives: it would go on with what is taken from under it."""
    live = [one.name for one in await store.nodes() if one.name != own and one.silent_ms <= LEASE_MS]
    if live:
        hint = f"stop it; {LEASE_MS // SECOND_MS} s after its last word it counts as gone"
        raise Conflict(f"node {', '.join(live)} of this store runs", hint=hint)


async def _same_log(store: Store, publisher: Publisher, node: str) -> None:
    """Raises Disagreement where nothing is published with this key, and the store's log is signed with another."""
    async with store.reading() as tx:
        known, by = await tx.setting(KEY), await tx.setting(PUBLISHED_BY)
    if not publisher.size and known not in (None, str(publisher.vkey)):
        hint = RESTORE_KEY if by is None or by.startswith(f"node {node} ") else f"{by}; recover there"
        raise Disagreement(f"this store's log is signed with {known}, and DATA/ledger is empty", hint=hint)


async def _note_key(store: Store, publisher: Publisher) -> None:
    """The store holds what this key has signed: it is this key's log from now on, whoever began it."""
    async with store.begin() as tx:
        await tx.save_setting(KEY, str(publisher.vkey))


def _verified(site: str, data: Path) -> Publisher:
    """The published log, which is whole and of our own key; the signer's memory is brought up to it."""
    if not (data / "keys" / "ledger.key").exists():
        raise DaypassError(f"there is no {data / 'keys' / 'ledger.key'}", hint="restore it: a new key is another log")
    signer = LogSigner(site, data / "keys", Disk(), os.urandom(SEED_BYTES))
    source = Directory(data / "ledger")
    try:
        verify_log(source, Asked(signer.vkey))
        raw = source.read(CHECKPOINT) or b""
        if open_checkpoint(raw, signer.vkey).head.size > signer.memory.size:
            signer.adopt(raw)
    except Tampered as found:
        hint = "restore DATA/ledger from wherever the published files were copied to"
        raise DaypassError(f"the published log is not whole: {found}", hint=hint) from None
    except (Unreadable, ValueError) as problem:
        raise DaypassError(f"the published log cannot be read: {problem}") from None
    return open_publisher(site, data)


def _read(nodes: Nodes, first: int) -> Back:
    """Go through the whole log once: every chain's end, and what it says from `first` on."""
    chains, ids, said = Chains(), set[str](), Said()
    for number in range((nodes.size + WIDTH - 1) // WIDTH):
        entries = nodes.entries(number)
        chains.follow(number * WIDTH, entries, [leaf_hash(entry) for entry in entries])
        for entry in entries[max(first - number * WIDTH, 0) :]:
            _note(entry, ids, said)
    heads = {
        name.decode(): ChainHead(name.decode(), number, leaf.decode()) for name, (number, leaf) in chains.heads.items()
    }
    return Back(Published(first, nodes.size, heads, frozenset(ids)), said)


def _note(entry: bytes, ids: set[str], said: Said) -> None:
    envelope = json.loads(entry)
    ids.add(envelope["id"])
    if envelope["type"] in _SAID.values():
        said.add((envelope["session"], envelope["type"], envelope["body"]["statement"]))


async def _batches(nodes: Nodes, first: int) -> AsyncIterator[list[bytes]]:
    for number in range(first // WIDTH, (nodes.size + WIDTH - 1) // WIDTH):
        entries = await asyncio.to_thread(nodes.entries, number)
        yield entries[max(first - number * WIDTH, 0) :]


async def _shipped(store: Store, node: str, folder: Path, said: Said) -> int:
    """How far this node's journal stands in the log that is put back: it was shipped in order, so the last record that
    the log tells of is the end of it. What comes after was lost with the store, and is shipped again."""
    known = await store.shipped(node)
    return max(known, await asyncio.to_thread(_told, folder, known, said)) if folder.is_dir() else known


def _told(folder: Path, known: int, said: Said) -> int:
    journal = Journal.open(folder, Durability.SYNCED, after=known)
    try:
        at = journal.backlog.forgotten + 1
        # Segments are removed only once everything in them is in the store.
        told = at - 1
        while records := journal.read_from(at, READ_AT_ONCE):
            for number, payload in records:
                one = decode(payload)
                type = _SAID.get(one.fact.__class__)
                if type and (one.session, type, getattr(one.fact, "n", 0)) in said:
                    told = number
            at = records[-1][0] + 1
        return told
    finally:
        journal.close()
