"""Each step of a request: who may, who may not, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from daypass.domain import deciding
from daypass.domain.deciding import Changes
from daypass.domain.errors import Conflict, DaypassError, Invalid, Refused
from daypass.domain.people import Person
from daypass.domain.request import OPEN, TERMINAL, TRANSITIONS, Request, RequestAction, RequestState, step
from tests.domain.things import ANA, BEN, EVE, HOUR, LEA, NOW, SAM, by_id, person, request, stage, vote

PENDING = request(stage(1, LEA), stage(1, SAM))
ONE = request(stage(1, LEA))
ASKED = deciding.ask(PENDING, LEA, "why?", NOW + 1)

STEPS: dict[str, Callable[[Request, Person], Request]] = {
    "approve": lambda asked, by: deciding.approve(asked, vote(asked, by), by, by_id()),
    "deny": lambda asked, by: deciding.deny(asked, vote(asked, by, False), by),
    "ask": lambda asked, by: deciding.ask(asked, by, "why?", NOW + 1),
    "answer": lambda asked, by: deciding.answer(asked, by, "so", Changes(), NOW + 1),
    "edit": lambda asked, by: deciding.edit(asked, by, Changes(reason="another"), NOW + 1),
    "withdraw": lambda asked, by: deciding.withdraw(asked, by, NOW + 1),
}

ALLOWED = [
    ("approve", ONE, LEA, RequestState.APPROVED),
    ("approve", PENDING, LEA, RequestState.PENDING),
    ("approve", ASKED, SAM, RequestState.NEEDS_INFO),
    ("deny", PENDING, SAM, RequestState.DENIED),
    ("deny", ASKED, SAM, RequestState.DENIED),
    ("ask", PENDING, LEA, RequestState.NEEDS_INFO),
    ("ask", ASKED, SAM, RequestState.NEEDS_INFO),
    ("answer", ASKED, ANA, RequestState.PENDING),
    ("edit", PENDING, ANA, RequestState.PENDING),
    ("edit", ASKED, ANA, RequestState.PENDING),
    ("withdraw", PENDING, ANA, RequestState.WITHDRAWN),
    ("withdraw", ASKED, ANA, RequestState.WITHDRAWN),
]


@pytest.mark.parametrize(("verb", "asked", "by", "after"), ALLOWED)
def test_who_may(verb: str, asked: Request, by: Person, after: RequestState) -> None:
    assert STEPS[verb](asked, by).state is after


REFUSED = [
    *[(verb, PENDING, by) for verb in ("approve", "deny", "ask") for by in (ANA, BEN, EVE)],
    *[(verb, PENDING, by) for verb in ("edit", "withdraw") for by in (LEA, EVE)],
    ("answer", ASKED, LEA),
    ("edit", PENDING, replace(ANA, disabled=True)),
]


@pytest.mark.parametrize(("verb", "asked", "by"), REFUSED)
def test_who_may_not(verb: str, asked: Request, by: Person) -> None:
    with pytest.raises(Refused):
        STEPS[verb](asked, by)


@pytest.mark.parametrize("state", TERMINAL)
@pytest.mark.parametrize("verb", STEPS)
def test_terminal_is_terminal(verb: str, state: RequestState) -> None:
    by = ANA if verb in ("answer", "edit", "withdraw") else LEA
    with pytest.raises(Conflict):
        STEPS[verb](replace(PENDING, state=state), by)


@pytest.mark.parametrize("verb", STEPS)
def test_nothing_is_decided_after_the_time_to_decide(verb: str) -> None:
    late = replace(ASKED, decide_by=NOW)
    with pytest.raises(Conflict):
        STEPS[verb](late, ANA if verb in ("answer", "edit", "withdraw") else LEA)


@pytest.mark.parametrize("state", RequestState)
@pytest.mark.parametrize("action", RequestAction)
def test_a_step_that_is_not_in_the_table_is_a_conflict(state: RequestState, action: RequestAction) -> None:
    asked = replace(PENDING, state=state)
    if (state, action) in TRANSITIONS:
        assert step(asked, action).state is TRANSITIONS[state, action]
    else:
        with pytest.raises(Conflict):
            step(asked, action)


def test_no_step_but_an_approval_or_a_ratification_leads_to_access() -> None:
    leads = {action for (_, action), after in TRANSITIONS.items() if after is RequestState.APPROVED}
    assert leads == {RequestAction.APPROVE}


def test_time_only_ever_expires() -> None:
    for state in OPEN:
        expired = deciding.expire(replace(PENDING, state=state), PENDING.decide_by)
        assert expired.state is RequestState.EXPIRED
    with pytest.raises(Conflict):
        deciding.expire(PENDING, PENDING.decide_by - 1)


class TestNarrowing:
    def test_the_shortest_narrowing_counts(self) -> None:
        first = deciding.approve(PENDING, vote(PENDING, LEA, narrowed_ms=HOUR // 2), LEA, by_id())
        both = deciding.approve(first, vote(first, SAM, narrowed_ms=HOUR // 4), SAM, by_id())
        assert both.state is RequestState.APPROVED
        assert deciding.granted_ms(both) == HOUR // 4

    def test_an_approver_may_not_widen(self) -> None:
        with pytest.raises(Refused):
            deciding.approve(ONE, vote(ONE, LEA, narrowed_ms=HOUR + 1), LEA, by_id())

    @pytest.mark.parametrize("narrowed_ms", [0, -1, 999])
    def test_nor_narrow_it_to_nothing(self, narrowed_ms: int) -> None:
        with pytest.raises(Invalid):
            deciding.approve(ONE, vote(ONE, LEA, narrowed_ms=narrowed_ms), LEA, by_id())


class TestDigest:
    @pytest.mark.parametrize("changes", [Changes(reason="x"), Changes(ticket="INC-9"), Changes(duration_ms=HOUR // 2)])
    def test_a_change_changes_the_digest(self, changes: Changes) -> None:
        assert deciding.edit(PENDING, ANA, changes, NOW).digest != PENDING.digest

    def test_a_vote_on_another_digest_decides_nothing(self) -> None:
        with pytest.raises(Conflict, match="changed since"):
            deciding.approve(ONE, vote(ONE, LEA, digest="0" * 64), LEA, by_id())

    def test_an_edit_of_nothing_is_none(self) -> None:
        with pytest.raises(Invalid):
            deciding.edit(PENDING, ANA, Changes(reason=PENDING.reason), NOW)

    def test_the_salt_is_part_of_it(self) -> None:
        assert request(stage(1, LEA), digest_salt="11" * 32).digest != ONE.digest


@pytest.mark.parametrize(
    ("what", "error"),
    [
        (lambda: deciding.ask(PENDING, LEA, "  ", NOW), Invalid),
        (lambda: deciding.ask(PENDING, LEA, "x" * 2001, NOW), Invalid),
        (lambda: deciding.ask(PENDING, LEA, "\0", NOW), Invalid),
        (lambda: deciding.edit(PENDING, ANA, Changes(ticket="INC\0-7"), NOW), Invalid),
        (lambda: deciding.answer(ASKED, ANA, "", Changes(), NOW), Invalid),
        (lambda: deciding.answer(PENDING, ANA, "so", Changes(), NOW), Conflict),
        (lambda: deciding.deny(PENDING, vote(PENDING, LEA, False, note=""), LEA), Invalid),
        (lambda: deciding.approve(PENDING, vote(PENDING, LEA, False), LEA, by_id()), Invalid),
        (lambda: deciding.deny(PENDING, vote(PENDING, LEA), LEA), Invalid),
        (lambda: deciding.approve(PENDING, vote(PENDING, SAM), LEA, by_id()), Invalid),
    ],
)
def test_what_makes_no_sense(what: Callable[[], Request], error: type[DaypassError]) -> None:
    with pytest.raises(error):
        what()


def test_a_question_does_not_stop_the_decision() -> None:
    after = deciding.approve(deciding.ask(ONE, LEA, "why?", NOW), vote(ONE, LEA), LEA, by_id())
    assert after.state is RequestState.APPROVED


def test_a_denial_after_ones_own_approval_counts() -> None:
    approved = deciding.approve(PENDING, vote(PENDING, LEA), LEA, by_id())
    assert deciding.deny(approved, vote(approved, LEA, False), LEA).state is RequestState.DENIED


def test_what_is_still_needed() -> None:
    assert deciding.still_needed(PENDING, by_id()) == (1, 1)
    assert deciding.still_needed(deciding.approve(PENDING, vote(PENDING, SAM), SAM, by_id()), by_id()) == (1, 0)


def test_the_owner_of_an_agent_does_not_decide() -> None:
    agent = person("agent")
    asked = request(stage(1, LEA), by=agent, on_behalf_of=LEA.id)
    with pytest.raises(Refused):
        deciding.approve(asked, vote(asked, LEA), LEA, by_id())
