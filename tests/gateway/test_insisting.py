"""The first answer there is, by any way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from daypass.domain.errors import Unavailable
from daypass.gateway.insisting import RUSH_MAX, Seen, in_turn, rushed

GONE = ({"alive": "no"},)


def told(seen: Seen) -> Callable[[], asyncio.Future[Seen]]:
    def way() -> asyncio.Future[Seen]:
        answer: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
        answer.set_result(seen)
        return answer

    return way


async def never() -> Seen:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def refused() -> Seen:
    raise Unavailable("no more connections")


async def other() -> Seen:
    raise Unavailable("nor this way")


async def test_a_way_that_is_in_doubt_does_not_hold_up_the_others() -> None:
    assert await in_turn([never, refused, told(GONE)], at_once=True) == GONE
    assert await in_turn([never, told(GONE)], at_once=False) == GONE
    assert await in_turn([refused, told(GONE)], at_once=False) == GONE


async def test_the_others_are_not_tried_while_the_usual_way_does_it() -> None:
    async def unneeded() -> Seen:
        raise AssertionError("tried all the same")

    assert await in_turn([told(GONE), unneeded], at_once=False) == GONE


async def test_without_an_answer_it_says_what_the_usual_way_met() -> None:
    with pytest.raises(Unavailable, match="no more connections"):
        await in_turn([refused, other], at_once=True)


class Thrown:
    """A connection that is ended before its order is answered, or refused, or answered."""

    def __init__(self, *, pushed_out: bool, seen: Seen | None = None) -> None:
        self.first: asyncio.Future[Seen] | None = asyncio.get_running_loop().create_future()
        self.pushed_out = pushed_out
        self.why = ""
        if seen is None:
            self.first.set_exception(Unavailable("gone"))
        else:
            self.first.set_result(seen)

    def lose(self, why: str) -> None:
        self.why = why


async def test_more_come_at_once_each_time_until_one_has_its_answer() -> None:
    dialled: list[Thrown] = []

    def dial() -> Thrown:
        late = len(dialled) == 1 + 2 + 4 + 8 + RUSH_MAX
        dialled.append(Thrown(pushed_out=True, seen=GONE if late else None))
        return dialled[-1]

    assert await rushed(dial, 10) == GONE
    assert len(dialled) == 1 + 2 + 4 + 8 + RUSH_MAX + RUSH_MAX
    assert all(one.why for one in dialled), "one was left open"


async def test_a_server_that_lets_nobody_in_is_left_alone() -> None:
    dialled: list[Thrown] = []

    def dial() -> Thrown:
        dialled.append(Thrown(pushed_out=False))
        return dialled[-1]

    with pytest.raises(Unavailable, match="lets nobody in"):
        await rushed(dial, 10)
    assert len(dialled) == 1
