"""One export: reads the log from where it was, sends batch after batch in order, and notes how far it got.

At least once: the cursor moves when a batch has arrived, so that after a failure or a crash it is sent again. Nobody
waits for it: a receiver that is away for days finds everything when it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol as Interface

import structlog

from daypass.domain.errors import Unavailable
from daypass.ledger.exporting.forms import Placed
from daypass.ledger.exporting.sending import NotSent, Sending

BATCH = 256
"""Entries in one step: about 200 KiB."""
IDLE_SECONDS = 0.5
"""How often it is looked for more."""
BACK_OFF_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Between tries after failures, one after the other; the last is kept."""

log = structlog.get_logger()


class Feed(Interface):
    """The log to read from, and where one export's cursor is kept (a store)."""

    async def cursor(self) -> int:
        """The index of the first entry that has not arrived."""

    async def move(self, cursor: int) -> None:
        """Note it, durably."""

    async def read(self, since: int, limit: int) -> Sequence[Placed]:
        """Entries from this index on, in order."""

    async def mine(self) -> bool:
        """Whether this node is the one to send now."""


class Exporter:
    """Runs until cancelled. `wanted` says of a type whether it is sent; `next` is how far it got, `problem` why not
    further (empty: nothing is wrong)."""

    def __init__(self, name: str, feed: Feed, sending: Sending, wanted: Callable[[str], bool]) -> None:
        self.name = name
        self.next = 0
        self.problem = ""
        self._feed = feed
        self._sending = sending
        self._wanted = wanted

    async def run(self) -> None:
        failures = 0
        try:
            while True:
                try:
                    more = await self._feed.mine() and await self.step()
                    failures = self._well()
                    wait = 0.0 if more else IDLE_SECONDS
                except (NotSent, Unavailable) as problem:
                    self._tell(str(problem), first=failures == 0)
                    wait = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
                    failures += 1
                await asyncio.sleep(wait)
        finally:
            await self._sending.close()

    async def step(self) -> bool:
        """Send one batch. Whether there may be more. Raises NotSent, Unavailable."""
        cursor = self.next = await self._feed.cursor()
        found = await self._feed.read(cursor, BATCH)
        if not found:
            return False
        wanted = [placed for placed in found if self._wanted(str(placed.entry["type"]))]
        if wanted:
            await self._sending.send(wanted)
        self.next = found[-1].index + 1
        await self._feed.move(self.next)
        return len(found) == BATCH

    def _well(self) -> int:
        if self.problem:
            log.info("the export goes on", export=self.name, next=self.next)
        self.problem = ""
        return 0

    def _tell(self, problem: str, *, first: bool) -> None:
        self.problem = problem
        if first:
            log.error("the export cannot be sent", export=self.name, next=self.next, problem=problem)
