"""The command line signs in through a browser (as RFC 8628's device flow, against ourselves).

It gets a secret to poll with and a code; somebody who is signed in types the code into a page of ours, sees who asks
from where, and allows it or not. The token is made when the command line comes for it, is told once, and ends no
later than the browser's own visit.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from daypass.domain.errors import NotFound, Refused, TooMany, Unauthenticated
from daypass.domain.people import Person
from daypass.domain.visit import Visit, lives
from daypass.identity import tokens, user_codes
from daypass.identity.attempts import address_of
from daypass.services.office import Office, acting
from daypass.services.pace import Pace
from daypass.services.tokens import Issued, Tokens
from daypass.store.interface import Transaction
from daypass.store.visiting import Flow

KIND = "device"
FLOW_MS = 10 * 60_000
FLOWS_MAX = 1_000
"""Devices that wait at once. Where one more comes, the oldest of the address that has most of them waits no longer: who
floods us crowds out themselves."""
POLL_MS = 2_000
"""How long between two questions; who asks faster is told so."""
CODES_MAX = 60
"""Codes that one person looks up in a minute (RFC 8628, 5.1), of 20^8 that there can be; each is good for ten."""
CLIENT_CHARS_MAX = 100

State = Literal["WAITING", "ALLOWED", "REFUSED"]


@dataclass(frozen=True, slots=True)
class Device:
    """A command line that waits. `secret` is what it polls with, shown to it alone."""

    code: str
    state: State
    client: str
    seen_from: str
    made_at: int
    expires_at: int
    secret: str = field(default="", repr=False)


class Devices:
    """Lets command lines in."""

    def __init__(self, office: Office, tokens: Tokens, most: int = FLOWS_MAX) -> None:
        self._office = office
        self._tokens = tokens
        self._most = most
        self._pace = Pace(CODES_MAX, "codes")

    async def begin(self, client: str, seen_from: str) -> Device:
        """A device that waits. `client`: what it says it is."""
        now, secret = self._office.now(), tokens.make(self._office.entropy(tokens.ENTROPY_BYTES))
        about = {"client": client.strip()[:CLIENT_CHARS_MAX], "from": seen_from, "state": "WAITING", "asked_at": 0}
        code = user_codes.make(self._office.entropy(user_codes.ENTROPY_BYTES))
        flow = Flow(_hash(secret), KIND, "", code, about, now, now + FLOW_MS)
        async with self._office.store.begin() as tx:
            await tx.prune_flows(now)
            if await tx.count_flows(KIND, live_at=now) >= self._most:
                await self._make_room(tx, now)
            await tx.save_flow(flow)
        return replace(_device(flow), secret=secret)

    async def _make_room(self, tx: Transaction, now: int) -> None:
        waiting = {one.id: address_of(str(one.about["from"])) for one in await tx.flows(KIND, live_at=now)}
        for crowd, _ in Counter(waiting.values()).most_common(1):
            await tx.drop_flow(next(id for id, address in waiting.items() if address == crowd))

    async def look(self, by: Person, code: str) -> Device:
        """The device with this code. Raise `NotFound`, and `TooMany` for who tries one after the other."""
        self._pace.step(by.id, self._office.now())
        async with self._office.store.begin() as tx:
            flow = await tx.flow_by_code(KIND, user_codes.plain(code))
        return _device(self._there(flow, code))

    async def answer(self, by: Person, visit: Visit | None, code: str, *, allow: bool) -> Device:
        """Let it in as oneself, or do not. Only from a browser: a token makes tokens by itself."""
        if visit is None:
            raise Refused("a device is let in by somebody who is signed in with a browser", hint="daypass token new")
        self._pace.step(by.id, self._office.now())
        async with self._office.change() as change:
            person = await change.person(by)
            flow = self._there(await change.tx.flow_by_code(KIND, user_codes.plain(code)), code)
            state = "ALLOWED" if allow else "REFUSED"
            after = replace(flow, person=person.id, code="", about={**flow.about, "state": state, "visit": visit.id})
            await change.tx.save_flow(after)
        return replace(_device(after), code=flow.code)

    async def poll(self, secret: str) -> Issued | None:
        """The token, once it was allowed; None: nobody has said anything yet. Raise `Refused`, and `Unauthenticated`
        for what does not wait (any more)."""
        now = self._office.now()
        async with self._office.store.begin() as tx:
            flow = await tx.flow_for_change(_hash(secret))
            if flow is None or flow.kind != KIND or now >= flow.expires_at:
                raise Unauthenticated("nobody waits with this, or too long", hint="daypass login URL")
            if flow.about["state"] == "WAITING":
                if now - int(str(flow.about["asked_at"])) < POLL_MS:
                    raise TooMany("that was asked a moment ago", hint="every two seconds will do", wait_ms=POLL_MS)
                await tx.save_flow(replace(flow, about={**flow.about, "asked_at": now}))
                return None
            await tx.drop_flow(flow.id)
            visit = await tx.visit_for_change(str(flow.about["visit"]))
        if flow.about["state"] != "ALLOWED" or visit is None or not lives(visit, now):
            raise Refused("this was not allowed", hint="daypass login URL")
        label = f"login: {flow.about['client']}"
        by = await self._person(flow.person)
        return await self._tokens.issue(
            by.id, acting(by), label=label[:CLIENT_CHARS_MAX], until=visit.expires_at, visit=visit.id
        )

    async def _person(self, id: str) -> Person:
        async with self._office.change() as change:
            person = await change.tx.person(id)
            if person is None:
                raise Refused("this was not allowed")
            return await change.person(person)

    def _there(self, flow: Flow | None, code: str) -> Flow:
        if flow is None or self._office.now() >= flow.expires_at:
            raise NotFound(f"no device waits with the code {code[:20]}", hint="daypass login URL")
        return flow


def _device(flow: Flow) -> Device:
    about = {name: str(value) for name, value in flow.about.items()}
    state: State = "ALLOWED" if about["state"] == "ALLOWED" else "REFUSED" if about["state"] == "REFUSED" else "WAITING"
    return Device(flow.code, state, about["client"], about["from"], flow.made_at, flow.expires_at)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
