"""Former requests asked again of other policies: what would have been decided otherwise. Pure; reads nothing.

People are taken as they are now, and facts that were never recorded (what a ticket's system said then) are not known;
a condition that asks for them refuses, and the difference says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from daypass.domain import policy
from daypass.domain.crowd import Crowd
from daypass.domain.policy import Automatic, NeedsVotes, Question, Refused, Verdict
from daypass.domain.rules import Policy
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.target import Target


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it was asked, and how it was decided: `automatic`, `glass`, `refused`, or `votes` of `needs`."""

    id: str
    t: int
    person: str
    target: str
    role: str
    duration_ms: int
    reason: str
    ticket: str
    start_at: int | None
    how: str
    needs: int
    rule: str
    scope: Scope = WHOLE


@dataclass(frozen=True, slots=True)
class Differs:
    """A request that the new policies would decide otherwise."""

    recorded: Recorded
    was: str
    now: str
    why: str


def replay(
    recorded: Iterable[Recorded], policies: Sequence[Policy], targets: Mapping[str, Target], crowd: Crowd
) -> Iterator[Differs | None]:
    """For each request, how it would be decided otherwise; None: it would not."""
    people = {person.id: person for person in crowd.people}
    for one in recorded:
        target, person = targets.get(one.target), people.get(one.person)
        if target is None or person is None:
            missing = f"the target {one.target}" if target is None else "its requester"
            yield Differs(one, _was(one), "refused", f"{missing} is no longer there")
            continue
        question = Question(
            person,
            target,
            one.role,
            one.duration_ms,
            one.t,
            one.reason,
            one.ticket,
            one.start_at,
            person.agent_of or None,
            scope=one.scope,
        )
        yield _compared(one, policies, question, crowd)


def _compared(one: Recorded, policies: Sequence[Policy], question: Question, crowd: Crowd) -> Differs | None:
    if one.how == "glass":
        matched = policy.match(policies, question, glass=True)
        refused = isinstance(matched, Refused)
        return Differs(one, "glass", "refused", matched.reason) if isinstance(matched, Refused) and refused else None
    verdict = policy.evaluate(policies, question, crowd)
    was, now = _was(one), _spoken(verdict)
    return None if was == now else Differs(one, was, now, verdict.reason)


def _was(one: Recorded) -> str:
    return f"{one.needs} people decide" if one.how == "votes" else one.how


def _spoken(verdict: Verdict) -> str:
    match verdict:
        case Automatic():
            return "automatic"
        case NeedsVotes(stages=stages):
            return f"{sum(stage.need for stage in stages)} people decide"
    return "refused"
