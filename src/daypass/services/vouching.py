"""Vouching: two other people, of security or the operators, say that it is really somebody who wants to enrol or remove
a passkey and has nothing to show for it. Each does it once, by the code that the person themself told them; their word
is good for one enrolment or removal, where it was asked for: in that browser, or by that token and the browsers that it
signed in. Whoever stole another token of the person has nothing by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from daypass.domain.errors import Conflict, NotFound, Refused
from daypass.domain.events import Event
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.domain.visit import Visit
from daypass.identity import user_codes
from daypass.services.office import Change, Office, acting
from daypass.store.interface import Transaction
from daypass.store.visiting import Flow, Token

KIND = "vouching"
VOUCHERS = 2
WAITS_MS = 24 * 3_600_000
"""How long two people are waited for, and how long their word is good."""


@dataclass(frozen=True, slots=True)
class Vouching:
    """`code` is what its person tells the others; `by` who has vouched (ids). Its person's proof once there are two."""

    code: str
    person: str
    by: tuple[str, ...]
    made_at: int
    expires_at: int

    @property
    def state(self) -> str:
        return "VOUCHED" if len(self.by) >= VOUCHERS else "WAITING"


class Vouchings:
    """Has people vouched for."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(self, by: Person, visit: Visit | None, token: Token | None = None) -> Vouching:
        """A code of one's own to tell two others. An earlier one is void. `token`: by which the call is made."""
        now = self._office.now()
        async with self._office.change() as change:
            person = await change.person(by)
            if person.agent_of:
                raise Refused("an agent has no passkeys")
            await change.tx.prune_flows(now)
            await change.tx.drop_flows(KIND, person.id)
            code = user_codes.make(self._office.entropy(user_codes.ENTROPY_BYTES))
            about = {"by": [], "asked": [visit.id] if visit is not None else sorted(places(None, token))}
            flow = Flow(self._office.new_id(), KIND, person.id, code, about, now, now + WAITS_MS)
            await change.tx.save_flow(flow)
        return _read(flow)

    async def mine(self, by: Person) -> Vouching | None:
        """The one that waits or is good for oneself."""
        async with self._office.reading() as tx:
            flow = await tx.flow_of(KIND, by.id, live_at=self._office.now())
        return None if flow is None else _read(flow)

    async def look(self, by: Person, code: str) -> Vouching:
        """Who wants to be vouched for by this code. Raise `NotFound`, also for who may not vouch."""
        async with self._office.store.begin() as tx:
            return _read(await self._find(tx, by, code))

    async def vouch(self, by: Person, code: str) -> Vouching:
        """Say that it is them. Nobody does so for themself, under any account, or twice."""
        async with self._office.change() as change:
            person = await change.person(by)
            flow = await self._find(change.tx, person, code)
            given = _read(flow).by
            crowd = await self._office.everybody(change.tx)
            if person.agent_of or person.id in crowd.selves(flow.person):
                raise Refused("nobody vouches for themself")
            if person.id in crowd.selves(*given):
                raise Conflict("you have vouched already; it takes somebody else")
            after = replace(flow, about={**flow.about, "by": [*given, person.id]})
            await change.tx.save_flow(after)
            await self._tell(change, person, flow)
        return _read(after)

    async def _tell(self, change: Change, person: Person, flow: Flow) -> None:
        body = {"vouching": flow.id, "person": flow.person}
        await change.record(Event("key.vouched", self._office.now(), acting(person), body=body))

    async def _find(self, tx: Transaction, by: Person, code: str) -> Flow:
        flow = await tx.flow_by_code(KIND, user_codes.plain(code)) if self._office.may(by, Verb.VOUCH) else None
        if flow is None or self._office.now() >= flow.expires_at:
            raise NotFound(f"nobody wants to be vouched for by the code {code[:20]}")
        return flow


def _read(flow: Flow) -> Vouching:
    given = flow.about["by"]
    by = tuple(str(one) for one in given) if isinstance(given, list) else ()
    return Vouching(flow.code, flow.person, by, flow.made_at, flow.expires_at)


def places(visit: Visit | None, token: Token | None) -> frozenset[str]:
    """Where a call comes from: a browser, and the token that signed it in; or a token, and the visit it was made in."""
    ids = (visit.id, visit.token) if visit is not None else (token.id, token.visit) if token is not None else ()
    return frozenset(id for id in ids if id)


async def vouched(tx: Transaction, person: str, at: frozenset[str], now: int) -> bool:
    """Whether two others have vouched for this person, who asked from there."""
    return _good(await tx.flow_of(KIND, person, live_at=now), at)


def _good(flow: Flow | None, at: frozenset[str]) -> bool:
    if flow is None or len(_read(flow).by) < VOUCHERS:
        return False
    asked = flow.about["asked"]
    return isinstance(asked, list) and not at.isdisjoint(asked)


async def spend(tx: Transaction, person: str, at: frozenset[str], now: int) -> Sequence[str]:
    """Use it up. Returns who vouched (ids)."""
    known = await tx.flow_of(KIND, person, live_at=now)
    flow = await tx.flow_for_change(known.id) if known is not None else None
    if flow is None or not _good(flow, at):
        raise Refused("nobody has vouched for you", hint="daypass passkeys ask")
    await tx.drop_flow(flow.id)
    return _read(flow).by
