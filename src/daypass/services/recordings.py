"""Reading what was said and done. That somebody read it is an event itself, committed before anything is shown.

Whoever watches asks again every moment: of one person and one session there is one event in `AGAIN_MS`. With a store
that takes no event nothing is shown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from daypass.domain.durations import MINUTE_MS
from daypass.domain.events import Blob, Event
from daypass.domain.people import Person
from daypass.domain.session import Session
from daypass.services.office import Office, acting
from daypass.services.sight import reads_of, see_session, unknown

AGAIN_MS = 10 * MINUTE_MS
"""Reading on for longer than this is reading again."""
KEPT_MAX = 10_000
"""Readings remembered for that; whoever falls out of it is on record once more."""
SESSIONS_MAX = 100
"""Sessions that one event names; a page of search shows no more."""


class Recordings:
    """Shows recordings and statements to who may read them."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._noted: OrderedDict[tuple[str, ...], int] = OrderedDict()

    async def open(self, by: Person, part: str) -> tuple[Session, Sequence[Blob]]:
        """A session and the bodies of its record, in order. Raise `NotFound`, also for who may see that there is one
        and not what is in it."""
        async with self._office.reading() as tx:
            session, request = await see_session(self._office, tx, by, part)
            if not reads_of(self._office, by, request):
                raise unknown("session", part)
            blobs = await tx.blobs(session=session.id)
        await self.note(by, [session.id], request=request.id)
        return session, blobs

    async def follow(
        self, by: Person, part: str, *, after: int, limit: int
    ) -> tuple[Session, Sequence[tuple[int, Blob]]]:
        """The same, of so many bodies behind place `after`, each with its place."""
        async with self._office.reading() as tx:
            session, request = await see_session(self._office, tx, by, part)
            if not reads_of(self._office, by, request):
                raise unknown("session", part)
            pieces = await tx.pieces(session.id, after=after, limit=limit)
        await self.note(by, [session.id], request=request.id)
        return session, pieces

    async def note(self, by: Person, sessions: Sequence[str], *, request: str | None = None) -> None:
        """Put on record that this person reads of these sessions."""
        if not sessions:
            return
        now, key = self._office.now(), (by.id, *sessions)
        if now - self._noted.get(key, now - AGAIN_MS) < AGAIN_MS:
            return
        body = {"sessions": list(sessions)[:SESSIONS_MAX]}
        async with self._office.change() as change:
            await change.record(Event("recording.read", now, acting(by), request=request, body=body))
        self._noted[key] = now
        while len(self._noted) > KEPT_MAX:
            self._noted.popitem(last=False)
