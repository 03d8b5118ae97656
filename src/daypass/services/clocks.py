"""What time does: one sweep a second over all that is due. Reads no clock and sleeps nowhere: its caller does.

Hardly ever is anything due. So the store is asked once for all kinds of things, and only those that there are
something of are gone through.
"""

from __future__ import annotations

from dataclasses import dataclass

from daypass.services.departing import Departing
from daypass.services.doubts import Doubts
from daypass.services.duties import Duties
from daypass.services.endings import Endings
from daypass.services.grants import Grants
from daypass.services.locking import Locks
from daypass.services.office import Office
from daypass.services.patrol import Patrol
from daypass.services.recovery import Recovery
from daypass.services.refusals import Refusals
from daypass.services.reminding import Reminding
from daypass.services.requests import Requests
from daypass.services.revoking import Revoking
from daypass.store.due import Due

SWEEP_SECONDS = 1.0
"""How often app.py calls `sweep`. Sessions are cut by their own timers; this is for what has no session open."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many things one sweep moved on."""

    expired: int = 0
    lapsed: int = 0
    ending: int = 0


class Clocks:
    """Moves on whatever is due."""

    def __init__(
        self,
        office: Office,
        requests: Requests,
        grants: Grants,
        endings: Endings,
        refusals: Refusals,
        recovery: Recovery,
        patrol: Patrol | None = None,
        duties: Duties | None = None,
        reminding: Reminding | None = None,
        locks: Locks | None = None,
        revoking: Revoking | None = None,
        departing: Departing | None = None,
        doubts: Doubts | None = None,
    ) -> None:
        """`patrol`: None where no target lends logins; `duties`: None where nothing is owed; `reminding`: None where
        nobody is reminded; `locks`: None where nobody locks anything; `revoking`, `departing`: None where nobody
        revokes tokens or disables people; `doubts`: None where no session is looked at again."""
        self._office = office
        self._requests = requests
        self._grants = grants
        self._endings = endings
        self._refusals = refusals
        self._recovery = recovery
        self._patrol = patrol
        self._duties = duties
        self._reminding = reminding
        self._locks = locks
        self._revoking = revoking
        self._departing = departing
        self._doubts = doubts

    async def sweep(self, now: int) -> Swept:
        """Ends first, as they matter most; they go on by themselves, so that a slow one delays nothing here."""
        async with self._office.reading() as tx:
            due = await tx.due(now)
        ending = await self._end(due, now)
        if self._doubts is not None and Due.DOUBTS in due:
            self._doubts.sweep(now)
        expired = await self._requests.expire_due(now) if Due.DECISIONS in due else 0
        if Due.ESCALATIONS in due:
            await self._requests.escalate_due(now)
        lapsed = await self._grants.lapse_due(now) if Due.STARTS in due else 0
        if self._duties is not None and Due.OBLIGATIONS in due:
            await self._duties.sweep(now)
        await self._refusals.flush(now)
        await self._recovery.retry(now)
        if self._reminding is not None:
            await self._reminding.sweep(now)
        if self._patrol is not None:
            self._patrol.sweep(now)
        return Swept(expired, lapsed, ending)

    async def _end(self, due: frozenset[Due], now: int) -> int:
        """Begin to end what is over, for each reason there is. Returns how many grants."""
        ending = await self._endings.end_due(now) if Due.ENDS in due else 0
        if self._locks is not None and Due.LOCKS in due:
            ending += await self._locks.sweep(now)
        if self._departing is not None and Due.DEPARTURES in due:
            ending += await self._departing.sweep()
        if self._revoking is not None and Due.REVOKED in due:
            await self._revoking.sweep(now)
        return ending
