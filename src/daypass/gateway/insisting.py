"""Giving an order where an ender is kept from giving it: who is about to lose access may end every connection of the
login that they see, again and again, and swallow cancels meanwhile.

Two ways round it, tried beside the usual one as soon as that is in doubt. Another login that may end the work too. And
connections whose order goes with the sign-in itself, several at once: measured on two cores, one to three of such
connections are there before a loop that does nothing but terminate them (16 of them before five such loops). Each order
names marks, so that it may be given many times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol as Interface

from daypass.domain.errors import Unavailable

Seen = Sequence[Mapping[str, str]]
Way = Callable[[], Awaitable[Seen]]

PATIENCE_SECONDS = 0.25
"""How long the usual way may take before the others are tried too: a busy server needs some of that, and a second
connection makes it no quicker."""

RUSH_MAX = 16
"""Connections that sign in at once to get one order through; they are open for milliseconds."""

RUSH_PAUSE_SECONDS = 0.02
"""Between two rounds of them."""


class Rushing(Interface):
    """A connection whose order goes with its sign-in (`enders.Link`)."""

    first: asyncio.Future[Seen] | None
    pushed_out: bool

    def lose(self, why: str) -> None: ...


async def in_turn(ways: Sequence[Way], *, at_once: bool) -> Seen:
    """The first answer there is. The first way has some time for itself, unless its chances are bad (`at_once`).
    Raises `Unavailable` with what the first one met when there is no answer by any."""
    tasks = [asyncio.ensure_future(ways[0]())]
    try:
        if not at_once:
            await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
        if not tasks[0].done() or tasks[0].exception() is not None:
            tasks += [asyncio.ensure_future(way()) for way in ways[1:]]
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.exception() is None:
                    return task.result()
        return tasks[0].result()  # which raises
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def rushed(dial: Callable[[], Rushing], seconds: float) -> Seen:
    """Sign in again and again, more at once each time, until one of these connections has its answer. Raises
    `Unavailable` when time is up, or when what keeps them out is not somebody who ends them."""
    count = 1
    try:
        async with asyncio.timeout(seconds):
            while True:
                links = [dial() for _ in range(count)]
                try:
                    if (seen := await _first_answer(links)) is not None:
                        return seen
                finally:
                    for link in links:
                        _let_go(link)
                if not any(link.pushed_out for link in links):
                    raise Unavailable("the target lets nobody in")
                count = min(count * 2, RUSH_MAX)
                await asyncio.sleep(RUSH_PAUSE_SECONDS)
    except TimeoutError:
        raise Unavailable(f"whoever signs in is thrown out at once, for {seconds:g} s") from None


def _let_go(link: Rushing) -> None:
    link.lose("its order is over")
    if link.first is not None and link.first.done():
        link.first.exception()  # so that nobody is told that no one asked


async def _first_answer(links: Sequence[Rushing]) -> Seen | None:
    waiting = {link.first for link in links if link.first is not None}
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for answer in done:
            if answer.exception() is None:
                return answer.result()
    return None
