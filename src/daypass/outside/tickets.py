"""All ticket systems as one: which of them a ticket is of, and what it said a moment ago.

An answer is good for half a minute, so that a dozen connections do not ask a dozen times; that somebody could not be
asked is remembered for some seconds, so that nobody waits for the same silence twice. Nothing older ever stands in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from daypass.domain.errors import DaypassError, NotFound, Unavailable
from daypass.outside.interface import Ticket, TicketSystem

FRESH_SECONDS = 30.0
FAILED_SECONDS = 5.0

KEPT_MAX = 1000
"""Tickets remembered; the oldest go first."""

ASKING_MAX = 8
"""Questions under way at once; more would look like an attack to a system that limits rates."""


class KnownTickets:
    """Implements `services.interface.Tickets`."""

    def __init__(self, systems: Sequence[TicketSystem]) -> None:
        self._systems = {system.name: system for system in systems}
        self._kept: dict[str, tuple[float, Ticket | DaypassError]] = {}
        self._asking = asyncio.Semaphore(ASKING_MAX)

    async def facts(self, ticket: str, *, fresh: bool = False) -> Mapping[str, object]:
        system, key = self._of(ticket)
        name, now = f"{system.name} {key}", time.monotonic()
        until, kept = self._kept.get(name, (0.0, None))
        if kept is None or fresh or until <= now:
            kept = await self._ask(system, key)
            self._kept.pop(name, None)
            lasts = FRESH_SECONDS if isinstance(kept, Ticket) else FAILED_SECONDS
            self._kept[name] = (time.monotonic() + lasts, kept)
            while len(self._kept) > KEPT_MAX:
                del self._kept[next(iter(self._kept))]
        if isinstance(kept, DaypassError):
            raise type(kept)(kept.message)
        return kept.facts()

    def same(self, one: str, other: str) -> bool:
        """Whether two ways of writing mean one ticket."""
        try:
            first, second = self._of(one), self._of(other)
        except NotFound:
            return False
        return first[0].name == second[0].name and first[1] == second[1]

    def told(self, name: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """The ticket that a webhook tells of. Raise `NotFound` for a system that there is not."""
        system = self._systems.get(name)
        if system is None:
            raise NotFound(f"there is no ticket system {name}")
        return system.told(headers, body)

    def _of(self, ticket: str) -> tuple[TicketSystem, str]:
        for system in self._systems.values():
            if key := system.key_of(ticket):
                return system, key
        raise NotFound(f"{ticket!r} is no ticket of {' or '.join(self._systems)}")

    async def _ask(self, system: TicketSystem, key: str) -> Ticket | DaypassError:
        try:
            async with self._asking:
                return await system.ask(key)
        except (NotFound, Unavailable) as problem:
            return problem

    async def close(self) -> None:
        for system in self._systems.values():
            await system.close()
