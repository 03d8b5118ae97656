"""What asking would take, said before anything is sent; and for who decides, what was asked like it before.

Asks and shows; decides nothing and records nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.domain.durations import spoken_duration
from daypass.domain.errors import NotFound
from daypass.domain.explaining import Explained
from daypass.domain.people import Person
from daypass.domain.policy import NeedsVotes, ways
from daypass.domain.request import Request, RequestState
from daypass.domain.rules import Duty
from daypass.services.asked import look_outside
from daypass.services.asking import Wish, scope_at
from daypass.services.deliberation import Deliberation, usual_of, waits_under
from daypass.services.formerly import last_time
from daypass.services.office import Office
from daypass.services.sight import see_request, sees_request
from daypass.store.interface import Page

LOOKED_AT_MAX = 500
"""Former requests looked through for similar ones."""
SIMILAR_MAX = 10
"""Similar ones that are shown: more is a search."""

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
    """What the requester did last time with the same access, and how its like was decided, the newest first."""

    request: Request
    last_time: str
    cases: tuple[Request, ...]


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
        outside = await look_outside(self._office, target, wish.ticket)
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
            ticket=outside.ticket,
            ticket_problem=outside.unknown.get("ticket", "") if wish.ticket.strip() else "",
        )

    async def similar(self, by: Person, part: str) -> Similar:
        """What was asked like this before, as far as this person may see it: the same role of the same target."""
        async with self._office.reading() as tx:
            request = await see_request(self._office, tx, by, part)
            item = request.items[0]
            former = await tx.requests(states=_OVER, page=Page(LOOKED_AT_MAX, request.id))
            said = await last_time(tx, request.requester, item.target, item.role, before=request.id)
        alike = [
            one
            for one in former
            if (one.items[0].target, one.items[0].role) == (item.target, item.role)
            and one.extends is None
            and sees_request(self._office, by, one)
        ]
        return Similar(request, said, tuple(_nearest(request, alike)))


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
