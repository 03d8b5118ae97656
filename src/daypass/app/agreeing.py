"""Whether the store holds the log that was signed: every leaf is compared, from the first to the last.

A store that is behind what was published, or that says something else at any place, is not gone on with.
"""

from __future__ import annotations

import asyncio

from daypass.ledger.disagreement import Disagreement
from daypass.ledger.merkle import HASH_BYTES
from daypass.ledger.publisher import Publisher
from daypass.ledger.tiles import WIDTH
from daypass.store.interface import Store

TILES_AT_ONCE = 32
"""8,192 leaves in a step: a few milliseconds of the disk's time, and half a megabyte."""


async def check_agreement(store: Store, publisher: Publisher) -> None:
    """Raises Disagreement unless every signed leaf stands in the store, at its place."""
    found = await first_difference(store, publisher)
    if found is None:
        return
    async with store.reading() as tx:
        there = await tx.leaves(since=found, limit=1)
    if there:
        raise Disagreement(f"entry {found} in the store is not the one that was signed as number {found}")
    raise Disagreement(f"{publisher.size} entries are signed, but the store holds {found} of them: it is older")


async def first_difference(store: Store, publisher: Publisher) -> int | None:
    """The first index whose signed leaf is not in the store; None: they are one log."""
    step = TILES_AT_ONCE * WIDTH
    for first in range(0, publisher.size, step):
        signed = await asyncio.to_thread(_leaves, publisher, first, min(step, publisher.size - first))
        async with store.reading() as tx:
            held = [bytes.fromhex(leaf) for leaf in await tx.leaves(since=first, limit=len(signed))]
        if held != signed:
            pairs = zip(signed, held, strict=False)
            return first + next((n for n, (one, other) in enumerate(pairs) if one != other), len(held))
    return None


def _leaves(publisher: Publisher, first: int, count: int) -> list[bytes]:
    """Signed leaves, out of the published tiles."""
    nodes = publisher.nodes()
    leaves: list[bytes] = []
    while len(leaves) < count:
        leaves += nodes.tile(0, (first + len(leaves)) // WIDTH)
    assert len(leaves) == count and all(len(leaf) == HASH_BYTES for leaf in leaves)
    return leaves
