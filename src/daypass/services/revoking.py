"""Looking at tokens and revoking them: one, or all of somebody's. What a token opened ends with it.

The token is dead from the commit on: nothing signs in with it, and a session that is just being opened with it is
refused when its target answers. The sessions that are open are cut as a killed one is, on whichever node they are;
their grants stay. A sweep cuts what a crash in between left open. One's own tokens and those of one's agents are
one's own to revoke, everybody's are security's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from daypass.domain import session as sessions
from daypass.domain.errors import DaypassError, NotFound
from daypass.domain.events import Event
from daypass.domain.grant import EndReason
from daypass.domain.people import Actor, Person
from daypass.domain.roles import Verb
from daypass.domain.session import Session
from daypass.services.endings import Endings
from daypass.services.interface import SessionEnd
from daypass.services.office import Change, Office, acting
from daypass.services.sight import find_id, unknown
from daypass.services.visiting import Visits
from daypass.store.interface import Token, Transaction

MESSAGE = "the token that opened this session was revoked"
LEFT_MS = 2_000
"""How long after its token was revoked a session is left to whoever revoked it, before a sweep cuts it."""
HINT = "your grant stays; connect again with another token"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Revoked:
    """Tokens that are no more, and how the sessions ended that they had opened."""

    tokens: tuple[Token, ...]
    ends: tuple[SessionEnd, ...] = ()


class Revoking:
    """Lists and revokes."""

    def __init__(self, office: Office, endings: Endings, visits: Visits) -> None:
        self._office = office
        self._visits = visits
        self._endings = endings
        self._tasks: set[asyncio.Task[None]] = set()

    async def list(self, by: Person, email: str = "") -> Sequence[Token]:
        """The live tokens of the person with this address (none: one's own), newest first."""
        async with self._office.reading() as tx:
            holder = await self._holder(tx, by, email)
            if not (_own(by, holder) or self._office.may(by, Verb.SEE_TOKENS)):
                raise _nobody(email)
            return await tx.tokens_of(holder.id, live_at=self._office.now())

    async def revoke(self, by: Person, part: str) -> Revoked:
        """Revoke one token; one that is revoked already is returned as it is."""
        async with self._office.change() as change:
            person = await change.person(by)
            token = await change.tx.token(await find_id(change.tx, "token", part))
            holder = await change.tx.person(token.person) if token is not None else None
            if token is None or holder is None or not self._may(person, holder):
                raise unknown("token", part)
            if token.revoked_at is not None:
                return Revoked((token,))
            found = await self._revoke(change, acting(person), holder, [token])
        return await self._cut(*found)

    async def revoke_all(self, by: Person, email: str = "") -> Revoked:
        """Revoke every live token of the person with this address (none: one's own, the one in use too), and sign them
        out of every browser."""
        async with self._office.change() as change:
            person = await change.person(by)
            holder = await self._holder(change.tx, person, email)
            if not self._may(person, holder):
                raise _nobody(email)
            live = await self._good_for_something(change.tx, holder)
            found = await self._revoke(change, acting(person), holder, live)
            await self._visits.close_all(change, holder, acting(person), "revoked")
        return await self._cut(*found)

    async def _good_for_something(self, tx: Transaction, holder: Person) -> Sequence[Token]:
        """Somebody's tokens that live, and those that have expired but opened what is open still."""
        live = list(await tx.tokens_of(holder.id, live_at=self._office.now()))
        running = await tx.sessions(person=holder.id, states=sessions.LIVE)
        others = {one.token for one in running} - {token.id for token in live}
        found = [await tx.token(id) for id in sorted(others)]
        return [*live, *(token for token in found if token is not None and token.revoked_at is None)]

    def listen(self, event: Event) -> None:
        """Told of every event after its commit: what a token opened that has ended with its visit is cut."""
        if event.type == "token.revoked" and event.body.get("visit") and event.body["sessions"]:
            task = asyncio.create_task(self._end(event.body["sessions"]), name="cut what a token opened")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def sweep(self, now: int) -> int:
        """Cut what is carried here although its token was revoked a while ago. Returns how many sessions."""
        async with self._office.reading() as tx:
            found = await tx.sessions_of_revoked(before=now - LEFT_MS)
        here = [one.id for one in found if self._endings.across.here(one)]
        await self._endings.cutting.here(here, EndReason.TOKEN_REVOKED, MESSAGE, HINT)
        return len(here)

    async def settle(self) -> None:
        """Wait for what is being cut. Never raises."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _end(self, ids: Sequence[str]) -> None:
        try:
            async with self._office.change() as change:
                found = [await change.tx.session(id) for id in ids]
                opened = [one for one in found if one is not None and one.state in sessions.LIVE]
                await self._endings.across.want(change.tx, opened, EndReason.TOKEN_REVOKED, MESSAGE, HINT)
            await self._cut((), opened)
        except DaypassError as problem:
            log.error("what a token opened was not cut, and is in a moment", problem=problem.message)

    async def _revoke(
        self, change: Change, by: Actor, holder: Person, live: Sequence[Token]
    ) -> tuple[tuple[Token, ...], Sequence[Session]]:
        """The tokens as they are now, and their sessions; other nodes are told to cut theirs."""
        now, ids = self._office.now(), {token.id for token in live}
        revoked = tuple(replace(token, revoked_at=now) for token in live)
        running = await change.tx.sessions(person=holder.id, states=sessions.LIVE)
        opened = [one for one in running if one.token in ids]
        for token in revoked:
            await change.tx.save_token(token)
            theirs = [one.id for one in opened if one.token == token.id]
            body = {"token": token.id, "person": holder.id, "sessions": theirs}
            await change.record(Event("token.revoked", now, by, body=body))
        await self._endings.across.want(change.tx, opened, EndReason.TOKEN_REVOKED, MESSAGE, HINT)
        return revoked, opened

    async def _cut(self, revoked: tuple[Token, ...], opened: Sequence[Session]) -> Revoked:
        ends = await self._endings.cutting.all(opened, EndReason.TOKEN_REVOKED, MESSAGE, HINT)
        return Revoked(revoked, tuple(ends))

    async def _holder(self, tx: Transaction, by: Person, email: str) -> Person:
        found = await tx.person_by_email(email.strip().lower()) if email else await tx.person(by.id)
        if found is None:
            raise _nobody(email)
        return found

    def _may(self, by: Person, holder: Person) -> bool:
        return _own(by, holder) or self._office.may(by, Verb.REVOKE_TOKENS)


def _own(by: Person, holder: Person) -> bool:
    """Whether these are one's own tokens, or those of one's agent."""
    return by.id in (holder.id, holder.agent_of)


def _nobody(email: str) -> NotFound:
    return NotFound(f"there is nobody with the address {email} whose tokens are yours", hint="daypass whoami")
