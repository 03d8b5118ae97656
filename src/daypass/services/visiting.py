"""Visits: browsers in which people are signed in. Opens them, knows them again by their cookie, ends them.

The store keeps verifiers. A visit that a token opened never outlives it; a person who is disabled or locked has none.
Tokens that were made in a visit, by the command line or on a page, end when it is ended, with what they opened
(`Revoking.listen` cuts that).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from daypass.domain.errors import Unauthenticated
from daypass.domain.events import Event
from daypass.domain.people import SYSTEM, Actor, Person
from daypass.domain.session import LIVE
from daypass.domain.visit import LASTS_MS, SEEN_MS, Visit, Way, ended, lives
from daypass.identity import tokens
from daypass.services.locked import check_person
from daypass.services.office import Change, Office, acting
from daypass.services.sight import unknown
from daypass.services.tokens import Tokens, stands
from daypass.store.interface import Token, Transaction

VISITS_MAX = 16
"""Browsers a person is signed in with at once; one more signs the oldest out, so that nobody shuts themselves out."""

KEPT_MS = 24 * 3_600_000
"""How long after its time a visit's row is kept."""

Because = Literal["signed out", "signed out everywhere", "too many", "provider", "revoked", "password changed"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A new visit; `cookie` is what the browser gets, now and never again."""

    visit: Visit
    person: Person
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """What the identity provider said of a sign-in: how it calls it, and the ID token that ends it there."""

    issuer: str = ""
    subject: str = ""
    sid: str = ""
    hint: str = ""


class Visits:
    """Who is signed in with a browser."""

    def __init__(self, office: Office, tokens: Tokens) -> None:
        self._office = office
        self._tokens = tokens

    async def by_token(self, secret: str, client: str) -> Opened:
        """Sign in with a token, which has to be good for the API. Raises as `Tokens.authenticate`."""
        person, token = await self._tokens.authenticate(secret, client)
        async with self._office.change() as change:
            return await self.open(change, person, "token", client, token=token.id, until=token.expires_at)

    async def open(
        self,
        change: Change,
        by: Person,
        way: Way,
        client: str,
        *,
        token: str = "",
        until: int | None = None,
        said: Said | None = None,
        passkey: bool = False,
    ) -> Opened:
        """A visit of somebody who has proven who they are; `passkey`: with a passkey, too. Raise `Refused` if they may
        not do anything."""
        person, now = await change.person(by), self._office.now()
        if not await stands(change.tx, person):
            raise nobody()
        cookie = tokens.make(self._office.entropy(tokens.ENTROPY_BYTES))
        told = said or Said()
        visit = Visit(
            id=self._office.new_id(),
            person=person.id,
            verifier=tokens.sha256(cookie),
            way=way,
            opened_at=now,
            expires_at=min(now + LASTS_MS, until if until is not None else now + LASTS_MS),
            seen_at=now,
            seen_from=client,
            token=token,
            issuer=told.issuer,
            subject=told.subject,
            sid=told.sid,
            hint=told.hint,
            passkey_at=now if passkey or way == "passkey" else None,
        )
        crowding = (await change.tx.visits(person=person.id, live_at=now))[VISITS_MAX - 1 :]
        await self.close(change, crowding, SYSTEM, "too many")
        await change.tx.save_visit(visit)
        body = {"visit": visit.id, "person": person.id, "way": way, "expires_at": visit.expires_at}
        await change.record(Event("visit.opened", now, acting(person), body=body, secret={"client": client}))
        return Opened(visit, person, cookie)

    async def authenticate(self, cookie: str, client: str) -> tuple[Person, Visit]:
        """Whose cookie this is. Raise `Unauthenticated`, in the same words whatever is wrong; `Refused` for somebody
        who is locked."""
        if not tokens.well_formed(cookie):
            raise nobody()
        now = self._office.now()
        async with self._office.reading() as tx:
            visit = await tx.visit_by_verifier(tokens.sha256(cookie))
            if visit is None or not lives(visit, now) or not await self._token_lives(tx, visit, now):
                raise nobody()
            person = await tx.person(visit.person)
            if person is None or not await stands(tx, person):
                raise nobody()
            await check_person(tx, person, now, self._office.everybody)
        if now - visit.seen_at >= SEEN_MS:
            async with self._office.store.begin() as tx:
                await tx.note_visit(visit.id, now, client)
        return person, visit

    async def goes_on(self, tx: Transaction, id: str, person: Person) -> bool:
        """Whether this visit of this person is still good for anything."""
        now = self._office.now()
        visit = next((one for one in await tx.visits(person=person.id, live_at=now) if one.id == id), None)
        return visit is not None and lives(visit, now) and await self._token_lives(tx, visit, now)

    async def _token_lives(self, tx: Transaction, visit: Visit, now: int) -> bool:
        token = await tx.token(visit.token) if visit.token else None
        return not visit.token or (token is not None and token.revoked_at is None and now < token.expires_at)

    async def list(self, by: Person) -> Sequence[Visit]:
        """One's own, newest first."""
        async with self._office.reading() as tx:
            return await tx.visits(person=by.id, live_at=self._office.now())

    async def end(self, by: Person, id: str) -> Visit:
        """End a visit of one's own, whole id or its beginning or end. One that is over is returned as it is."""
        async with self._office.change() as change:
            own = await change.tx.visits(person=by.id, live_at=self._office.now())
            found = [one for one in own if id and (one.id.startswith(id) or one.id.endswith(id))]
            if len(found) != 1:
                raise unknown("visit", id)
            (over,) = await self.close(change, found, acting(by), "signed out")
        return over

    async def end_all(self, by: Person) -> Sequence[Visit]:
        """Sign oneself out of every browser."""
        async with self._office.change() as change:
            return await self.close_all(change, by, acting(by), "signed out everywhere")

    async def close_all(self, change: Change, person: Person, by: Actor, because: Because) -> Sequence[Visit]:
        """Sign somebody out of every browser, in an open transaction. What was made in visits that were over before
        ends as well, also the tokens of their agents."""
        signed_in = await change.tx.visits(person=person.id, live_at=self._office.now())
        over = await self.close(change, signed_in, by, because)
        crowd = await self._office.everybody(change.tx)
        theirs = [person.id, *(one.id for one in crowd.people if one.agent_of == person.id)]
        live = [token for id in theirs for token in await change.tx.tokens_of(id, live_at=self._office.now())]
        await self._revoke(change, [token for token in live if token.visit], by)
        return over

    async def close(self, change: Change, found: Sequence[Visit], by: Actor, because: Because) -> Sequence[Visit]:
        """End these, in an open transaction. Those that somebody else has just ended stay as they are."""
        over = []
        for one in found:
            visit = await change.tx.visit_for_change(one.id)
            if visit is None or visit.ended_at is not None:
                continue
            now = self._office.now()
            await change.tx.save_visit(ended(visit, now))
            body = {"visit": visit.id, "person": visit.person, "because": because}
            await change.record(Event("visit.ended", now, by, body=body))
            over.append(replace(ended(visit, now), hint=visit.hint))
        await self.revoke_made_in(change, over, by)
        return over

    async def revoke_made_in(self, change: Change, visits: Sequence[Visit], by: Actor) -> None:
        """Revoke the tokens that were made in these, which may have been over before."""
        ids = await change.tx.tokens_of_visits([one.id for one in visits], live_at=self._office.now())
        born = [await change.tx.token(id) for id in ids]
        await self._revoke(change, [token for token in born if token is not None], by)

    async def _revoke(self, change: Change, born: Sequence[Token], by: Actor) -> None:
        now = self._office.now()
        for token in born:
            await change.tx.save_token(replace(token, revoked_at=now))
            running = await change.tx.sessions(person=token.person, states=LIVE)
            opened = [one.id for one in running if one.token == token.id]
            body = {"token": token.id, "person": token.person, "sessions": opened, "visit": token.visit}
            await change.record(Event("token.revoked", now, by, body=body))

    async def prune(self, now: int) -> int:
        """Forget what has been over for a day. The log still tells of it."""
        async with self._office.store.begin() as tx:
            return await tx.prune_visits(now - KEPT_MS) + await tx.prune_flows(now)


def nobody() -> Unauthenticated:
    """Nobody is signed in; in the same words whatever is wrong."""
    return Unauthenticated("nobody is signed in here", hint="sign in again")
