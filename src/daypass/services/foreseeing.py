"""What asking would take, said before anything is sent; and for who decides, what was asked like it before.

Asks and shows; decides nothing and records nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.domain.durations import spoken_duration
from daypass.domain.errors import DaypassError, NotFound
from daypass.domain.explaining import Explained
from daypass.domain.people import Person
from daypass.domain.policy import NeedsVotes, ways
from daypass.domain.request import Request, RequestState
from daypass.domain.risk import Known, Risk, risk_of
from daypass.domain.rules import Duty
from daypass.services.asking import Wish, scope_at
from daypass.services.deliberation import Deliberation, usual_of, waits_under
from daypass.services.formerly import last_time
from daypass.services.history import history_of
from daypass.services.office import Office
from daypass.services.sight import see_request, sees_request
from daypass.store.interface import Page

LOOKED_AT_MAX = 200
"""Former requests for the same access that are looked at: the newest of the same person, and the newest of anybody."""
SIMILAR_MAX = 10
"""Similar ones that are shown: more is a search."""

TICKET_SECONDS_MAX = 3.0
"""How long the ticket's system is waited for: what is shown without it is still worth showing."""

_GLASS = (RequestState.BROKEN_GLASS, RequestState.RATIFIED, RequestState.NOT_RATIFIED)
_OVER = (RequestState.APPROVED, RequestState.DENIED, RequestState.EXPIRED)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """How a wish would be decided (`explained`), in one `sentence`; how long its like waited; the longest that may be
    asked for (None: no limit); what will be owed; what the ticket's system says of the ticket, or why it does not."""

    explained: Explained
    sentence: str
    usual_wait_ms: int | None
    decided_before: int
    longest_ms: int | None
    owes: Mapping[str, object]
    ticket: Mapping[str, object] | None
    ticket_problem: str


@dataclass(frozen=True, slots=True)
class Similar:
    """What the requester did last time with the same access, and how its like was decided, the newest first; what
    hangs on it; what the ticket's system says of the ticket now, or why it does not."""

    request: Request
    last_time: str
    cases: tuple[Request, ...]
    risk: Risk
    ticket: Mapping[str, object] | None
    ticket_problem: str


