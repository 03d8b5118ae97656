"""What people are reminded of as time passes: access that ends soon, and duties that stay overdue. Each reminder is
filed once, whichever node's sweep comes first.
"""

from __future__ import annotations

from daypass.domain.durations import DAY_MS, HOUR_MS, MINUTE_MS
from daypass.domain.grant import Grant, GrantState
from daypass.domain.obligation import Obligation, ObligationState
from daypass.services.notices import tell
from daypass.services.office import Office
from daypass.services.owing import escalated
from daypass.store.interface import Page

SOON_MS = 10 * MINUTE_MS
"""How long before its deadline the holder of a grant is told, unless the settings say otherwise."""
LOOK_MS = 10_000
"""How often it is looked: exact enough for people."""
OVERDUE_MAX = 1000
"""Overdue duties that one look reminds of; the next one takes the rest."""
KEPT_MS = 30 * DAY_MS
"""How long what was sent, or given up, stays in the outbox."""


class Reminding:
    """`sweep` is called every second. `soon_ms`: 0 reminds of no deadline."""

    def __init__(self, office: Office, soon_ms: int = SOON_MS) -> None:
        self._office = office
        self._soon_ms = soon_ms
        self._next = 0
        self._prune_at = 0
        self._done: dict[str, int] = {}

    async def sweep(self, now: int) -> int:
        """File the reminders that are due. Returns how many."""
        if now < self._next:
            return 0
        self._next = now + LOOK_MS
        self._done = {key: until for key, until in self._done.items() if until > now}
        async with self._office.reading() as tx:
            active = await tx.grants(states=(GrantState.ACTIVE,), due_until=now + self._soon_ms)
            overdue = await tx.obligations(states=(ObligationState.OVERDUE,), page=Page(OVERDUE_MAX))
        filed = 0
        for grant in active if self._soon_ms else ():
            filed += await self._ending(grant, now)
        for late in overdue:
            filed += await self._overdue(late, now)
        if now >= self._prune_at:
            self._prune_at = now + HOUR_MS
            async with self._office.store.begin() as tx:
                await tx.prune_notices(now - KEPT_MS)
        return filed

    async def _ending(self, grant: Grant, now: int) -> int:
        """Nobody is told ten minutes before the end of access that lasts fifteen."""
        if grant.expires_at is None or now >= grant.expires_at or grant.duration_ms < 2 * self._soon_ms:
            return 0
        key = f"ending_soon {grant.id} {grant.expires_at}"
        if key in self._done:
            return 0
        self._done[key] = until = grant.expires_at + DAY_MS
        async with self._office.change() as change:
            if not await change.tx.once(key, now=now, until=until):
                return 0
            about = {"request": grant.request, "grant": grant.id}
            await tell(self._office, change, [grant.person], "ending_soon", about)
        return 1

    async def _overdue(self, late: Obligation, now: int) -> int:
        """Once a day, from the day after it became overdue on."""
        day = (now - late.due_at) // DAY_MS
        key = f"overdue {late.id} {day}"
        if day < 1 or key in self._done:
            return 0
        self._done[key] = until = now + 2 * DAY_MS
        async with self._office.change() as change:
            if not await change.tx.once(key, now=now, until=until):
                return 0
            await escalated(self._office, change, late, "overdue")
        return 1
