"""Asking: makes requests, and changes them for their requester. Policy decides how each is decided, nobody else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from daypass.domain import deciding, matching, policy
from daypass.domain.deciding import Changes, written
from daypass.domain.durations import DAY_MS, HOUR_MS, as_datetime
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.events import Event
from daypass.domain.people import SYSTEM, Person
from daypass.domain.request import (
    OPEN,
    TICKET_CHARS_MAX,
    Item,
    Request,
    RequestAction,
    RequestState,
    sealed,
    step,
)
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.target import Target
from daypass.protocols import PROTOCOLS
from daypass.services.asked import Ahead, Outside, ask_ahead, known_of, look_outside, question
from daypass.services.granting import give
from daypass.services.office import Change, Office, acting
from daypass.services.sight import see_request
from daypass.services.telling import asked_body, asked_secret, request_event
from daypass.store.interface import Page

OPEN_MAX = 50
"""Undecided requests a person; more would drown those who decide."""

START_MAX_MS = 90 * DAY_MS
"""How far ahead access can be asked for."""

START_PAST_MS = HOUR_MS
"""A start this long ago is "now", said by a slow clock or a slow hand; an earlier one is a mistake."""

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `duration_ms` from `start_at` on (None: from first use)."""

    target: str
    role: str
    duration_ms: int
    reason: str
    ticket: str = ""
    start_at: int | None = None
    break_glass: bool = False
    until: int | None = None
    """A project: until then, access for each day of `duration_ms`."""
    scope: Scope = WHOLE
    """What it is to be limited to inside the target; empty: everything that the role can do."""


def wish_of(request: Request) -> Wish:
    """What a request asks for; of a project, one access."""
    item, lasts = request.items[0], request.duration_ms
    return Wish(item.target, item.role, lasts, request.reason, request.ticket, request.start_at, scope=item.scope)


