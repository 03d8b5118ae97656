"""`ledger recover`: takes the published entries back into a store that is behind them, or says something else.

Only while no gateway runs. Believes nothing that is not verified: the whole published log is checked against its
signature first, and the signer's memory takes over only what this log's own key has signed.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daypass.app.agreeing import first_difference
from daypass.app.checking import Checked
from daypass.app.house import make_house
from daypass.app.lock import locked
from daypass.app.publishing import open_publisher
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
from daypass.ledger.tampering import Tampered
from daypass.ledger.tiles import WIDTH
from daypass.ledger.verify import Asked, verify_log
from daypass.services.indexing import Indexing
from daypass.services.restoring import Published, Restoring
from daypass.store.interface import ChainHead, Store
from daypass.store.opening import open_store

READ_AT_ONCE = 4096
"""Journal records looked at in one step."""
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
    try:
        with locked(checked.settings.data):
            return asyncio.run(_recover(checked, identity))
    except Conflict as problem:
        raise Conflict(problem.message, hint="stop the gateway first") from None


async def _recover(checked: Checked, identity: str | None) -> dict[str, Any]:
    settings = checked.settings
    publisher = await asyncio.to_thread(_verified, settings.site, settings.data)
    store = open_store(settings.store, settings.data)
    try:
        await store.migrate()
        first = await first_difference(store, publisher)
        if first is None:
            return {"id": settings.site, "state": "INTACT", "size": publisher.size, "taken_back": 0, "placed_anew": 0}
        nodes = publisher.nodes()
        back = await asyncio.to_thread(_read, nodes, first)
        shipped = await _shipped(store, settings.node, settings.data / "journal", back.said)
        house = make_house(store, checked)
        batches = _batches(nodes, first)
        moved = await Restoring(house.office).put_back(back.published, batches, settings.node, shipped)
        if await first_difference(store, publisher) is not None:
            raise Disagreement("the store still differs from the published log")
        # The index rows went with the entries, and what waits for new places has none.
        await Sequencer(store).drain()
        indexed = await Indexing(house.office).rebuild(unlocking(identity) if identity else None, pass_locked=True)
    finally:
        await store.close()
    taken = publisher.size - first
    return {
        "id": settings.site,
        "state": "RECOVERED",
        "size": publisher.size,
        "taken_back": taken,
        "placed_anew": moved,
        "indexed": indexed["entries"],
        "locked_bodies": indexed["locked"],
    }


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
