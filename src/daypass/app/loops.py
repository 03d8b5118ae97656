"""What goes on in the background: time moves things on, the log is published, silence is sealed.

A failure of the store is told and tried again. A log that is not one any more is fatal: nothing could be signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from daypass.app.house import House, wall_ms
from daypass.app.publishing import Publishing
from daypass.domain.errors import DaypassError
from daypass.ledger.disagreement import Disagreement
from daypass.services.clocks import SWEEP_SECONDS

PUBLISH_SECONDS = 0.5
"""How often it is looked whether the log grew: a checkpoint is due every second then."""

TICKET_SECONDS = 5.0
"""How often it is looked whether tickets are to be asked about again."""

RETENTION_SECONDS = 600.0
"""How often it is looked whether a day has passed since bodies were last swept."""

HEARTBEAT_SECONDS = 60.0
"""How often an entry says that this node goes on, whatever else happens: what is missing after one shows."""
BEAT_SECONDS = 0.5
"""How often it is looked whether one is due: where it could not be stored, it is soon tried again."""

TOLD_SECONDS = 30.0
"""A failure that goes on is told this often."""

log = structlog.get_logger()


class Loops:
    """Runs until `stop`. `on_fatal` is told when the log cannot go on."""

    def __init__(
        self,
        house: House,
        publishing: Publishing,
        node: str,
        on_fatal: Callable[[str], None],
        retention_ms: int | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        """`retention_ms`: how long bodies are kept; None: until somebody erases them."""
        self._heartbeat_seconds = heartbeat_seconds
        self._retention_ms = retention_ms
        self._house = house
        self._publishing = publishing
        self._node = node
        self._on_fatal = on_fatal
        self._tasks: list[asyncio.Task[None]] = []
        self._beat_due = 0.0
        self._told: dict[str, float] = {}

    def start(self) -> None:
        self._beat_due = asyncio.get_running_loop().time() + self._heartbeat_seconds
        for name, seconds, step in (
            ("sweep", SWEEP_SECONDS, self._sweep),
            ("publish", PUBLISH_SECONDS, self._publish),
            ("heartbeat", min(BEAT_SECONDS, self._heartbeat_seconds), self._beat),
            ("retention", RETENTION_SECONDS, self._retain),
            ("tickets", TICKET_SECONDS, self._tickets),
        ):
            self._tasks.append(asyncio.create_task(self._again(name, seconds, step), name=name))

    async def stop(self) -> None:
        """End the loops; what they were doing is finished by whoever stops."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _again(self, name: str, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except Disagreement as problem:
                log.critical("the log is not one log any more", problem=problem.message, hint=problem.hint)
                self._on_fatal(problem.message)
                return
            except DaypassError as problem:
                self._tell(name, problem.message)
            except Exception as problem:  # noqa: BLE001  told, and tried again: time must not stop for one failure
                self._tell(name, f"{type(problem).__name__}: {problem}")
            await asyncio.sleep(seconds)

    def _tell(self, name: str, problem: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told.get(name, -TOLD_SECONDS) >= TOLD_SECONDS:
            self._told[name] = now
            log.error("a background step failed", step=name, problem=problem)

    async def _sweep(self) -> None:
        await self._house.clocks.sweep(wall_ms())

    async def _tickets(self) -> None:
        # Apart from the sweep: other systems take their time, and nothing else waits for them.
        ended = await self._house.ticketing.sweep(wall_ms())
        if ended:
            log.info("closed tickets end grants", grants=list(ended))

    async def _retain(self) -> None:
        await self._house.visits.prune(wall_ms())
        if self._retention_ms is not None:
            erased = await self._house.erasing.sweep(self._retention_ms, wall_ms())
            if erased:
                log.info("bodies older than retention allows are erased", bodies=erased)

    async def _publish(self) -> None:
        await self._publishing.publish()

    async def _beat(self) -> None:
        # Apart from publishing, which may fail or wait for witnesses: the entries of that time are then sealed later.
        late = asyncio.get_running_loop().time() - self._beat_due
        if late >= 0:
            await self._house.starting.heartbeat(self._node)
            self._beat_due += self._heartbeat_seconds * (1 + late // self._heartbeat_seconds)
