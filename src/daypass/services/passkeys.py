"""Passkeys: enrols, renames and removes them; steps up and signs in by them.

The public half stands in the ledger (`key.enrolled`), with the relying party and the origin that it is for: all that is
needed to check offline what it signs. Enrolling and removing take more than being signed in: a passkey, a password or
the identity provider a moment ago, or two other people (`vouching.py`). So a browser that somebody left open, or a
stolen token, gives nobody a credential that stays.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from daypass.domain.errors import Conflict, Invalid, NotFound, Refused, TooMany, Unauthenticated
from daypass.domain.events import Event
from daypass.domain.passkey import FRESH_MS, NAME_CHARS_MAX, Passkey, Proof, RelyingParty
from daypass.domain.passkey_signature import Assertion, algorithm_of, decode, encode
from daypass.domain.people import Person
from daypass.domain.visit import Visit, Way
from daypass.identity.passkeys import (
    CHALLENGE_MS,
    Created,
    challenge_in,
    check_created,
    creation_options,
    flow_id,
    request_options,
)
from daypass.services.office import Change, Office, OnRecord, acting
from daypass.services.sight import unknown
from daypass.services.signing import take_assertion
from daypass.services.tokens import Tokens
from daypass.services.visiting import Opened, Visits
from daypass.services.vouching import places, spend, vouched
from daypass.store.interface import Transaction
from daypass.store.visiting import Flow, Token

PASSKEYS_MAX = 16
"""Passkeys a person; each is one more way to be them."""
CHALLENGE_BYTES = 32
ENROL, STEP_UP, SIGN_IN = "passkey enrol", "passkey step-up", "passkey sign-in"
"""The kinds of challenges."""
FLOWS_OF_PERSON_MAX = 16
"""Challenges of one kind that one person has open at once."""
SEAL_BYTES = 16
"""Of the seal by which challenges for nobody in particular are ours."""
ONLY_NAMES = "passkeys need a name: set public_url to one, as browsers take no address for them"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is asked, in WebAuthn's JSON."""

    challenge: str
    options: dict[str, Any]
    expires_at: int


