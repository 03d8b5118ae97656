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
"""How long nothing may be published before an entry says so."""

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
    ) -> None:
        """`retention_ms`: how long bodies are kept; None: until somebody erases them."""
        self._retention_ms = retention_ms
        self._house = house
        self._publishing = publishing
        self._node = node
        self._on_fatal = on_fatal
        self._tasks: list[asyncio.Task[None]] = []
        self._silent_since = 0.0
        self._told: dict[str, float] = {}

    def start(self) -> None:
        self._silent_since = asyncio.get_running_loop().time()
        for name, seconds, step in (
            ("sweep", SWEEP_SECONDS, self._sweep),
            ("publish", PUBLISH_SECONDS, self._publish),
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
        now = asyncio.get_running_loop().time()
        if await self._publishing.publish():
            self._silent_since = now
        elif now - self._silent_since >= HEARTBEAT_SECONDS:
            self._silent_since = now
            await self._house.starting.heartbeat(self._node)