class Asking:
    """The requester's verbs."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def create(self, by: Person, wish: Wish) -> Request:
        """Ask. The request comes back pending, or approved where a rule does so by itself. Raise `Refused` (after
        recording it) where policy says no or nobody could decide; nothing is then open."""
        if wish.break_glass:
            raise Invalid("this asks; breaking the glass is another verb", hint="daypass break-glass")
        wish = self.spelled(wish)
        target = self.target(wish)
        self.check(wish)
        refusal: policy.Refused | None = None
        known = await look_outside(self._office, target, wish.ticket)
        async with self._office.change() as change:
            person = await change.person(by)
            await self.refuse_flood(change, person)
            asked = await self.question(change, person, target, wish, known)
            verdict = await self._verdict(change, asked)
            if isinstance(verdict, policy.Refused):
                refusal = verdict
                await change.record(self._refused_event(person, wish, verdict))
            else:
                request = sealed(self.drafted(person, wish, verdict, asked.now))
                request = await self._save_new(change, request, person, verdict)
        if refusal is not None:
            raise Refused(refusal.reason, hint=refusal.hint)
        return request

    def target(self, wish: Wish) -> Target:
        """What is asked for. Raise `NotFound` or `Invalid` if there is no such target or role."""
        target = self._office.targets.get(wish.target)
        if target is None:
            raise NotFound(f"there is no target {wish.target}", hint="daypass targets")
        if wish.role not in target.roles:
            known = ", ".join(sorted(target.roles))
            raise Invalid(f"{wish.target} has no role {wish.role or '(none given)'}", hint=f"--role one of {known}")
        return target

    def spelled(self, wish: Wish) -> Wish:
        """The wish with its scope in its one spelling. Raise `Invalid` for a scope that means nothing there."""
        return replace(wish, scope=scope_at(self.target(wish), wish.scope)) if wish.scope else wish

    def check(self, wish: Wish) -> None:
        """Raise `Invalid` for what nobody could ask for."""
        written(wish.reason, "reason", needed=True)
        written(wish.ticket, "ticket", most=TICKET_CHARS_MAX)
        if wish.duration_ms < deciding.DURATION_MS_MIN:
            raise Invalid("access lasts at least a second", hint="--for 30m")
        now = self._office.now()
        if wish.start_at is not None and not now - START_PAST_MS <= wish.start_at <= now + START_MAX_MS:
            tomorrow = f"{as_datetime(now + DAY_MS):%Y-%m-%dT%H:%M:%SZ}"
            raise Invalid("access starts between now and 90 days from now", hint=f"--at {tomorrow}")

    async def refuse_flood(self, change: Change, person: Person, more: int = 1) -> None:
        """Raise `Conflict` if this person would have more undecided requests than anybody may have."""
        waiting = await change.tx.requests(requester=person.id, states=OPEN, page=Page(limit=OPEN_MAX))
        if len(waiting) + more > OPEN_MAX:
            raise Conflict(f"you have {OPEN_MAX} undecided requests", hint="daypass requests --mine")

    async def question(
        self, change: Change, person: Person, target: Target, wish: Wish, known: Outside
    ) -> policy.Question:
        """The question to policy."""
        return await question(
            self._office,
            change.tx,
            person,
            target,
            wish.role,
            wish.duration_ms,
            reason=wish.reason,
            ticket=wish.ticket,
            start_at=wish.start_at,
            known=known,
            scope=wish.scope,
        )

    async def _verdict(self, change: Change, asked: policy.Question) -> policy.Verdict:
        crowd = await self._office.everybody(change.tx)
        return policy.evaluate(self._office.policies.current.policies, asked, crowd)

    def _refused_event(self, person: Person, wish: Wish, verdict: policy.Refused) -> Event:
        body = {
            "items": [Item(wish.target, wish.role, wish.scope).plain()],
            "duration_ms": wish.duration_ms,
            "policy": verdict.policy.name if verdict.policy else "",
            "rule": verdict.rule.name if verdict.rule else "",
        }
        secret = {"reason": wish.reason.strip(), "ticket": wish.ticket.strip(), "because": verdict.reason}
        return Event(
            "request.refused",
            self._office.now(),
            acting(person),
            target=self._office.target_ref(wish.target),
            decision="refused",
            body=body,
            secret={name: value for name, value in secret.items() if value},
        )

    def drafted(self, person: Person, wish: Wish, verdict: policy.Automatic | policy.NeedsVotes, now: int) -> Request:
        """The request as it is asked and decided, not yet sealed."""
        automatic = isinstance(verdict, policy.Automatic)
        waits = policy.UNDECIDED_AFTER_MS if isinstance(verdict, policy.Automatic) else verdict.undecided_after_ms
        return Request(
            id=self._office.new_id(),
            state=RequestState.PENDING,
            requester=person.id,
            on_behalf_of=person.agent_of or None,
            items=(Item(wish.target, wish.role, wish.scope),),
            reason=wish.reason.strip(),
            ticket=wish.ticket.strip(),
            duration_ms=wish.duration_ms,
            start_at=wish.start_at,
            digest="",
            digest_salt=self._office.entropy(SALT_BYTES).hex(),
            policy=verdict.policy.name,
            policy_digest=verdict.policy.digest,
            rule=verdict.rule.name,
            stages=() if isinstance(verdict, policy.Automatic) else verdict.stages,
            automatic=automatic,
            owes=verdict.rule.owes.plain(),
            created_at=now,
            decide_by=now + waits,
            route=verdict.route,
            until=wish.until,
        )

    async def _save_new(
        self, change: Change, request: Request, person: Person, verdict: policy.Automatic | policy.NeedsVotes
    ) -> Request:
        created = request_event(
            self._office,
            "request.created",
            request,
            acting(person),
            body=asked_body(request),
            secret=asked_secret(request),
        )
        await change.tx.save_request(request)
        await change.record(created)
        return await self.approve_if_automatic(change, request, verdict)

    async def approve_if_automatic(
        self, change: Change, request: Request, verdict: policy.Automatic | policy.NeedsVotes
    ) -> Request:
        """Approve a new request where its rule does so by itself."""
        if not isinstance(verdict, policy.Automatic):
            return request
        approved = replace(
            step(request, RequestAction.APPROVE), decided_at=self._office.now(), decided_because=verdict.reason
        )
        return await give(self._office, change, approved, SYSTEM)

    async def answer(self, by: Person, part: str, text: str, changes: Changes | None = None) -> Request:
        """Answer a decider's question; `changes` may change what is asked, which voids earlier votes."""
        ahead = await self._ahead(by, part, changes or Changes())
        async with self._office.change() as change:
            person = await change.person(by)
            request = await see_request(self._office, change.tx, person, part, change=True)
            answered = deciding.answer(request, person, text, changes or Changes(), self._office.now())
            event = request_event(
                self._office,
                "request.answered",
                answered,
                acting(person),
                body={"digest": answered.digest},
                secret={"answer": answered.messages[-1].text},
            )
            await change.tx.save_request(answered)
            await change.record(event)
            if answered.digest == request.digest:
                return answered
            return await self._reroute(change, answered, person, ahead)

    async def edit(self, by: Person, part: str, changes: Changes) -> Request:
        """Change what is asked. Every vote so far is void, and policy is asked anew. The time to decide stays."""
        ahead = await self._ahead(by, part, changes)
        async with self._office.change() as change:
            person = await change.person(by)
            request = await see_request(self._office, change.tx, person, part, change=True)
            edited = deciding.edit(request, person, changes, self._office.now())
            return await self._reroute(change, edited, person, ahead)

    async def _ahead(self, by: Person, part: str, changes: Changes) -> Ahead:
        """What policy wants to know of others for the changed request, asked before it is locked."""
        async with self._office.reading() as tx:
            request = await see_request(self._office, tx, by, part)
        ticket = request.ticket if changes.ticket is None else changes.ticket
        return await ask_ahead(self._office, self._office.targets.get(request.items[0].target), [ticket])

    async def _reroute(self, change: Change, request: Request, person: Person, ahead: Ahead) -> Request:
        """Ask policy about the changed request. Raise `Refused`, and so change nothing, where it says no."""
        wish = wish_of(request)
        target = self.target(wish)
        if wish.duration_ms < deciding.DURATION_MS_MIN:
            raise Invalid("access lasts at least a second", hint="--for 30m")
        known = known_of(ahead, wish.ticket)
        asked = await self.question(change, person, target, wish, known)
        verdict = await self._verdict(change, asked)
        if isinstance(verdict, policy.Refused):
            raise Refused(verdict.reason, hint=verdict.hint)
        fresh = self.drafted(person, wish, verdict, asked.now)
        excluded = {*fresh.route.excluded, *(request.route.excluded if request.bundle else ())}
        fresh = without(fresh, excluded)
        routed = replace(
            request,
            policy=fresh.policy,
            policy_digest=fresh.policy_digest,
            rule=fresh.rule,
            stages=fresh.stages,
            automatic=fresh.automatic,
            owes=fresh.owes,
            decide_by=min(request.decide_by, fresh.decide_by),
            route=fresh.route,
        )
        event = request_event(
            self._office,
            "request.edited",
            routed,
            acting(person),
            body={**asked_body(routed), "void_votes": len(routed.votes)},
            secret=asked_secret(routed),
        )
        await change.tx.save_request(routed)
        await change.record(event)
        return await self.approve_if_automatic(change, routed, verdict)

    async def withdraw(self, by: Person, part: str) -> Request:
        """Take the request back."""
        async with self._office.change() as change:
            person = await change.person(by)
            request = await see_request(self._office, change.tx, person, part, change=True)
            withdrawn = deciding.withdraw(request, person, self._office.now())
            await change.tx.save_request(withdrawn)
            await change.record(request_event(self._office, "request.withdrawn", withdrawn, acting(person)))
        return withdrawn


def scope_at(target: Target, names: Sequence[str]) -> Scope:
    """The scope that these names mean at a target, in their one spelling. Raise `Invalid` where they mean none."""
    protocol = PROTOCOLS.get(target.protocol)
    if protocol is None:
        raise Invalid(f"access to {target.name} cannot be limited to a scope: it is {target.protocol}")
    return protocol.scope(names)


def without(request: Request, excluded: Collection[str]) -> Request:
    """The request with nobody of these on its route. Raise `Refused` if the others are too few."""
    stages = tuple(
        replace(stage, eligible=tuple(one for one in stage.eligible if one not in excluded)) for stage in request.stages
    )
    if not matching.satisfied(stages, {one for stage in stages for one in stage.eligible}):
        raise Refused(
            "too few could decide who are not in it themselves", hint="ask for those who decide apart from the others"
        )
    route = replace(request.route, excluded=tuple(sorted({*request.route.excluded, *excluded})))
    return replace(request, stages=stages, route=route)
