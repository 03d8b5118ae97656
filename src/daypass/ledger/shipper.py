"""Moves the facts of this node's journal into the store: read, drafted, shipped in one commit, and then forgotten.

It runs on the event loop beside live traffic, so it works in slices: after a few milliseconds others get their turn. A
batch that could not be shipped is kept and tried again as it is; what the store has of this node decides where to go on
after a restart, so that nothing is shipped twice and nothing left out. What entries hold is up to `drafting`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, time
from typing import Protocol as Interface

import structlog

from daypass.domain.errors import Conflict, Unavailable
from daypass.domain.events import Draft
from daypass.ledger.drafting import Drafting, Lock, SessionInfo
from daypass.ledger.facts import Recorded, decode
from daypass.ledger.interface import Shelf
from daypass.ledger.pace import BATCH_FACTS, Pace
from daypass.protocols.interface import Protocol

log = structlog.get_logger(__name__)

SECONDS = 0.05
"""How long facts collect before they are shipped. A store's commit costs the same for one as for hundreds."""
SECONDS_WAITED_FOR = 0.001
"""The same where every statement waits for the store (`durability: ledger`)."""
SLICE_SECONDS = 0.002
"""How long the event loop is kept before others get their turn."""
DRAFTING_SHARE = 0.3
"""What drafting is of all the work that a fact makes, with storing, numbering and publishing it (measured)."""
LARGE_BYTES = 16 * 1024
"""A record above this has its batch drafted in a thread: parsing, escaping and packing it takes longer than a slice."""
RETRY_SECONDS = 0.5
"""After a failure of the store."""
TOLD_SECONDS = 30.0
"""A failure that goes on is told this often."""

Describe = Callable[[str], Awaitable[SessionInfo | None]]
"""Finds what a session is; None if nobody knows. Raises `Unavailable` when that cannot be told now."""


