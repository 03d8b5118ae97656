"""Passwords of local people: set by a link that is good once, changed by who knows the old one, told to nobody.

Whoever has a passkey needs it beside the password. What is wrong is not said, and takes as long for nobody as for
somebody.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from daypass.domain.durations import DAY_MS
from daypass.domain.errors import Invalid, NotFound, Refused, Unauthenticated
from daypass.domain.events import Event
from daypass.domain.people import OPERATOR, Actor, Person
from daypass.identity import tokens
from daypass.identity.attempts import address_of
from daypass.identity.passwords import Hashing, check_strength
from daypass.services.locked import check_person
from daypass.services.office import Change, Office, acting
from daypass.services.passkeys import Asked, Passkeys, is_local
from daypass.services.tokens import stands
from daypass.services.visiting import Opened, Visits
from daypass.store.visiting import Flow, Password

KIND = "invitation"
INVITED_MS = DAY_MS
"""As long as somebody takes to read their messages."""
LINK = "/password#"
"""The page of ours that sets a password. What is behind `#` is sent to no server, and stands in no log."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """`link` sets the password of this person, once."""

    person: Person
    link: str = field(repr=False)
    expires_at: int


class Passwords:
    """`local`: whether there are any."""

    def __init__(
        self, office: Office, visits: Visits, passkeys: Passkeys, hashing: Hashing, public_url: str, *, local: bool
    ) -> None:
        self._office = office
        self._visits = visits
        self._passkeys = passkeys
        self._hashing = hashing
        self._public_url = public_url
        self.local = local

    async def invite(self, email: str, lasts_ms: int = INVITED_MS) -> Invitation:
        """A link for a local person, by the operator. An earlier one is void."""
        now, secret = self._office.now(), tokens.make(self._office.entropy(tokens.ENTROPY_BYTES))
        async with self._office.change() as change:
            person = await self._local(change, email)
            await change.tx.drop_flows(KIND, person.id)
            await change.tx.save_flow(Flow(_hash(secret), KIND, person.id, "", {}, now, now + lasts_ms))
            body = {"person": person.id, "expires_at": now + lasts_ms}
            await change.record(Event("password.invited", now, OPERATOR, body=body))
        return Invitation(person, f"{self._public_url}{LINK}{secret}", now + lasts_ms)

    async def remove(self, email: str) -> Person:
        """Take somebody's password away, by the operator, with the invitations. Browsers that they are signed in with
        are signed out."""
        async with self._office.change() as change:
            person = await self._local(change, email)
            await change.tx.drop_flows(KIND, person.id)
            if await change.tx.drop_password(person.id):
                await self._sign_out(change, person, OPERATOR)
                body = {"person": person.id}
                await change.record(Event("password.removed", self._office.now(), OPERATOR, body=body))
        return person

    async def accept(self, secret: str, password: str) -> Person:
        """Set a password by the link that was sent. A password that is not taken leaves the link as it is."""
        now = self._office.now()
        async with self._office.store.begin() as tx:
            flow = await tx.flow_for_change(_hash(secret)) if tokens.well_formed(secret) else None
            person = await tx.person(flow.person) if flow is not None and flow.kind == KIND else None
        if flow is None or person is None or now >= flow.expires_at or not is_local(person, self.local):
            raise _void()
        hash = await self._hashed(person, password)
        async with self._office.change() as change:
            present = await change.person(person)
            if not await change.tx.drop_flow(flow.id):
                raise _void()
            await self._set(change, present, hash, "invitation")
        return present

    async def change(self, by: Person, old: str, new: str) -> Person:
        """Change one's own. Raise `Refused` unless `old` is it: who asks is known, and stays signed in."""
        async with self._office.reading() as tx:
            kept = await tx.password(by.id) if is_local(by, self.local) else None
        if not await self._hashing.matches(kept.hash if kept is not None else None, old, by.id):
            raise Refused("that is not your password", hint="daypass people password EMAIL makes a new one")
        if old == new:
            raise Invalid("the new password is the old one")
        hash = await self._hashed(by, new)
        async with self._office.change() as change:
            person = await change.person(by)
            if await change.tx.password_for_change(person.id) != kept:
                raise Unauthenticated("your password has just been changed", hint="sign in again")
            await self._set(change, person, hash, "themself")
        return person

    async def sign_in(self, email: str, password: str, client: str) -> Opened | Asked:
        """Sign in; or what a passkey is asked for beside it. Raise `Unauthenticated`, in the same words and after the
        same questions to the store and the same hash, whatever is wrong."""
        async with self._office.reading() as tx:
            person = await tx.person_by_email(email.strip().lower())
            known = person is not None and is_local(person, self.local) and await stands(tx, person)
            kept = await tx.password(person.id if person is not None and known else "")
        good = await self._hashing.matches(kept.hash if kept is not None else None, password, address_of(client))
        if not good or person is None or kept is None:
            raise _nobody()
        fresh = await self._hashing.hash(password) if self._hashing.stale(kept.hash) else ""
        async with self._office.change() as change:
            person = await change.person(person)
            if await change.tx.password_for_change(person.id) != kept:
                raise _nobody()
            if fresh:
                await change.tx.save_password(Password(person.id, fresh, kept.set_at))
            passkeys = [one for one in await change.tx.passkeys(person.id) if one.removed_at is None]
            if passkeys:
                await check_person(change.tx, person, self._office.now(), self._office.everybody)
                return await self._passkeys.second(change.tx, person, passkeys)
            return await self._visits.open(change, person, "password", client)

    async def has_one(self, by: Person) -> bool:
        """Whether this person has a password that they can sign in by."""
        async with self._office.reading() as tx:
            return is_local(by, self.local) and await tx.password(by.id) is not None

    async def _hashed(self, person: Person, password: str) -> str:
        await check_strength(password, (person.email, person.name, self._public_url))
        return await self._hashing.hash(password)

    async def _set(self, change: Change, person: Person, hash: str, how: str) -> None:
        now = self._office.now()
        await change.tx.save_password(Password(person.id, hash, now))
        await change.tx.drop_flows(KIND, person.id)
        await self._sign_out(change, person, acting(person))
        body = {"person": person.id, "how": how}
        await change.record(Event("password.changed", now, acting(person), body=body))

    async def _sign_out(self, change: Change, person: Person, by: Actor) -> None:
        """Whoever signed in by the old one is out, with the tokens that they made meanwhile."""
        await self._visits.close_all(change, person, by, "password changed")

    async def _local(self, change: Change, email: str) -> Person:
        if not self.local:
            raise Refused("there are no passwords here", hint="identity.local: true in the settings")
        person = await change.tx.person_by_email(email.strip().lower())
        if person is None or person.disabled:
            raise NotFound(f"there is nobody with the address {email}", hint="add them under identity.people")
        if not is_local(person, self.local):
            raise Refused(f"{person.email} has no password here: the account is {person.source or 'an agent'}'s")
        return person


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _void() -> Unauthenticated:
    return Unauthenticated("this link is not good (any more)", hint="ask who runs this Daypass for another one")


def _nobody() -> Unauthenticated:
    return Unauthenticated("nobody can sign in by this", hint="the address, or the password, is another")
