"""From the journal into the numbered ledger: this node's shipper and sequencer, and how far behind they are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from daypass.domain.errors import DaypassError, Unavailable
from daypass.domain.events import Draft
from daypass.ledger.drafting import Lock, SessionInfo
from daypass.ledger.entry import marked_late
from daypass.ledger.journal import Journal
from daypass.ledger.sequencer import Sequencer, number
from daypass.ledger.shipper import Shipper
from daypass.protocols import PROTOCOLS
from daypass.store.interface import Store

RETRY_SECONDS = 0.5
"""After a failure of the store."""
TOLD_SECONDS = 30.0
"""A failure that goes on is told this often."""

log = structlog.get_logger()


class Numbering:
    """A store as the shipper's shelf: what is shipped gets its places in the same commit."""

    def __init__(self, store: Store, on_placed: Callable[[int], None] = lambda count: None) -> None:
        self._store = store
        self._on_placed = on_placed

    async def ship(self, node: str, first: int, last: int, drafts: Sequence[Draft]) -> None:
        if not drafts:
            await self._store.ship(node, first, last, drafts)
            return
        # In a store of one node nobody closes a session before its last record is there.
        late = marked_late if self._store.shared else None
        self._on_placed(await self._store.ship_placed(node, first, last, drafts, number, late))

    async def shipped(self, node: str) -> int:
        return await self._store.shipped(node)

    @property
    def busy(self) -> bool:
        return self._store.busy


class Shipping(Collector):
    """Make it on the running loop; `start`, then `stop`. It is a Prometheus collector as well."""

    def __init__(self, journal: Journal, store: Store, node: str, lock: Lock | None = None) -> None:
        """`lock` encrypts the bodies of what is shipped."""
        self._store = store
        self._placed = 0
        self._sequencer = Sequencer(store, self._note_placed)
        self._shipper = Shipper(
            journal, Numbering(store, self._note_placed), node, self._describe, PROTOCOLS, os.urandom, lock
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._told = -TOLD_SECONDS

    async def catch_up(self) -> None:
        """Ship and number everything that is there. Raises `Unavailable` if the store is."""
        await self._shipper.drain()
        await self._sequencer.drain()

    def start(self, on_fatal: Callable[[str], None], calm: Callable[[], Awaitable[None]] | None = None) -> None:
        """Go on in the background, each batch after `calm`. `on_fatal` is told why, when it cannot: nothing may be left
        out of the record."""
        self._shipper.calm = calm
        for name, work in (("shipper", self._shipper.run), ("sequencer", self._number)):
            self._tasks.append(asyncio.create_task(self._watched(name, work, on_fatal), name=name))

    async def stop(self) -> None:
        """Stop, and ship and number the rest. Raises `Unavailable` if the store is: the next start does it then."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.catch_up()

    @property
    def behind(self) -> int:
        """Facts that are in the journal and not in the store yet."""
        return self._shipper.behind

    @property
    def lag_ms(self) -> int:
        """How old the oldest fact is that is not in the store: see `Shipper.lag_seconds`."""
        return round(self._shipper.lag_seconds * 1000)

    @property
    def warnings(self) -> list[str]:
        """That the store takes nothing now, in a line for whoever asks how this node is."""
        return [f"the store takes no records: {self.behind} wait in the journal"] if self._shipper.stuck else []

    def collect(self) -> Iterable[Metric]:
        """How far behind it is, and how much it has done."""
        lag = "How old the oldest fact is that is not in the store, or that of the newest batch was, if that is more."
        yield GaugeMetricFamily("daypass_ship_lag_seconds", lag, value=self._shipper.lag_seconds)
        yield GaugeMetricFamily("daypass_ship_behind", "Facts that are not in the store yet.", self._shipper.behind)
        yield CounterMetricFamily("daypass_shipped", "Facts that went into the store.", self._shipper.facts)
        yield CounterMetricFamily("daypass_entries", "Entries that got their places.", self._placed)

    def _note_placed(self, count: int) -> None:
        self._placed += count

    async def _watched(
        self, name: str, work: Callable[[], Coroutine[None, None, None]], on_fatal: Callable[[str], None]
    ) -> None:
        with suppress(asyncio.CancelledError):
            try:
                await work()
            except Exception as problem:  # noqa: BLE001  whatever it is, the record is not being kept: told, and fatal
                log.critical("the record cannot be kept", part=name, problem=str(problem), kind=type(problem).__name__)
                on_fatal(f"the {name} failed")

    async def _number(self) -> None:
        """The sequencer, taken up again after failures of the store."""
        while True:
            try:
                await self._sequencer.run()
            except Unavailable as problem:
                self._tell(problem)
                await asyncio.sleep(RETRY_SECONDS)

    def _tell(self, problem: DaypassError) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            log.error("entries cannot be numbered", problem=problem.message)

    async def _describe(self, id: str) -> SessionInfo | None:
        async with self._store.reading() as tx:
            found = await tx.session(id)
        if found is None:
            return None
        return SessionInfo(
            id=found.id,
            person=found.person,
            grant=found.grant,
            request=found.request,
            target=found.target,
            role=found.role,
            protocol=found.protocol,
            opened_at=found.opened_at,
        )
