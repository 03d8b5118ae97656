"""Questions about broken glass: how often, and whether and how soon somebody stood for it. Exercises do not count."""

from __future__ import annotations

from daypass.domain.request import Request, RequestState
from daypass.insights.cases import Case
from daypass.insights.deciding import GLASS, asked_row
from daypass.insights.facts import Facts
from daypass.insights.period import Period

STOOD = {
    RequestState.BROKEN_GLASS: "not yet",
    RequestState.RATIFIED: "ratified",
    RequestState.NOT_RATIFIED: "refused",
}


def broken_in(facts: Facts, period: Period) -> list[Request]:
    """Glass broken in the period, in earnest."""
    return [
        one for one in facts.requests if one.state in GLASS and not one.route.drill and period.holds(one.created_at)
    ]


def break_glass(facts: Facts, period: Period) -> list[Case]:
    return [_case(facts, one, 1) for one in broken_in(facts, period)]


def time_to_ratify(facts: Facts, period: Period) -> list[Case]:
    return [
        _case(facts, one, one.decided_at - one.created_at)
        for one in broken_in(facts, period)
        if one.state is not RequestState.BROKEN_GLASS and one.decided_at is not None
    ]


def _case(facts: Facts, one: Request, value: int) -> Case:
    took = one.decided_at - one.created_at if one.decided_at is not None else None
    keys = {
        "target": tuple(item.target for item in one.items),
        "person": (facts.name(one.requester),),
        "ratified": (STOOD[one.state],),
    }
    row = {**asked_row(facts, one), "ratified": STOOD[one.state], "took_ms": took}
    return Case(one.created_at, value, keys, row)
