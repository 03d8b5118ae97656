"""Keys that people sign votes with: enrols and revokes them, and checks the signature of a vote, also a passkey's
(`passkeys.py` enrols those).

The public half stands in the ledger (`key.enrolled`), so that whoever has the ledger can check every signature. No
private key ever comes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.events import Event
from daypass.domain.passkey import Passkey
from daypass.domain.passkey_signature import Assertion, challenge_of, check_assertion
from daypass.domain.people import SYSTEM, Person
from daypass.domain.request import Request, Vote
from daypass.domain.ssh_signature import fingerprint, holds, read_public_key, read_signature
from daypass.domain.standing import EnrolledKey
from daypass.domain.vote_statement import check_statement
from daypass.services.office import Change, Office, OnRecord, acting

KEYS_MAX = 16
"""Keys a person; each is one more way to vote in their name."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What somebody signed, and the SSH signature in its armour, or what their passkey answered."""

    statement: str
    signature: str = ""
    passkey: Assertion | None = None


class Signing:
    """A person's keys."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def enrol(self, by: Person, line: str) -> EnrolledKey:
        """Enrol a public key of one's own. Raise `Conflict` for one that anybody has enrolled already."""
        public, raw = read_public_key(line)
        async with self._office.change() as change:
            person = await change.person(by)
            if person.agent_of:
                raise Refused("an agent signs no votes")
            if await change.tx.keys(fingerprint=fingerprint(raw)):
                raise Conflict("this key is enrolled already", hint="daypass keys")
            if len([one for one in await change.tx.keys(person=person.id) if one.revoked_at is None]) >= KEYS_MAX:
                raise Conflict(f"you have {KEYS_MAX} keys already", hint="daypass keys revoke ID")
            now = self._office.now()
            key = EnrolledKey(self._office.new_id(), person.id, public, fingerprint(raw), now)
            await change.tx.save_key(key)
            body = {"key": key.id, "person": person.id, "fingerprint": key.fingerprint, "public": public}
            await change.record(Event("key.enrolled", now, acting(person), body=body))
        return key

    async def list(self, by: Person) -> Sequence[EnrolledKey]:
        """One's own keys, the revoked too."""
        async with self._office.reading() as tx:
            return await tx.keys(person=by.id)

    async def revoke(self, by: Person, id: str) -> EnrolledKey:
        """Have a key of one's own count no more. What it signed before stays signed."""
        async with self._office.change() as change:
            person = await change.person(by)
            own = [
                one for one in await change.tx.keys(person=person.id) if one.id.endswith(id) or one.id.startswith(id)
            ]
            if len(own) != 1:
                raise NotFound(f"you have no key {id}", hint="daypass keys")
            if own[0].revoked_at is not None:
                return own[0]
            now = self._office.now()
            revoked = replace(own[0], revoked_at=now)
            await change.tx.save_key(revoked)
            body = {"key": revoked.id, "person": person.id, "fingerprint": revoked.fingerprint}
            await change.record(Event("key.revoked", now, acting(person), body=body))
        return revoked


async def check_signed(change: Change, signed: Signed, request: Request, person: Person, vote: Vote) -> Vote:
    """The vote, signed. Raise `Refused` unless this person signed exactly this vote with a key or passkey of theirs
    that is enrolled."""
    check_statement(signed.statement, request, vote)
    if any(vote.statement == signed.statement for vote in request.votes):
        raise Conflict("this signed statement was counted already")
    if signed.passkey is not None:
        passkey = await take_assertion(change, signed.passkey, challenge_of(signed.statement), person.id)
        return replace(vote, passkey={**signed.passkey.plain(), "enrolled": passkey.entry})
    signature = read_signature(signed.signature)
    keys = await change.tx.keys(fingerprint=signature.fingerprint)
    if not any(one.person == person.id and one.revoked_at is None for one in keys):
        raise Refused("the vote is signed with a key that is not enrolled for you", hint="daypass keys add FILE.pub")
    if not holds(signature, signed.statement.encode()):
        raise Refused("the vote's signature does not hold")
    return replace(vote, signature=signed.signature)


async def take_assertion(change: Change, given: Assertion, challenge: bytes, person: str | None = None) -> Passkey:
    """The passkey that answered this challenge, of this person (None: anybody's), with its counter taken. Raise
    `Refused` for one that does not hold; a counter that went back is on record, as the authenticator may have been
    copied."""
    passkey = await change.tx.passkey_for_change(given.credential)
    if passkey is None or passkey.removed_at is not None or person not in (None, passkey.person):
        raise Refused("this passkey is not enrolled for you", hint="your passkeys are under My keys")
    try:
        check_assertion(given, passkey.public, passkey.rp_id, passkey.origin, challenge)
    except Invalid as problem:
        raise Refused(problem.message) from None
    if given.signature in change.counted:
        return passkey
    if given.counter <= passkey.counter and (given.counter or passkey.counter):
        body = {"key": passkey.id, "person": passkey.person, "counter": given.counter, "counter_was": passkey.counter}
        raise OnRecord(
            "this passkey's counter went back, as it does where an authenticator was copied",
            Event("key.suspected", change.now(), SYSTEM, body=body),
            hint="remove it and enrol another one",
        )
    change.counted.add(given.signature)
    taken = replace(passkey, counter=given.counter, last_used_at=change.now())
    await change.tx.save_passkey(taken)
    return taken
