"""What can be known of a decision before it is made: how policy sees it, who decides, and how long that takes.

Asks and shows; decides nothing and records nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.domain.deciding import involved, may_decide, standing, still_needed
from daypass.domain.errors import NotFound
from daypass.domain.explaining import Explained, explain
from daypass.domain.people import GROUP, Person, selected
from daypass.domain.policy import policy_of
from daypass.domain.request import Request, RequestState
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.target import Target, less
from daypass.services.asked import look_outside, on_duty, question
from daypass.services.office import Office
from daypass.services.sight import see_request
from daypass.store.interface import Page, Transaction

FORMER_MAX = 500
"""Former decisions looked at for the usual wait."""

_BROKEN = (RequestState.BROKEN_GLASS, RequestState.RATIFIED, RequestState.NOT_RATIFIED)


@dataclass(frozen=True, slots=True)
class CanDecide:
    """Somebody who may decide, on which stages. `on_duty`: they are there, as far as the rule's hours and
    their group's on-call schedule tell."""

    person: str
    stages: tuple[int, ...]
    voted: bool
    on_duty: bool


@dataclass(frozen=True, slots=True)
class DecidersOf:
    """Who decides on a request, and the roles that it may be narrowed to (`lesser`). `usual_wait_ms` is the median of
    `decided_before` former ones under its rule."""

    request: str
    state: str
    deciders: tuple[CanDecide, ...]
    missing: tuple[int, ...]
    usual_wait_ms: int | None
    decided_before: int
    lesser: tuple[str, ...]


class Deliberation:
    """Questions about decisions."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def explain(
        self,
        by: Person,
        target: Target,
        role: str,
        duration_ms: int,
        *,
        reason: str = "",
        ticket: str = "",
        start_at: int | None = None,
        on_behalf_of: str | None = None,
        glass: bool = False,
        scope: Scope = WHOLE,
    ) -> Explained:
        """How policy would decide if this person asked for this now."""
        known = await look_outside(self._office, target, ticket)
        async with self._office.reading() as tx:
            asked = await question(
                self._office,
                tx,
                by,
                target,
                role,
                duration_ms,
                reason=reason,
                ticket=ticket,
                start_at=start_at,
                on_behalf_of=on_behalf_of,
                known=known,
                scope=scope,
            )
            crowd = await self._office.everybody(tx)
        return explain(self._office.policies.current.policies, asked, crowd, glass=glass)

    async def explain_request(self, by: Person, part: str) -> Explained:
        """How the policy in force would decide on a request now. Who may see it may ask."""
        async with self._office.reading() as tx:
            request = await see_request(self._office, tx, by, part)
            requester = await tx.person(request.requester)
        item = request.items[0]
        target = self._office.targets.get(item.target)
        if target is None or requester is None:
            raise NotFound(f"the target {item.target} is no longer there")
        glass = request.state in _BROKEN
        return await self.explain(
            requester,
            target,
            item.role,
            request.duration_ms,
            reason=request.reason,
            ticket=request.ticket,
            start_at=request.start_at,
            on_behalf_of=request.on_behalf_of,
            glass=glass,
            scope=item.scope,
        )

    async def deciders(self, by: Person, part: str) -> DecidersOf:
        """Who can decide on a request, whom it still needs, and how long its like has waited."""
        async with self._office.reading() as tx:
            request = await see_request(self._office, tx, by, part)
            people = (await self._office.everybody(tx)).by_id
            waits = await waits_under(tx, request.policy, request.rule, before=request.id)
        voted = {vote.person for vote in standing(request)}
        there = self._there(request)
        groups = frozenset(name.removeprefix(GROUP) for stage in request.stages for name in stage.of)
        on_call = await on_duty(self._office, groups)
        found = tuple(
            CanDecide(id, stages, id in voted, there and _has_duty(request, people[id], on_call))
            for id, stages in _stages(request).items()
            if id in people and may_decide(request, people[id])
        )
        missing = still_needed(request, people)
        return DecidersOf(
            request.id, request.state.value, found, missing, usual_of(waits), len(waits), self._lesser(request)
        )

    def _lesser(self, request: Request) -> tuple[str, ...]:
        item = request.items[0]
        target = self._office.targets.get(item.target)
        if target is None or item.role not in target.roles or request.extends is not None:
            return ()
        return tuple(name for name, role in target.roles.items() if less(role, target.roles[item.role]))

    def _there(self, request: Request) -> bool:
        target = self._office.targets.get(request.items[0].target)
        found = policy_of(self._office.policies.current.policies, target) if target is not None else None
        rule = next((one for one in found.rules if one.name == request.rule), None) if found is not None else None
        hours = rule.decide.hours if rule is not None and rule.decide is not None else None
        return hours is None or hours.holds(self._office.now())


async def waits_under(tx: Transaction, policy: str, rule: str, *, before: str | None = None) -> list[int]:
    """How long former requests under a rule waited until people decided."""
    former = await tx.requests(states=(RequestState.APPROVED, RequestState.DENIED), page=Page(FORMER_MAX, before))
    return [
        one.decided_at - one.created_at
        for one in former
        if one.rule == rule and one.policy == policy and not one.automatic and one.decided_at
    ]


def usual_of(waits: Sequence[int]) -> int | None:
    """The usual one of these waits; None: there is none."""
    return round(statistics.median(waits)) if waits else None


def _has_duty(request: Request, person: Person, on_call: Mapping[str, Sequence[str]]) -> bool:
    """Whether they are on call for one of the groups by which they may decide, or one of these has no schedule."""
    named = {name for stage in request.stages if person.id in stage.eligible for name in stage.of}
    theirs = [name.removeprefix(GROUP) for name in named if selected(person, (name,))]
    return any(group not in on_call or person.email in on_call[group] for group in theirs)


def _stages(request: Request) -> dict[str, tuple[int, ...]]:
    """For each eligible person, the stages that they could fill."""
    found: dict[str, tuple[int, ...]] = {}
    for n, stage in enumerate(request.stages):
        for id in stage.eligible:
            if id not in involved(request):
                found[id] = (*found.get(id, ()), n)
    return found
