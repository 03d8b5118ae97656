"""Questions about approvers: who always agrees with whom, and how long they can have looked."""

from __future__ import annotations

from collections.abc import Iterator

from daypass.domain.deciding import standing
from daypass.domain.request import Request, Vote
from daypass.insights.cases import Case
from daypass.insights.deciding import asked_in
from daypass.insights.facts import Facts
from daypass.insights.period import Period

MET_MIN = 3
"""So many decisions of one approver on one requester's requests make a pair; fewer say nothing."""


def agreeing_pairs(facts: Facts, period: Period) -> list[Case]:
    met: dict[tuple[str, str], list[bool]] = {}
    for one, vote in _votes(facts, period):
        met.setdefault((one.requester, vote.person), []).append(vote.approve)
    cases = []
    for one, vote in _votes(facts, period):
        votes = met[one.requester, vote.person]
        always = len(votes) >= MET_MIN and all(votes)
        row = {**_row(facts, one, vote), "met": len(votes)} if always else None
        keys = _keys(facts, one, vote) if always else {}
        cases.append(Case(one.created_at, int(always), keys, row))
    return cases


def time_to_look(facts: Facts, period: Period) -> list[Case]:
    return [
        Case(one.created_at, looked_ms(facts, one, vote), _keys(facts, one, vote), _row(facts, one, vote))
        for one, vote in _votes(facts, period)
    ]


def looked_ms(facts: Facts, one: Request, vote: Vote) -> int:
    """From when the request had its last word before the vote (asked, changed, answered) to the vote."""
    answers = [message.at for message in one.messages if message.person == one.requester]
    words = [one.created_at, *answers, *facts.edits.get(one.id, ())]
    return vote.at - max(t for t in words if t <= vote.at or t == one.created_at)


def _votes(facts: Facts, period: Period) -> Iterator[tuple[Request, Vote]]:
    """The votes that count, on requests made in the period."""
    for one in asked_in(facts, period):
        for vote in standing(one):
            yield one, vote


def _keys(facts: Facts, one: Request, vote: Vote) -> dict[str, tuple[str, ...]]:
    requester, approver = facts.name(one.requester), facts.name(vote.person)
    return {"pair": (f"{requester} → {approver}",), "approver": (approver,), "requester": (requester,)}


def _row(facts: Facts, one: Request, vote: Vote) -> dict[str, str | int | None]:
    return {
        "request": one.id,
        "at": vote.at,
        "requester": facts.name(one.requester),
        "approver": facts.name(vote.person),
        "target": ", ".join(item.target for item in one.items),
        "vote": "approved" if vote.approve else "denied",
        "looked_ms": looked_ms(facts, one, vote),
    }
