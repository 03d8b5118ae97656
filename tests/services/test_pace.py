"""How often one person may vote."""

from __future__ import annotations

import pytest

from daypass.domain.errors import DaypassError, TooMany
from daypass.services.pace import VOTES_MAX, WINDOW_MS, Pace
from tests.services.conftest import World


def test_it_is_counted_for_each_alone_and_over_with_its_window() -> None:
    pace = Pace(most=3)
    for _ in range(3):
        pace.step("ana", 1000)
    with pytest.raises(TooMany) as refused:
        pace.step("ana", 2000)
    assert refused.value.wait_ms == WINDOW_MS - 1000
    pace.step("ben", 2000)
    pace.step("ana", 1000 + WINDOW_MS)


async def test_who_votes_too_often_waits_and_others_do_not(world: World) -> None:
    asked = await world.asked()
    eve, lea = await world.who("eve"), await world.who("lea")
    for _ in range(VOTES_MAX):
        with pytest.raises(DaypassError) as refused:
            await world.requests.approve(eve, asked.id)
        assert not isinstance(refused.value, TooMany)
    with pytest.raises(TooMany):
        await world.requests.deny(eve, asked.id, digest=asked.digest, note="no")
    assert (await world.requests.approve(lea, asked.id)).state == "APPROVED"
    world.clock.t += WINDOW_MS
    with pytest.raises(DaypassError) as again:
        await world.requests.approve(eve, asked.id)
    assert not isinstance(again.value, TooMany)
