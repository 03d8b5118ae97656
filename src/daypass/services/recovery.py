"""What a start has to put right: sessions that a crash left open, grants that were ending, people who are gone.

It runs once, after the node's leftover journal is shipped and numbered and before any listener opens. It changes no
deadline: time that passed while we were down has passed. It sees whether the clock can be right: one that is behind
the record opens nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from daypass.credentials.interface import Credentials
from daypass.domain import grant as grants
from daypass.domain import session as sessions
from daypass.domain.durations import HOUR_MS
from daypass.domain.grant import UNFINISHED, EndReason
from daypass.domain.people import SYSTEM
from daypass.domain.session import Session
from daypass.services.closing import close_recovered
from daypass.services.doubts import raise_alarm
from daypass.services.endings import Endings
from daypass.services.interface import Live, SessionEnd
from daypass.services.office import Office
from daypass.services.sweeping import swept
from daypass.store.interface import Page

LEFT_MAX = 100_000
"""Sessions that one crash can have left open: more than a node carries."""

AGAIN_MS = 10_000
"""How long after a failed look at a target the next one is: it may be down for long."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a start found: sessions closed, sessions whose work could not be shown to be gone, grants ending."""

    closed: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    ending: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    """The grants of the sessions that were closed."""


class Recovery:
    """Puts right what a crash left."""

    def __init__(self, office: Office, credentials: Credentials, endings: Endings, live: Live) -> None:
        self._office = office
        self._credentials = credentials
        self._endings = endings
        self._live = live
        self._lost: set[str] = set()
        self._again_at = 0

    async def recover(self, node: str) -> Recovered:
        """End the work of this node's leftover sessions at the target, close them, then finish endings.

        A session whose work could not be shown to be gone stays OPEN, which is the truth, and is tried again.
        """
        async with self._office.reading() as tx:
            self._office.newest.t = await tx.newest_t()
            left = await tx.sessions(node=node, states=sessions.LIVE, page=Page(limit=LEFT_MAX))
        if behind := self._office.behind_ms():
            log.error("the clock is behind the record: nothing opens until it has caught up", behind_ms=behind)
        closed, unconfirmed = await self._settle(left)
        self._lost = set(unconfirmed)
        return Recovered(closed, unconfirmed, await self._go_on_ending())

    async def take_over(self, node: str) -> Recovered:
        """End the work of another node's sessions, which is gone, and close them: its journal is out of reach. What
        cannot be shown to be gone stays open, and is looked at again by whoever calls this again."""
        async with self._office.reading() as tx:
            left = await tx.sessions(node=node, states=sessions.LIVE, page=Page(limit=LEFT_MAX))
        closed, unconfirmed = await self._settle(left, node_gone=node)
        return Recovered(closed, unconfirmed, grants=tuple({one.grant: None for one in left if one.id in closed}))

    async def retry(self, now: int) -> None:
        """Look again at the sessions that a crash left and that could not be shown to be gone."""
        if not self._lost or now < self._again_at:
            return
        self._again_at = now + AGAIN_MS
        async with self._office.reading() as tx:
            found = [one for id in sorted(self._lost) if (one := await tx.session(id)) is not None]
        _, unconfirmed = await self._settle([one for one in found if one.state in sessions.LIVE])
        self._lost = set(unconfirmed)

    async def _settle(
        self, left: Sequence[Session], *, node_gone: str | None = None
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Sweep these at their targets, and close those that are gone. Returns the closed and the unconfirmed ones."""
        ends = {end.session: end for end in await swept(self._office, self._credentials, self._live, left)}
        gone = [one.id for one in left if ends[one.id].confirmed]
        for id in gone:
            async with self._office.change() as change:
                await close_recovered(self._office, change, id, end=ends[id], node_gone=node_gone)
        unconfirmed = [one for one in left if not ends[one.id].confirmed]
        for one in unconfirmed:
            await self._alarm(one, ends[one.id])
        return tuple(gone), tuple(sorted(one.id for one in unconfirmed))

    async def _alarm(self, session: Session, end: SessionEnd) -> None:
        """Tell that what a crash left may go on: once an hour, whoever looks."""
        now = self._office.now()
        async with self._office.change() as change:
            if await change.tx.once(f"left open {session.id}", now=now, until=now + HOUR_MS):
                await raise_alarm(self._office, change, session, end)

    async def _go_on_ending(self) -> tuple[str, ...]:
        """Go on with grants that were ending, and end those of people who are disabled."""
        async with self._office.reading() as tx:
            unfinished = await tx.grants(states=UNFINISHED)
            unfinished = [one for one in unfinished if (one.ending or {}).get("node", "") == self._live.node]
            gone = [person.id for person in (await self._office.everybody(tx)).people if person.disabled]
            held = [grant for id in gone for grant in await tx.grants(person=id, states=grants.LIVE)]
        for grant in unfinished:
            self._endings.end_soon(grant.id, EndReason.RECOVERED, SYSTEM)
        for grant in held:
            self._endings.end_soon(grant.id, EndReason.PERSON_DISABLED, SYSTEM)
        return tuple(dict.fromkeys(grant.id for grant in (*unfinished, *held)))
