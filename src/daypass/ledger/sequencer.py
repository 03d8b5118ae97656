"""Gives committed drafts their places: an index without gaps, and a number and predecessor in each of their chains.

`number` is pure and is the whole of it; the loop has the store run it in one fenced commit, as soon as something was
committed; what another node committed, which nobody tells of, at latest after `SECONDS`. A draft whose transaction
rolled back was never there, so it leaves no gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from json.encoder import encode_basestring as quoted
from typing import Protocol as Interface

from daypass.domain.errors import Conflict, Invalid
from daypass.domain.events import ChainHead, Sequenced, Unsequenced
from daypass.ledger.entry import NO_CHAINS

SECONDS = 0.2
"""How long a commit that nobody told of (another node's) waits for its index."""
ALONE_SECONDS = 10.0
"""The same where there is no other node: every commit tells, and only what a failure left is found like this."""
BATCH = 2048
"""Drafts in one commit: some twenty milliseconds of the store's time, so that other writers are not kept waiting."""

Number = Callable[
    [int, Sequence[Unsequenced], Mapping[str, ChainHead]], tuple[Sequence[Sequenced], Sequence[ChainHead]]
]


class Log(Interface):
    """Where drafts wait (a store). `shared`: others append as well, and do not tell."""

    shared: bool

    async def sequence(self, limit: int, number: Number) -> int: ...

    def on_append(self, call: Callable[[], None]) -> None: ...


def number(
    first: int, waiting: Sequence[Unsequenced], heads: Mapping[str, ChainHead]
) -> tuple[Sequence[Sequenced], Sequence[ChainHead]]:
    """Place drafts from index `first` on, in the order given. Returns the places, and the chain heads that moved.

    Raises Invalid for a draft that is not one: nothing of the batch gets a place then.
    """
    moved: dict[str, ChainHead] = {}
    places: list[Sequenced] = []
    for index, draft in enumerate(waiting, first):
        before, separator, after = draft.entry.partition(NO_CHAINS)
        if not separator:
            raise Invalid(f"the draft in row {draft.row} has no empty chains")
        links: list[str] = []
        for name in draft.chains:
            head = moved.get(name) or heads.get(name)
            n, prev = (head.n + 1, head.leaf) if head else (1, "")
            links.append(f'{{"n":{n},"name":{quoted(name)},"prev":"{prev}"}}')
            moved[name] = ChainHead(name, n, "")
        entry = before + b'"chains":[' + ",".join(links).encode() + b"]" + after
        leaf = sha256(b"\x00" + entry).hexdigest()
        for name in draft.chains:
            moved[name] = ChainHead(name, moved[name].n, leaf)
        places.append(Sequenced(draft.row, index, entry, leaf))
    return places, list(moved.values())


class Sequencer:
    """Runs `number` over what is committed, until cancelled. Several nodes may run one: the store lets one win."""

    def __init__(self, log: Log, on_placed: Callable[[int], None] = lambda count: None) -> None:
        """`on_placed` is told how many drafts got their places."""
        self._log = log
        self._on_placed = on_placed
        self._seconds = SECONDS if log.shared else ALONE_SECONDS
        self._woken = asyncio.Event()
        log.on_append(self._woken.set)

    async def drain(self) -> int:
        """Place everything that is committed now; returns how much that was."""
        total = 0
        while count := await self._step():
            total += count
        return total

    async def _step(self) -> int:
        try:
            count = await self._log.sequence(BATCH, number)
        except Conflict:
            return 0  # another node was faster: what it left is for the next turn
        if count:
            self._on_placed(count)
        return count

    async def run(self) -> None:
        """Go on until cancelled. Raises what the store raises."""
        while True:
            self._woken.clear()
            await self.drain()
            try:
                await asyncio.wait_for(self._woken.wait(), self._seconds)
            except TimeoutError:
                continue