class Records(Interface):
    """The journal, as far as it is shipped from."""

    @property
    def durable(self) -> int: ...

    @property
    def waits_for_store(self) -> bool: ...

    @property
    def crowded(self) -> bool: ...

    def read_from(self, number: int, limit: int) -> Sequence[tuple[int, bytes]]: ...

    def shipped(self, number: int) -> None: ...

    def when_shipped(self, number: int, waiter: Callable[[], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Batch:
    first: int
    last: int
    oldest_us: int
    drafts: Sequence[Draft]


class Shipper:
    """`facts` is how many arrived; `stuck`: the store took nothing the last time."""

    def __init__(
        self,
        journal: Records,
        shelf: Shelf,
        node: str,
        describe: Describe,
        protocols: Mapping[str, Protocol],
        entropy: Callable[[int], bytes],
        lock: Lock | None = None,
    ) -> None:
        """`lock` encrypts bodies."""
        self.facts = 0
        self.stuck = False
        self.calm: Callable[[], Awaitable[None]] | None = None
        """Waited for before each batch, unless statements wait for theirs: what is more urgent, and soon over."""
        self._journal = journal
        self._shelf = shelf
        self._node = node
        self._describe = describe
        self._protocols = protocols
        self._entropy = entropy
        self._lock = lock
        self._drafting = Drafting(protocols, entropy, lock)
        self._shipped: int | None = None
        self._lag = 0.0
        self._batch: _Batch | None = None
        self._told = 0.0
        self._drafted = 0.0
        self._busy = asyncio.Lock()

    @property
    def behind(self) -> int:
        """How many durable facts are not in the store yet."""
        return max(self._journal.durable - (self._shipped or 0), 0)

    @property
    def lag_seconds(self) -> float:
        """How old the oldest fact is that is not in the store, or that of the newest batch was when it arrived there,
        if that is more: 0 before there was any."""
        if self._shipped is None or not (waiting := self._journal.read_from(self._shipped + 1, 1)):
            return self._lag
        return max(self._lag, _age(decode(waiting[0][1]).t_us))

    async def run(self) -> None:
        """Go on until cancelled. Raises `Invalid` for a journal that cannot be read: nothing of it may be left out."""
        journal = self._journal
        pace = Pace(SECONDS_WAITED_FOR if journal.waits_for_store else SECONDS)
        while True:
            self._drafted = 0.0
            if not journal.waits_for_store:
                if self.calm is not None:
                    await self.calm()
                pace.arrived(journal.durable, perf_counter())
            most = pace.facts(crowded=journal.crowded)
            try:
                shipped = await self.step(most)
            except Unavailable as problem:
                self.stuck = True
                self._tell(problem)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self.stuck = False
            worked = self._drafted / DRAFTING_SHARE
            full, crowded, busy = shipped >= most, journal.crowded, self._shelf.busy
            await asyncio.sleep(pace.pause(full=full, crowded=crowded, busy=busy, worked=worked))

    async def drain(self) -> None:
        """Ship everything that is durable now. Raises `Unavailable` if the store is."""
        goal = self._journal.durable
        while self._shipped is None or self._shipped < goal:
            if not await self.step():
                return

    async def wait_for(self, number: int) -> None:
        """Return once everything up to this journal number is in the store."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._journal.when_shipped(number, lambda: None if done.done() else done.set_result(None))
        await done

    async def step(self, most: int = BATCH_FACTS) -> int:
        """Ship one batch of so many facts at most; return how many it had. Raises `Unavailable`; the batch is then
        shipped next time."""
        async with self._busy:
            if self._shipped is None:
                self._shipped = await self._shelf.shipped(self._node)
                self._journal.shipped(self._shipped)
            if self._batch is None:
                self._batch = await self._draft(self._shipped + 1, most)
            if (batch := self._batch) is None:
                return 0
            try:
                await self._shelf.ship(self._node, batch.first, batch.last, batch.drafts)
            except Conflict:
                # It is there already: the store's answer to an earlier try was lost. What it has decides.
                self._shipped = await self._shelf.shipped(self._node)
                if self._shipped < batch.last:
                    raise
            self._batch, self._shipped = None, batch.last
            self.facts += batch.last - batch.first + 1
            self._lag = _age(batch.oldest_us)
            self._journal.shipped(batch.last)
            return batch.last - batch.first + 1

    async def _draft(self, first: int, most: int) -> _Batch | None:
        records = self._journal.read_from(first, most)
        if not records:
            return None
        large = any(len(payload) > LARGE_BYTES for _, payload in records)
        read = [payload for _, payload in records]
        facts = await asyncio.to_thread(_decoded, read) if large else _decoded(read)
        try:
            for session in dict.fromkeys(fact.session for fact in facts):
                await self._know(session)
            drafting = self._drafting
            drafts = await asyncio.to_thread(_drafted, drafting, facts) if large else await self._drafts(facts)
        except BaseException:
            # Interrupted (cancelled, at a stop): what it holds by half would come again with the next batch.
            self._drafting = Drafting(self._protocols, self._entropy, self._lock)
            raise
        return _Batch(first, records[-1][0], facts[0].t_us, drafts)

    async def _drafts(self, facts: Sequence[Recorded]) -> list[Draft]:
        """Draft a batch in slices, so that others get their turn."""
        drafting, drafts = self._drafting, []
        began = perf_counter()
        for fact in facts:
            drafting.add(fact)
            if perf_counter() - began > SLICE_SECONDS:
                began = await self._turn(began)
        for draft in drafting.drafts():
            drafts.append(draft)
            if perf_counter() - began > SLICE_SECONDS:
                began = await self._turn(began)
        self._drafted += perf_counter() - began
        return drafts

    async def _turn(self, began: float) -> float:
        """Let others have theirs; returns when this one goes on."""
        self._drafted += perf_counter() - began
        await asyncio.sleep(0)
        return perf_counter()

    async def _know(self, session: str) -> None:
        if not self._drafting.knows(session):
            info = await self._describe(session)
            if info is None:
                log.warning("facts of a session that the store does not know", session=session)
            self._drafting.introduce(session, info)

    def _tell(self, problem: Unavailable) -> None:
        now = perf_counter()
        if now - self._told > TOLD_SECONDS:
            self._told = now
            log.error("the journal cannot be shipped", problem=problem.message, behind=self.behind)


def _age(t_us: int) -> float:
    return max(time() - t_us / 1_000_000, 0.0)


def _decoded(payloads: Sequence[bytes]) -> list[Recorded]:
    return [decode(payload) for payload in payloads]


def _drafted(drafting: Drafting, facts: Sequence[Recorded]) -> list[Draft]:
    """All at once, for a thread."""
    for fact in facts:
        drafting.add(fact)
    return list(drafting.drafts())
