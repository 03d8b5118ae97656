"""Streams are counted for each person, and end with what they show."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from daypass.domain.errors import TooMany
from daypass.services.following import STREAMS_MAX, Following
from daypass.services.recordings import Recordings
from tests.services.conftest import World


async def lines(over: list[int]) -> AsyncGenerator[str, None]:
    try:
        while True:
            yield "a line"
    finally:
        over.append(1)


async def test_one_person_holds_so_many_and_another_ones_are_theirs(world: World) -> None:
    following, over = Following(world.office, Recordings(world.office)), list[int]()
    held = [following.counted("ana", lines(over)) for _ in range(STREAMS_MAX)]
    for one in held:
        assert await anext(one) == "a line"
    with pytest.raises(TooMany):
        following.check_room("ana")
    following.check_room("ben")
    await held[0].aclose()  # type: ignore[attr-defined]
    assert over == [1]
    following.check_room("ana")
    for one in held[1:]:
        await one.aclose()  # type: ignore[attr-defined]
    assert len(over) == STREAMS_MAX