class Foreseeing:
    """Questions about what may come."""

    def __init__(self, office: Office, deliberation: Deliberation) -> None:
        self._office = office
        self._deliberation = deliberation

    async def preview(self, by: Person, wish: Wish) -> Foreseen:
        """What asking for this now would take. Raise `NotFound` for what this person may not ask for at all."""
        target = self._office.targets.get(wish.target)
        policies = self._office.policies.current.policies
        if target is None or wish.role not in target.roles or not ways(policies, by, target):
            raise NotFound(f"there is no {wish.target}:{wish.role} for you", hint="daypass targets")
        found = await self._deliberation.explain(
            by,
            target,
            wish.role,
            wish.duration_ms,
            reason=wish.reason,
            ticket=wish.ticket,
            start_at=wish.start_at,
            glass=wish.break_glass,
            scope=scope_at(target, wish.scope) if wish.scope else (),
        )
        policy, rule = found.verdict.policy, found.verdict.rule
        async with self._office.reading() as tx:
            waits = await waits_under(tx, policy.name, rule.name) if policy is not None and rule is not None else []
        ticket, problem = await self._ticket(wish.ticket)
        limits = [policy.limits.longest_ms if policy is not None else None]
        limits.append(rule.break_glass.longest_ms if rule is not None and rule.break_glass is not None else None)
        longest = min((limit for limit in limits if limit is not None), default=None)
        return Foreseen(
            explained=found,
            sentence=_sentence(found, usual_of(waits), longest),
            usual_wait_ms=usual_of(waits),
            decided_before=len(waits),
            longest_ms=longest,
            owes=rule.owes.plain() if rule is not None else {},
            ticket=ticket,
            ticket_problem=problem,
        )

    async def similar(self, by: Person, part: str) -> Similar:
        """What was asked like this before, as far as this person may see it: the same role of the same target."""
        async with self._office.reading() as tx:
            request = await see_request(self._office, tx, by, part)
            item = request.items[0]
            access, page = (item.target, item.role), Page(LOOKED_AT_MAX, request.id)
            own = await tx.requests(requester=request.requester, access=access, states=_OVER, page=page)
            of_all = await tx.requests(access=access, states=_OVER, page=page)
            said = await last_time(tx, request.requester, item.target, item.role, before=request.id)
            history = await history_of(tx, request.requester, item.target, self._office.now())
        former = {one.id: one for one in (*own, *of_all)}
        alike = [one for one in former.values() if one.extends is None and sees_request(self._office, by, one)]
        ticket, problem = await self._ticket(request.ticket)
        known = self._known(request, alike, int(str(history["flagged"])), ticket)
        return Similar(request, said, tuple(_nearest(request, alike)), risk_of(known), ticket, problem)

    def _known(
        self, request: Request, alike: Sequence[Request], flagged: int, ticket: Mapping[str, object] | None
    ) -> Known:
        item = request.items[0]
        target = self._office.targets.get(item.target)
        own = [one for one in alike if one.requester == request.requester and one.state is RequestState.APPROVED]
        return Known(
            role=target.roles.get(item.role) if target is not None else None,
            duration_ms=request.duration_ms,
            former_ms=[one.duration_ms for one in own],
            flagged=flagged,
            ticket=request.ticket,
            ticket_open=ticket.get("open") is True if ticket is not None else None,
            glass=request.state in _GLASS,
        )

    async def _ticket(self, written: str) -> tuple[Mapping[str, object] | None, str]:
        """What its system says of a ticket, whether or not policy looks at it; or why it does not. Never raises."""
        if self._office.tickets is None or not written.strip():
            return None, ""
        try:
            async with asyncio.timeout(TICKET_SECONDS_MAX):
                return await self._office.tickets.facts(written.strip()), ""
        except DaypassError as problem:
            return None, problem.message
        except TimeoutError:
            return None, f"the ticket's system did not answer within {TICKET_SECONDS_MAX:.0f} s"


def _nearest(request: Request, alike: Sequence[Request]) -> list[Request]:
    """The same person's first, then the newest."""
    own = [one for one in alike if one.requester == request.requester]
    others = [one for one in alike if one.requester != request.requester]
    return [*own, *others][:SIMILAR_MAX]


def _sentence(found: Explained, usual: int | None, longest: int | None) -> str:
    """`asks 1 of 2 people; usually decided within 6 minutes; at most 4 hours; afterwards a sign-off is owed …`"""
    if found.state == "REFUSED":
        return found.sentence
    said = [_way(found)]
    if isinstance(found.verdict, NeedsVotes):
        said.append(f"usually decided within {spoken_duration(usual)}" if usual is not None else "no usual wait yet")
    if longest is not None:
        said.append(f"at most {spoken_duration(longest)}")
    rule = found.verdict.rule
    duties = (("sign-off", rule.owes.sign_off), ("ratification", rule.owes.ratify)) if rule is not None else ()
    said += [_owed(name, duty) for name, duty in duties if duty is not None]
    return "; ".join(said)


def _way(found: Explained) -> str:
    match found.state:
        case "AUTOMATIC":
            return "approved at once"
        case "BREAK_GLASS":
            return "opens at once, and everybody who was not asked is told"
    verdict = found.verdict
    stages = verdict.stages if isinstance(verdict, NeedsVotes) else ()
    return "asks " + " and ".join(f"{stage.need} of {len(stage.eligible)} people" for stage in stages)


def _owed(name: str, duty: Duty) -> str:
    often = "" if duty.sample == 100 else f" (for {duty.sample} in 100)"
    return f"afterwards a {name} is owed by {' or '.join(duty.by)} within {spoken_duration(duty.within_ms)}{often}"