class Passkeys:
    """`party`: what they are for; None: there can be none here. `local`: whether people whom no provider keeps sign in
    by them."""

    def __init__(
        self, office: Office, tokens: Tokens, visits: Visits, party: RelyingParty | None, *, local: bool
    ) -> None:
        self._office = office
        self._visits = visits
        self._tokens = tokens
        self.party = party
        self.local = local

    # -- enrolling ----------------------------------------------------------------------------------------------

    async def begin(self, by: Person, visit: Visit | None, token: Token | None = None) -> Asked:
        """What a browser makes a passkey from. Raise `Refused` without a proof that one may be made."""
        party = self._there()
        async with self._office.change() as change:
            person = await self._may_keep(change, by)
            await self._proof(change.tx, person, visit, token)
            known = await self._room(change.tx, person)
            challenge, flow = await self._ask(change.tx, ENROL, person.id)
        return Asked(flow.code, creation_options(party, person, challenge, known), flow.expires_at)

    async def enrol(
        self,
        by: Person,
        visit: Visit | None,
        name: str,
        client_data: bytes,
        attestation: bytes,
        transports: Sequence[str] = (),
        token: Token | None = None,
    ) -> Passkey:
        """Enrol what the browser made."""
        party, name = self._there(), _named(name)
        flow = await self._take(ENROL, client_data)
        if flow.person != by.id:
            raise _late()
        challenge = bytes.fromhex(str(flow.about["challenge"]))
        made = await asyncio.to_thread(check_created, party, challenge, client_data, attestation)
        async with self._office.change() as change:
            person = await self._may_keep(change, by)
            proof, others = await self._spent(change, person, visit, token)
            await self._room(change.tx, person)
            if await change.tx.passkey_for_change(made.credential) is not None:
                raise Conflict("this passkey is enrolled already")
            passkey = self._passkey(person, party, made, name, tuple(transports))
            entry = await change.record(self._enrolled(passkey, person, proof, others))
            passkey = replace(passkey, entry=entry)
            await change.tx.save_passkey(passkey)
        return passkey

    async def _room(self, tx: Transaction, person: Person) -> Sequence[Passkey]:
        """What this person has. Raise `Conflict` where one more is too many."""
        known = [one for one in await tx.passkeys(person.id) if one.removed_at is None]
        if len(known) >= PASSKEYS_MAX:
            raise Conflict(f"you have {PASSKEYS_MAX} passkeys already", hint="remove one first")
        return known

    def _passkey(
        self, person: Person, party: RelyingParty, made: Created, name: str, transports: tuple[str, ...]
    ) -> Passkey:
        return Passkey(
            id=self._office.new_id(),
            person=person.id,
            credential=made.credential,
            public=made.public,
            rp_id=party.id,
            origin=party.origin,
            name=name,
            counter=made.counter,
            transports=transports,
            entry="",
            enrolled_at=self._office.now(),
        )

    def _enrolled(self, passkey: Passkey, person: Person, proof: Proof, others: Sequence[str]) -> Event:
        body: dict[str, Any] = {
            "kind": "passkey",
            "key": passkey.id,
            "person": person.id,
            "credential": passkey.credential,
            "public": encode(passkey.public),
            "algorithm": algorithm_of(passkey.public),
            "rp_id": passkey.rp_id,
            "origin": passkey.origin,
            "attestation": "none",
            "by": proof,
        }
        if others:
            body["vouched_by"] = list(others)
        return Event("key.enrolled", self._office.now(), acting(person), body=body, secret={"name": passkey.name})

    # -- keeping ------------------------------------------------------------------------------------------------

    async def list(self, by: Person) -> Sequence[Passkey]:
        """One's own, the removed too, newest first."""
        async with self._office.reading() as tx:
            return await tx.passkeys(by.id)

    async def rename(self, by: Person, id: str, name: str) -> Passkey:
        """Call it something else."""
        name = _named(name)
        async with self._office.change() as change:
            person = await change.person(by)
            was = await self._own(change.tx, person, id)
            named = replace(was, name=name)
            await change.tx.save_passkey(named)
            body, secret = {"key": named.id, "person": person.id}, {"name": name, "name_was": was.name}
            await change.record(Event("key.renamed", self._office.now(), acting(person), body=body, secret=secret))
        return named

    async def remove(self, by: Person, visit: Visit | None, id: str, token: Token | None = None) -> Passkey:
        """Have it count no more. What it signed stays signed, and browsers that are signed in stay so. The last one
        goes only where its person can still prove who they are."""
        async with self._office.change() as change:
            person = await change.person(by)
            passkey = await self._own(change.tx, person, id)
            if passkey.removed_at is not None:
                return passkey
            proof, others = await self._spent(change, person, visit, token)
            live = [one for one in await change.tx.passkeys(person.id) if one.removed_at is None]
            if len(live) == 1 and not person.subject and await change.tx.password(person.id) is None:
                raise Refused(
                    "it is your last passkey, and you have no password and no identity provider",
                    hint="enrol another passkey, or have a password set: daypass people password EMAIL",
                )
            removed = replace(passkey, removed_at=self._office.now())
            await change.tx.save_passkey(removed)
            body: dict[str, Any] = {"kind": "passkey", "key": removed.id, "person": person.id}
            body |= {"credential": removed.credential, "by": proof}
            if others:
                body["vouched_by"] = list(others)
            await change.record(Event("key.revoked", self._office.now(), acting(person), body=body))
        return removed

    async def _own(self, tx: Transaction, person: Person, id: str) -> Passkey:
        found = [one for one in await tx.passkeys(person.id) if id and (one.id.startswith(id) or one.id.endswith(id))]
        if len(found) != 1:
            raise NotFound(f"you have no passkey {id}", hint="daypass passkeys")
        return found[0]

    # -- what one may enrol or remove by ------------------------------------------------------------------------

    async def proof(self, by: Person, visit: Visit | None, token: Token | None = None) -> Proof | None:
        """What this person could enrol or remove a passkey by, at this moment, from there."""
        async with self._office.reading() as tx:
            try:
                return await self._proof(tx, by, visit, token)
            except Refused:
                return None

    async def _proof(self, tx: Transaction, person: Person, visit: Visit | None, token: Token | None) -> Proof:
        """Raise `Refused`, saying what to do. Whoever has a passkey shows that; what is weaker would undo it."""
        now = self._office.now()
        if visit is not None and visit.passkey_at is not None and now - visit.passkey_at < FRESH_MS:
            return "passkey"
        has_one = any(one.removed_at is None for one in await tx.passkeys(person.id))
        if not has_one and visit is not None and now - visit.opened_at < FRESH_MS:
            if visit.way == "password":
                return "password"
            if visit.way == "oidc":
                return "provider"
        if await vouched(tx, person.id, places(visit, token), now):
            return "vouched"
        if has_one:
            hint = "show a passkey of yours first; if you have lost it, two others vouch for you: daypass passkeys ask"
        else:
            hint = "sign in anew (password or identity provider), or have two others vouch: daypass passkeys ask"
        raise Refused("this takes a fresh proof that it is you", hint=hint)

    async def _spent(
        self, change: Change, person: Person, visit: Visit | None, token: Token | None
    ) -> tuple[Proof, Sequence[str]]:
        """The proof, used up where it is good once; and who vouched."""
        proof = await self._proof(change.tx, person, visit, token)
        if proof != "vouched":
            return proof, ()
        return proof, await spend(change.tx, person.id, places(visit, token), self._office.now())

    # -- showing one --------------------------------------------------------------------------------------------

    async def begin_step_up(self, by: Person, visit: Visit | None) -> Asked:
        """What a browser shows a passkey of this person for."""
        party = self._there()
        if visit is None:
            raise Refused("a passkey is shown by somebody who is signed in with a browser")
        async with self._office.store.begin() as tx:
            known = [one for one in await tx.passkeys(by.id) if one.removed_at is None]
            if not known:
                raise NotFound("you have no passkey", hint="enrol one under My keys")
            challenge, flow = await self._ask(tx, STEP_UP, by.id, visit.id)
        return Asked(flow.code, request_options(party, challenge, known), flow.expires_at)

    async def step_up(self, by: Person, visit: Visit | None, given: Assertion) -> Visit:
        """Note that this browser has shown a passkey of its person."""
        flow = await self._take(STEP_UP, given.client_data)
        if visit is None or flow.person != by.id or flow.about["visit"] != visit.id:
            raise _late()
        async with self._office.change() as change:
            person = await change.person(by)
            present = await change.tx.visit_for_change(visit.id)
            if present is None or present.ended_at is not None:
                raise unknown("visit", visit.id)
            await take_assertion(change, given, bytes.fromhex(str(flow.about["challenge"])), person.id)
            shown = replace(present, passkey_at=self._office.now())
            await change.tx.save_visit(shown)
        return shown

    async def begin_sign_in(self) -> Asked:
        """What a browser is asked whose person is not known yet. Nothing is kept of it, so that strangers fill nothing:
        the challenge says by itself that it is ours, and until when."""
        party, now = self._there(), self._office.now()
        until = (now + CHALLENGE_MS).to_bytes(8, "big")
        told = until + self._office.entropy(CHALLENGE_BYTES)
        challenge = told + (await self._tokens.seal(told))[:SEAL_BYTES]
        return Asked(encode(challenge), request_options(party, challenge, ()), now + CHALLENGE_MS)

    async def _sealed(self, text: str) -> bytes | None:
        """The challenge, if it is one of `begin_sign_in`, not over, and answered for the first time."""
        try:
            challenge = decode(text)
        except Invalid:
            return None
        told, seal = challenge[:-SEAL_BYTES], challenge[-SEAL_BYTES:]
        ours = (await self._tokens.seal(told))[:SEAL_BYTES]
        if len(told) != 8 + CHALLENGE_BYTES or not hmac.compare_digest(seal, ours):
            return None
        now, until = self._office.now(), int.from_bytes(told[:8], "big")
        if now >= until:
            return None
        async with self._office.store.begin() as tx:
            return challenge if await tx.once(flow_id(text), now=now, until=until) else None

    async def second(self, tx: Transaction, person: Person, known: Sequence[Passkey]) -> Asked:
        """What a browser is asked whose person has just given their password."""
        party = self._there()
        challenge, flow = await self._ask(tx, SIGN_IN, person.id)
        return Asked(flow.code, request_options(party, challenge, known), flow.expires_at)

    async def sign_in(self, given: Assertion, client: str) -> Opened:
        """Sign in by it. Raise `Unauthenticated`, in the same words whatever is wrong."""
        challenge, second = await self._sealed(challenge_in(given.client_data)), ""
        if challenge is None:
            flow = await self._take(SIGN_IN, given.client_data)
            challenge, second = bytes.fromhex(str(flow.about["challenge"])), flow.person
        async with self._office.change() as change:
            try:
                passkey = await take_assertion(change, given, challenge, second or None)
            except OnRecord:
                raise
            except Refused:
                raise _nobody() from None
            person = await change.tx.person(passkey.person)
            if person is None or not is_local(person, self.local):
                raise _nobody()
            way: Way = "password" if second else "passkey"
            return await self._visits.open(change, person, way, client, passkey=True)

    # -- challenges ---------------------------------------------------------------------------------------------

    async def _ask(self, tx: Transaction, kind: str, person: str, visit: str = "") -> tuple[bytes, Flow]:
        """A new challenge, and how it is kept: `code` is its text, by which it is found again."""
        now, challenge = self._office.now(), self._office.entropy(CHALLENGE_BYTES)
        await tx.prune_flows(now)
        if await tx.count_flows(kind, person=person, live_at=now) >= FLOWS_OF_PERSON_MAX:
            raise TooMany("too many challenges wait already", hint="wait a few minutes", wait_ms=60_000)
        about = {"challenge": challenge.hex(), "visit": visit}
        text = encode(challenge)
        flow = Flow(flow_id(text), kind, person, "", about, now, now + CHALLENGE_MS)
        await tx.save_flow(flow)
        return challenge, replace(flow, code=text)

    async def _take(self, kind: str, client_data: bytes) -> Flow:
        """The challenge that the browser answers, used up whatever comes of it."""
        id, now = flow_id(challenge_in(client_data)), self._office.now()
        async with self._office.store.begin() as tx:
            flow = await tx.flow_for_change(id)
            if flow is not None and flow.kind == kind:
                await tx.drop_flow(id)
        if flow is None or flow.kind != kind or now >= flow.expires_at:
            raise _late()
        return flow

    async def _may_keep(self, change: Change, by: Person) -> Person:
        person = await change.person(by)
        if person.agent_of:
            raise Refused("an agent has no passkeys")
        return person

    def _there(self) -> RelyingParty:
        if self.party is None:
            raise NotFound("there are no passkeys here", hint=ONLY_NAMES)
        return self.party


def is_local(person: Person, allowed: bool) -> bool:
    """Whether this person signs in by what Daypass keeps of them."""
    return allowed and not person.source and not person.agent_of


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_CHARS_MAX:
        raise Invalid(f"a passkey's name has from 1 to {NAME_CHARS_MAX} characters", hint="like: laptop, blue key")
    return name


def _late() -> Unauthenticated:
    return Unauthenticated("this was not asked for here, or too long ago", hint="try again")


def _nobody() -> Unauthenticated:
    return Unauthenticated("nobody can sign in by this", hint="another passkey, or another way to sign in")
