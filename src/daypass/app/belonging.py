"""This node among the others of a shared store: its lease, what the others tell, and those that fell silent.

The lease is renewed apart from everything else, so that a slow step delays it not. A store of one node has nothing of
the rest, and its lease runs only while it takes no changes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from daypass.domain.errors import Conflict, DaypassError
from daypass.gateway.lease import Lease
from daypass.services.across import Across
from daypass.services.nodes import Nodes
from daypass.store.interface import Store

RENEW_SECONDS = 3.0
"""Five renewals a lease: one that is lost does no harm."""
RENEWING_SECONDS_MAX = 10.0
"""A renewal that takes longer is given up and sent anew."""
ATTEND_SECONDS = 1.0
"""How often it is looked whether something was missed of what others tell."""
BURY_SECONDS = 4.0
"""How often silent nodes are looked for."""

log = structlog.get_logger()


class Belonging:
    """Make it on the running loop; `join`, then `start`, then `stop`."""

    def __init__(self, store: Store, nodes: Nodes, across: Across, lease: Lease, node: str, data: Path) -> None:
        self._store = store
        self._nodes = nodes
        self._across = across
        self._lease = lease
        self._node = node
        self._home = f"{socket.gethostname()}:{data.resolve()}"
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.failing: set[str] = set()
        """What did not work the last time."""

    async def join(self) -> None:
        """Take this node's place. Raises Conflict if another one has its name."""
        if self._store.shared:
            await self._renew()

    async def start(self) -> None:
        if not self._store.shared:
            name = "see whether the store takes changes"
            self._tasks.append(asyncio.create_task(self._again(name, RENEW_SECONDS, self._probe), name=name))
            return
        self._store.on_news(lambda news: self._news.set())
        await self._store.listen()
        for name, seconds, step in (
            ("renew the lease", RENEW_SECONDS, self._renew),
            ("attend to the other nodes", 0.0, self._attend),
            ("bury silent nodes", BURY_SECONDS, self._bury),
        ):
            self._tasks.append(asyncio.create_task(self._again(name, seconds, step), name=name))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _again(self, name: str, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
                self.failing.discard(name)
            except Exception as problem:  # noqa: BLE001  told, and tried again: the lease runs out by itself
                if name not in self.failing:
                    self.failing.add(name)
                    what = problem.message if isinstance(problem, DaypassError) else type(problem).__name__
                    log.error("a step with the store failed", step=name, problem=what)
                if isinstance(problem, Conflict):
                    log.critical("this node's name is taken by another one", problem=problem.message)
                await asyncio.sleep(ATTEND_SECONDS)
            await asyncio.sleep(seconds)

    async def _renew(self) -> None:
        sent = self._lease.sending()
        async with asyncio.timeout(RENEWING_SECONDS_MAX):
            await self._nodes.renew(self._node, self._home)
        self._lease.renewed(sent)

    async def _probe(self) -> None:
        sent = self._lease.sending()
        try:
            async with self._store.begin():
                log.debug("the store takes changes")
        except DaypassError:
            if not self._store.scrubbing:
                self._lease.refused(sent)
            raise
        self._lease.taken()

    async def _attend(self) -> None:
        try:
            async with asyncio.timeout(ATTEND_SECONDS):
                await self._news.wait()
        except TimeoutError:
            log.debug("no news")
        self._news.clear()
        await self._across.attend()

    async def _bury(self) -> None:
        await self._nodes.bury(self._node)
