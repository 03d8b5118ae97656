"""Questions about decisions: how long they took, what was asked for, what was automatic, denied, left to time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from daypass.domain.request import Request, RequestState
from daypass.insights.cases import Case
from daypass.insights.facts import Facts
from daypass.insights.period import Period

GLASS = (RequestState.BROKEN_GLASS, RequestState.RATIFIED, RequestState.NOT_RATIFIED)
DECIDED = (RequestState.APPROVED, RequestState.DENIED, RequestState.EXPIRED)
REASON_CHARS_MAX = 80
"""What of a reason names its group."""


def asked_in(facts: Facts, period: Period) -> list[Request]:
    """Requests made in the period that wanted a decision: no broken glass."""
    return [one for one in facts.requests if period.holds(one.created_at) and one.state not in GLASS]


def asked_row(facts: Facts, one: Request) -> dict[str, str | int | None]:
    """What every row about a request shows."""
    return {
        "request": one.id,
        "at": one.created_at,
        "requester": facts.name(one.requester),
        "target": ", ".join(item.target for item in one.items),
        "role": ", ".join(item.role for item in one.items),
        "policy": one.policy,
        "state": one.state.value,
    }


def alike(reason: str) -> str:
    """A reason without what makes each one different: case, numbers, white space."""
    return re.sub(r"\d+", "#", " ".join(reason.lower().split()))[:REASON_CHARS_MAX]


def time_to_decide(facts: Facts, period: Period) -> list[Case]:
    cases = []
    for one in asked_in(facts, period):
        if one.automatic or one.state is RequestState.EXPIRED or one.decided_at is None or not one.votes:
            continue
        took, last = one.decided_at - one.created_at, facts.name(one.votes[-1].person)
        keys = {"policy": (one.policy,), "approver": (last,), "hour": (_hour(one.created_at),)}
        row = {**asked_row(facts, one), "decided_by": last, "took_ms": took}
        cases.append(Case(one.created_at, took, keys, row))
    return cases


def _hour(t: int) -> str:
    return f"{datetime.fromtimestamp(t // 1000, UTC).hour:02}"


def requests(facts: Facts, period: Period) -> list[Case]:
    return [
        Case(one.created_at, 1, {**_keys(facts, one), "reason": (alike(one.reason),)}, asked_row(facts, one))
        for one in asked_in(facts, period)
    ]


def _keys(facts: Facts, one: Request) -> Mapping[str, tuple[str, ...]]:
    targets = tuple(dict.fromkeys(item.target for item in one.items))
    return {"target": targets, "team": facts.teams(one.requester), "policy": (one.policy,)}


def automatic(facts: Facts, period: Period) -> list[Case]:
    return _shares(facts, period, lambda one: one.automatic and one.state is RequestState.APPROVED)


def denied(facts: Facts, period: Period) -> list[Case]:
    return _shares(facts, period, lambda one: one.state is RequestState.DENIED)


def expired(facts: Facts, period: Period) -> list[Case]:
    return _shares(facts, period, lambda one: one.state is RequestState.EXPIRED)


def _shares(facts: Facts, period: Period, counts: Callable[[Request], bool]) -> list[Case]:
    """One case a decided request; rows are those that count."""
    cases = []
    for one in asked_in(facts, period):
        if one.state in DECIDED:
            is_so = counts(one)
            cases.append(Case(one.created_at, int(is_so), _keys(facts, one), asked_row(facts, one) if is_so else None))
    return cases
