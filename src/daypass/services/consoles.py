"""The console's papers: what it signs in with, whether its person still stands, and that it is on record.

A console is a client like any other and gets a token of its own: good for one target, bound to the visit (or the token)
that asked for it, never outliving it, and revoked when the console closes. Whether it may open anything is asked where
everybody's is, by the gateway; there is no other way in from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from daypass.domain import session as sessions
from daypass.domain.durations import HOUR_MS
from daypass.domain.errors import DaypassError, Refused, Unavailable
from daypass.domain.events import Event
from daypass.domain.people import SYSTEM, Actor, Person
from daypass.domain.session import Session
from daypass.domain.token_scopes import CONNECT, within
from daypass.services.closing import session_event
from daypass.services.locked import check_person
from daypass.services.office import Office, acting
from daypass.services.tokens import Issued, Tokens, stands
from daypass.services.visiting import Visits
from daypass.store.interface import Token

LABEL = "SQL console"
LASTS_MS = 12 * HOUR_MS
"""A console's token is good for a working day at most, as a visit is; what a node that died leaves is, too."""

Because = Literal["closed", "page closed", "idle", "signed out", "ended", "time limit", "shutting down", "broken"]
"""Why a console closed: by its person, as nobody looks at it any more, as nothing was said, as who opened it does not
stand any more, by the gateway (whose session.ended says why), as a statement would not stop, with the node, by a
fault."""


@dataclass(frozen=True, slots=True)
class Opener:
    """Who opens a console, by what: a token, or a browser's `visit` (then `token` is that in a token's form)."""

    person: Person
    token: Token = field(repr=False)
    visit: str
    client: str

    @property
    def key(self) -> tuple[str, str]:
        """Whose a console is: another visit of the same person does not find it."""
        return self.person.id, self.visit or self.token.id


class ConsoleDesk:
    """Where a console asks."""

    def __init__(self, office: Office, tokens: Tokens, visits: Visits) -> None:
        self._office = office
        self._tokens = tokens
        self._visits = visits

    async def issue(self, opener: Opener, target: str) -> Issued:
        """What a console signs in with. Raise `Refused` for a token that is not for this target, and for a target that
        is not there, in the words of one that is not for this person."""
        if target not in self._office.targets:
            raise Refused(f"you have no access to {target}", hint="daypass targets shows what you may ask for")
        scopes = (CONNECT + target,)
        if not within(opener.token.scopes, scopes):
            held = ", ".join(opener.token.scopes)
            raise Refused(f"this token is not good for {scopes[0]}, but for {held}", hint="daypass token new")
        return await self._tokens.issue(
            opener.person.id,
            acting(opener.person),
            label=LABEL,
            lasts_ms=LASTS_MS,
            scopes=scopes,
            until=opener.token.expires_at,
            visit=opener.visit,
        )

    async def stands(self, opener: Opener) -> bool:
        """Whether whoever opened a console may still do anything, with what they opened it with."""
        now = self._office.now()
        async with self._office.reading() as tx:
            person = await tx.person(opener.person.id)
            if person is None or not await stands(tx, person):
                return False
            try:
                await check_person(tx, person, now, self._office.everybody)
            except DaypassError:
                return False
            if opener.visit:
                return await self._visits.goes_on(tx, opener.visit, person)
            token = await tx.token(opener.token.id)
        return token is not None and token.revoked_at is None and now < token.expires_at

    async def opened(self, opener: Opener, token: str, console: str) -> Session:
        """The session that was opened with this token, once that a console has it is on record."""
        async with self._office.change() as change:
            running = await change.tx.sessions(person=opener.person.id, states=sessions.LIVE)
            session = next((one for one in running if one.token == token), None)
            if session is None:
                raise Unavailable("the session was over before it was on record", hint="open the console again")
            body = {"console": console, "token": token, **({"visit": opener.visit} if opener.visit else {})}
            await change.record(
                session_event(self._office, "console.opened", session, acting(opener.person), body=body)
            )
        return session

    async def closed(self, opener: Opener, token: str, console: str, session: Session | None, because: Because) -> None:
        """The console is over: its token is no more."""
        by = acting(opener.person) if because in ("closed", "page closed") else SYSTEM
        async with self._office.change() as change:
            now = self._office.now()
            found = await change.tx.token(token)
            if found is not None and found.revoked_at is None:
                await change.tx.save_token(replace(found, revoked_at=now))
                body = {"token": token, "person": opener.person.id, "sessions": []}
                await change.record(Event("token.revoked", now, by, body=body))
            if session is not None:
                await change.record(_closed(self._office, session, by, {"console": console, "because": because}))


def _closed(office: Office, session: Session, by: Actor, body: dict[str, Any]) -> Event:
    return session_event(office, "console.closed", session, by, body=body)
