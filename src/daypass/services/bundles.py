"""Bundles: several targets and roles, for several people, asked for at once; and projects, which go on for days.

Each part is a request of its own, with its own rule, route, digest and grant, so that it is decided, used and ended by
itself; as a whole it is asked for, withdrawn, and decided by who may decide on all that is still open. Nobody who is in
a bundle, or asked for it, decides on any part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from daypass.domain import deciding, policy
from daypass.domain.crowd import Crowd
from daypass.domain.durations import DAY_MS, duration_text
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.people import Person
from daypass.domain.request import OPEN, Item, Request, RequestState, sealed
from daypass.services.asked import Outside, look_outside
from daypass.services.asking import Wish, without
from daypass.services.notices import tell
from daypass.services.office import Change, Office, acting
from daypass.services.requests import Narrowed, Requests
from daypass.services.sight import sees_request
from daypass.services.signing import Signed
from daypass.services.telling import asked_body, asked_secret, request_event
from daypass.store.interface import Page, Transaction

PARTS_MAX = 50
"""Requests in one bundle: people times items. More than this nobody reads before deciding."""

PARTIAL = "PARTIAL"
"""The state of a bundle whose parts ended differently."""


@dataclass(frozen=True, slots=True)
class BundleWish:
    """What is asked for at once. `people` are addresses (none: the asker); `until`: a project, with access for
    `duration_ms` on each day until then."""

    items: tuple[Item, ...]
    duration_ms: int
    reason: str
    ticket: str = ""
    people: tuple[str, ...] = ()
    start_at: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """The parts, by person, target and role."""

    id: str
    parts: tuple[Request, ...]

    @property
    def state(self) -> str:
        """PENDING while any part waits; then what all parts are, or PARTIAL."""
        states = {part.state for part in self.parts}
        if states & set(OPEN):
            return RequestState.PENDING.value
        return next(iter(states)).value if len(states) == 1 else PARTIAL


@dataclass(frozen=True, slots=True)
class _Part:
    """One part, before it is saved."""

    person: Person
    request: Request
    verdict: policy.Automatic | policy.NeedsVotes


class Bundles:
    """The verbs of bundles."""

    def __init__(self, office: Office, requests: Requests) -> None:
        self._office = office
        self._requests = requests

    async def create(self, by: Person, wish: BundleWish) -> Bundle:
        """Ask for all of it. Raise `Refused`, and ask for nothing, where policy refuses any part."""
        items = tuple(dict.fromkeys(wish.items))
        people = tuple(dict.fromkeys(email.strip().lower() for email in wish.people)) or (by.email,)
        if not 0 < len(items) * len(people) <= PARTS_MAX:
            raise Invalid(f"a bundle has from 1 to {PARTS_MAX} parts (people times targets)")
        wishes = [self._wish(wish, item) for item in items]
        known = [await look_outside(self._office, self._requests.target(one), one.ticket) for one in wishes]
        async with self._office.change() as change:
            asker = await change.person(by)
            crowd = await self._office.everybody(change.tx)
            named = [_named(crowd, email) for email in people]
            await self._requests.refuse_flood(change, asker, len(items) * len(people))
            id = self._office.new_id()
            parts = [
                await self._part(change, id, asker, person, named, one, outside, crowd)
                for person in named
                for one, outside in zip(wishes, known, strict=True)
            ]
            saved = [await self._save(change, part, asker) for part in parts]
            others = [one.id for one in named if one.id != asker.id]
            await tell(self._office, change, others, "project.asked", {"bundle": id, "by": asker.id})
        return Bundle(id, tuple(saved))

    def _wish(self, wish: BundleWish, item: Item) -> Wish:
        one = Wish(
            item.target,
            item.role,
            wish.duration_ms,
            wish.reason,
            wish.ticket,
            wish.start_at,
            until=wish.until,
            scope=item.scope,
        )
        one = self._requests.spelled(one)
        target = self._requests.target(one)
        self._requests.check(one)
        found = policy.policy_of(self._office.policies.current.policies, target)
        if one.until is not None and found is not None:
            self._check_project(one, found)
        return one

    def _check_project(self, wish: Wish, found: policy.Policy) -> None:
        lasts = (wish.until or 0) - max(wish.start_at or 0, self._office.now())
        if found.limits.project_ms is None:
            raise Refused(f"{found.name} allows no projects", hint="ask for one access: daypass request")
        if not 0 < lasts <= found.limits.project_ms:
            most = duration_text(found.limits.project_ms)
            raise Refused(f"{found.name} allows projects of at most {most}", hint=f"--until {most}")
        if wish.duration_ms > DAY_MS:
            raise Invalid("a project gives access for at most a day (24h) at a time", hint="--for 8h")

    async def _part(
        self,
        change: Change,
        id: str,
        asker: Person,
        person: Person,
        named: Sequence[Person],
        wish: Wish,
        outside: Outside,
        crowd: Crowd,
    ) -> _Part:
        asked = await self._requests.question(change, person, self._requests.target(wish), wish, outside)
        verdict = policy.evaluate(self._office.policies.current.policies, asked, crowd)
        what = f"{wish.target}:{wish.role} for {person.email}"
        if isinstance(verdict, policy.Refused):
            raise Refused(f"{what}: {verdict.reason}", hint=verdict.hint)
        excluded = crowd.selves(asker.id, *(one.id for one in named))
        asked_by = asker.id if asker.id != person.id else None
        made = replace(self._requests.drafted(person, wish, verdict, asked.now), bundle=id, asked_by=asked_by)
        try:
            made = without(made, excluded)
        except Refused as problem:
            raise Refused(f"{what}: {problem.message}", hint=problem.hint) from None
        return _Part(person, sealed(made), verdict)

    async def _save(self, change: Change, part: _Part, asker: Person) -> Request:
        body, secret = asked_body(part.request), asked_secret(part.request)
        event = request_event(self._office, "request.created", part.request, acting(asker), body=body, secret=secret)
        await change.tx.save_request(part.request)
        await change.record(event)
        return await self._requests.approve_if_automatic(change, part.request, part.verdict)

    # -- as a whole ---------------------------------------------------------------------------------------------

    async def show(self, by: Person, id: str) -> Bundle:
        """The bundle, with those of its parts that this person may see. Raise `NotFound` if there are none."""
        async with self._office.reading() as tx:
            return await self._see(tx, by, id)

    async def _see(self, tx: Transaction, by: Person, id: str) -> Bundle:
        found = await tx.requests(bundle=id.strip().lower(), page=Page(PARTS_MAX))
        found = sorted(found, key=lambda one: (one.requester, one.items[0].target, one.items[0].role))
        seen = tuple(one for one in found if sees_request(self._office, by, one))
        if not seen:
            raise NotFound(f"there is no bundle {id}", hint="daypass requests lists requests")
        return Bundle(seen[0].bundle or "", seen)

    async def approve(
        self,
        by: Person,
        id: str,
        digests: Mapping[str, str],
        *,
        note: str = "",
        narrowed: Narrowed | None = None,
        signed: Signed | None = None,
    ) -> Bundle:
        """Approve every part that is open and that this person may decide on, all or none. `digests` are of the parts
        as they saw them, by request: a part that changed since, or was not among them, stops the whole. `signed` is
        one statement for all of them."""
        async with self._office.change() as change:
            person, parts = await self._to_decide(change, by, id, digests)
            for one in parts:
                narrow = narrowed or Narrowed()
                await self._requests.approved(change, one, person, digests[one.id], note, narrow, signed)
            return await self._see(change.tx, person, id)

    async def deny(
        self, by: Person, id: str, digests: Mapping[str, str], *, note: str, signed: Signed | None = None
    ) -> Bundle:
        """Deny every part that is open and that this person may decide on."""
        async with self._office.change() as change:
            person, parts = await self._to_decide(change, by, id, digests)
            for one in parts:
                await self._requests.denied(change, one, person, digests[one.id], note, signed)
            return await self._see(change.tx, person, id)

    async def _to_decide(
        self, change: Change, by: Person, id: str, digests: Mapping[str, str]
    ) -> tuple[Person, list[Request]]:
        person = await change.person(by)
        bundle = await self._see(change.tx, person, id)
        parts = []
        # In one order always, so that two who decide at once wait for each other and never for ever.
        for part in sorted(bundle.parts, key=lambda one: one.id):
            locked = await change.tx.request_for_change(part.id)
            if locked is not None and locked.state in OPEN and deciding.may_decide(locked, person):
                parts.append(locked)
        if not parts:
            raise Refused("nothing of this is for you to decide", hint=f"daypass show {bundle.id}")
        if missing := [one.id for one in parts if one.id not in digests]:
            raise Conflict(f"you have not looked at request {missing[0]}; nothing was decided")
        return person, parts

    async def withdraw(self, by: Person, id: str) -> Bundle:
        """Take back every part that is still open: who asked for it, or each their own."""
        async with self._office.change() as change:
            person = await change.person(by)
            bundle = await self._see(change.tx, person, id)
            mine = [one for one in bundle.parts if person.id in (one.requester, one.asked_by) and one.state in OPEN]
            if not any(person.id in (one.requester, one.asked_by) for one in bundle.parts):
                raise Refused("nothing of this is yours to take back")
            if not mine:
                raise Conflict("nothing of this is still open")
            for part in mine:
                locked = await change.tx.request_for_change(part.id) or part
                gone = deciding.withdraw(locked, person, self._office.now())
                await change.tx.save_request(gone)
                await change.record(request_event(self._office, "request.withdrawn", gone, acting(person)))
            return await self._see(change.tx, person, id)


def _named(crowd: Crowd, email: str) -> Person:
    found = next((one for one in crowd.people if one.email == email and not one.disabled), None)
    if found is None:
        raise NotFound(f"there is nobody with the address {email}")
    return found
