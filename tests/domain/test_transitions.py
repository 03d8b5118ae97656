"""Every state and every action: what the table has happens, and what it has not is refused and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain import glass, obligation, request
from daypass.domain.errors import Conflict, DaypassError, Invalid, Refused
from daypass.domain.obligation import Obligation, ObligationAction, ObligationState
from daypass.domain.request import RequestAction, RequestState
from tests.domain.things import ANA, AUDREY, HOUR, LEA, NOW, SAM, person
from tests.domain.things import request as a_request

OWED = Obligation("o", ObligationState.DUE, "ratify", "r1", "g", ("group:secops",), NOW + HOUR, person=ANA.id)
OWED = replace(OWED, otherwise="block_break_glass", escalate=("group:auditors",))


@pytest.mark.parametrize("action", RequestAction)
@pytest.mark.parametrize("state", RequestState)
def test_requests(state: RequestState, action: RequestAction) -> None:
    asked = a_request(state=state)
    after = request.TRANSITIONS.get((state, action))
    if after is None:
        with pytest.raises(Conflict):
            request.step(asked, action)
    else:
        assert request.step(asked, action) == replace(asked, state=after)


@pytest.mark.parametrize("action", ObligationAction)
@pytest.mark.parametrize("state", ObligationState)
def test_obligations(state: ObligationState, action: ObligationAction) -> None:
    owed = replace(OWED, state=state)
    after = obligation.TRANSITIONS.get((state, action))
    if after is None:
        with pytest.raises(Conflict):
            obligation.step(owed, action)
    else:
        assert obligation.step(owed, action).state is after


# who, in which state, whose accounts are the person's: may they?
MAY = [
    (SAM, ObligationState.DUE, (), True),
    (LEA, ObligationState.DUE, (), False),
    (AUDREY, ObligationState.DUE, (), False),
    (AUDREY, ObligationState.OVERDUE, (), True),
    (AUDREY, ObligationState.FLAGGED, (), True),
    (SAM, ObligationState.DUE, (SAM.id,), False),
    (replace(SAM, disabled=True), ObligationState.DUE, (), False),
    (replace(ANA, groups=frozenset({"secops"})), ObligationState.DUE, (), False),
]


@pytest.mark.parametrize(("by", "state", "selves", "may"), MAY)
def test_who_may_do_it(by: object, state: ObligationState, selves: tuple[str, ...], may: bool) -> None:
    assert obligation.may_do(replace(OWED, state=state), by, selves) is may  # type: ignore[arg-type]


BLOCKS = [
    ({}, False),
    ({"state": ObligationState.OVERDUE}, True),
    ({"state": ObligationState.FLAGGED}, True),
    ({"state": ObligationState.FLAGGED, "settled_at": 1}, False),
    ({"state": ObligationState.DONE}, False),
    ({"state": ObligationState.OVERDUE, "otherwise": ""}, False),
    ({"state": ObligationState.OVERDUE, "drill": True}, False),
]


@pytest.mark.parametrize(("more", "blocks"), BLOCKS)
def test_what_blocks_the_next_break_glass(more: dict[str, object], blocks: bool) -> None:
    assert obligation.blocks(replace(OWED, **more)) is blocks  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ObligationState)
def test_only_what_is_flagged_is_settled(state: ObligationState) -> None:
    owed = replace(OWED, state=state)
    if state is ObligationState.FLAGGED:
        settled = obligation.settle(owed, SAM.id, "so", NOW)
        assert (settled.settled_by, settled.open) == (SAM.id, False)
        with pytest.raises(Conflict):
            obligation.settle(settled, SAM.id, "so", NOW)
    else:
        with pytest.raises(Conflict):
            obligation.settle(owed, SAM.id, "so", NOW)


@pytest.mark.parametrize("state", RequestState)
def test_only_a_broken_glass_is_ratified(state: RequestState) -> None:
    broken = a_request(state=state)
    if state is RequestState.BROKEN_GLASS:
        assert glass.ratified(broken, SAM, "", NOW).state is RequestState.RATIFIED
        assert glass.refused(broken, SAM, "no", NOW).state is RequestState.NOT_RATIFIED
        return
    for verb in (glass.ratified, glass.refused):
        with pytest.raises(Conflict):
            verb(broken, SAM, "why", NOW)


def test_nobody_ratifies_their_own_break_glass_by_any_account() -> None:
    second = person("ana2", "secops")
    broken = a_request(state=RequestState.BROKEN_GLASS, route=request.Route(excluded=(second.id,)))
    failures: list[tuple[object, str, type[DaypassError]]] = [(ANA, "x", Refused), (second, "x", Refused)]
    for by, note, error in failures:
        with pytest.raises(error):
            glass.ratified(broken, by, note, NOW)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="note is needed"):
        glass.refused(broken, SAM, " ", NOW)
