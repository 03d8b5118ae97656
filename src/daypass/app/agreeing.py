"""Whether the store holds the log that was signed: every entry is hashed and compared, from the first to the last.

A store that is behind what was published, or that says something else at any place, is not gone on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from daypass.ledger.disagreement import Disagreement
from daypass.ledger.merkle import HASH_BYTES, Frontier, leaf_hash, leaf_hashes
from daypass.ledger.publisher import Publisher
from daypass.ledger.tiles import WIDTH
from daypass.store.interface import Store

TILES_AT_ONCE = 8
"""2,048 entries in a step: a few milliseconds of hashing, two megabytes as entries are, 64 if each was as long as may
be."""

OLDER = (
    "load the newest dump of the store; or put the newest published files into DATA/ledger of the node that publishes, "
    "stop every node and run `daypass ledger recover` there"
)


async def check_agreement(store: Store, publisher: Publisher) -> None:
    """Raises Disagreement unless every signed leaf stands in the store, at its place."""
    found = await first_difference(store, publisher)
    if found is None:
        return
    async with store.reading() as tx:
        there = await tx.entry_bytes(since=found, limit=1)
    if there:
        raise Disagreement(f"entry {found} in the store is not the one that was signed as number {found}")
    raise Disagreement(f"{publisher.size} entries are signed, but the store holds {found} of them: it is older")


async def first_difference(store: Store, publisher: Publisher) -> int | None:
    """The first index whose signed leaf is not in the store; None: they are one log."""
    step = TILES_AT_ONCE * WIDTH
    for first in range(0, publisher.size, step):
        signed = await asyncio.to_thread(_leaves, publisher, first, min(step, publisher.size - first))
        async with store.reading() as tx:
            held = await tx.leaves_and_bytes(since=first, limit=len(signed))
        same = await asyncio.to_thread(_same, signed, held)
        if same < len(signed):
            return first + same
    return None


async def check_head(store: Store, size: int, root: bytes | None, by: str) -> None:
    """Raises Disagreement unless the store's first `size` entries have this root, or where none is known, are there.
    `by` is who says that they are published."""
    if not size:
        return
    async with store.reading() as tx:
        last = await tx.leaves_and_bytes(since=size - 1, limit=1)
    if not last:
        raise Disagreement(
            f"{by} tells of {size} published entries, and this store holds fewer: it is older", hint=OLDER
        )
    if root is not None and await _root(store, size) != root:
        raise Disagreement(f"{by} tells of {size} published entries that are not those of this store", hint=OLDER)


async def _root(store: Store, size: int) -> bytes:
    """The root over the store's first entries, each hashed anew."""
    frontier = Frontier()
    while frontier.size < size:
        limit = min(TILES_AT_ONCE * WIDTH, size - frontier.size)
        async with store.reading() as tx:
            entries = await tx.entry_bytes(since=frontier.size, limit=limit)
        await asyncio.to_thread(_grow, frontier, entries)
    return frontier.root()


def _grow(frontier: Frontier, entries: Sequence[bytes]) -> None:
    for leaf in leaf_hashes(entries):
        frontier.append(leaf)


def _same(signed: Sequence[bytes], held: Sequence[tuple[str, bytes]]) -> int:
    """How many entries are what was signed, up to the first that is not: its bytes, or the hash that is kept beside."""
    for at, (one, (leaf, entry)) in enumerate(zip(signed, held, strict=False)):
        # SQLite's columns hold what they are given: bytes that somebody has replaced by text are not what was signed.
        if leaf != one.hex() or not isinstance(entry, bytes) or leaf_hash(entry) != one:
            return at
    return len(held)


def _leaves(publisher: Publisher, first: int, count: int) -> list[bytes]:
    """Signed leaves, out of the published tiles."""
    nodes = publisher.nodes()
    leaves: list[bytes] = []
    while len(leaves) < count:
        leaves += nodes.tile(0, (first + len(leaves)) // WIDTH)
    assert len(leaves) == count and all(len(leaf) == HASH_BYTES for leaf in leaves)
    return leaves
