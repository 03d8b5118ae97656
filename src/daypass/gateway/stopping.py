"""Stopping work at its target and seeing that it is over, for many sessions at once and with few orders.

In this order: what runs is interrupted, for all with one order, and is over within milliseconds; then everything is
terminated. What interrupting may not be enough for (more waits behind what runs, a COPY waits for its client) is
terminated with the first order already. A session's work counts as stopped from when its target has answered all that
was forwarded to it: nothing it could do is left there or on the way, so that nothing of it can be committed any more.
Where it does not answer, that is so once it is seen to be gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from daypass.domain.errors import Unavailable
from daypass.domain.target import Target
from daypass.gateway import dialling
from daypass.gateway.enders import Login, Seen
from daypass.gateway.works import Works
from daypass.protocols.ending import Halt, Look, Stop
from daypass.services.interface import SessionEnd

LOOK_SECONDS_MAX = 0.5
LOOK_PART = 0.05
"""Between two looks it waits for this part of the time that the end has taken so far, and no longer than half a second:
what is seen is told at most so much late, and ten seconds hold about a hundred looks, which cost a millisecond each."""

GENTLY_SECONDS = 0.02
"""How long interrupted work may take to be over before everything is terminated. A hundred statements need five to ten
milliseconds; work that swallows the interruption goes on for no longer than this."""

SETTLE_SECONDS = 0.25
"""How long terminated work may take to say so before its client is told all the same."""

AT_REST = "nothing was sent to the target"
BY_ENDER = "terminated at the target"
GONE = "gone already"
"""Nobody carried it any more, and nothing of it was found."""
BY_SOCKET = "sockets closed"
BY_REQUEST = "cancel requested, sockets closed"
"""There was no ender: the work was interrupted as its own client could have, which ends a statement and no more."""

CANCELS_MAX = 64
"""Connections for that at once, to one target or several."""

Marks = tuple[Mapping[str, str], ...]


@dataclass(slots=True)
class One:
    """One session that is being ended, or the mark of one that nobody carries (`settled` is None)."""

    session: str
    mark: Mapping[str, str] | None
    login: Login | None
    steps: dict[str, float] = field(default_factory=dict)
    was: str = ""
    how: str = AT_REST
    alive: bool = False
    problem: str = ""
    told: asyncio.Future[SessionEnd] | None = None
    statement: int = 0
    work: str = ""
    outcome: str = ""
    cancel: bytes = b""
    target: Target | None = None
    began_at: int = 0
    elsewhere: bool = False
    hurried: bool = False
    settled: asyncio.Future[float] | None = None

    def end(self) -> SessionEnd:
        problem = self.problem or ("still at work at the target" if self.alive else "")
        return SessionEnd(
            self.session,
            dict(self.steps),
            self.was,
            self.how,
            not self.alive,
            problem,
            self.statement,
            self.outcome,
            self.began_at,
            self.elsewhere,
        )

    def show(self) -> None:
        """Tell who waits for it as soon as it is over: both sides closed, and nothing left at the target."""
        if (
            self.told is not None
            and not self.told.done()
            and "closed" in self.steps
            and not (self.alive or self.problem)
        ):
            self.told.set_result(self.end())

    @property
    def seen_by(self) -> Mapping[str, str]:
        """The mark, with what was under way when it was stopped and whether more waits behind that."""
        told = {"work": self.work} if self.work else {}
        return {**(self.mark or {}), **told, **({"hurried": "yes"} if self.hurried else {})}

    @property
    def is_settled(self) -> bool:
        return self.settled is not None and self.settled.done() and self.settled.result() > 0


class Stopping:
    """Gives the orders, and notes what is seen on each `One`."""

    def __init__(self, works: Works) -> None:
        self._works = works

    async def halt(self, ones: Sequence[One], began: float, seconds: float) -> None:
        """Interrupt the work of these, all logins at once, and give it a moment to be over. What could not be ordered
        in this time has a problem noted."""
        await asyncio.gather(*(self._halt(login, group, began, seconds) for login, group in _by_login(ones)))

    async def terminate(self, ones: Sequence[One], began: float, seconds: float) -> None:
        """End these for good, but for those whose target could not be asked to halt them."""
        ones = [one for one in ones if not one.problem]
        await asyncio.gather(*(self._terminate(login, group, began, seconds) for login, group in _by_login(ones)))

    async def _halt(self, login: Login, group: Sequence[One], began: float, seconds: float) -> None:
        enders = self._works.enders
        if not enders.ready(login):
            self._works.background(self._cancel_all(group))
        try:
            _note(group, await enders.order(login, Halt(_marks(group)), seconds))
        except Unavailable as problem:
            _failed(group, problem)
            return
        await _settling(group, GENTLY_SECONDS)
        _stopped(group, began)

    async def _terminate(self, login: Login, group: Sequence[One], began: float, seconds: float) -> None:
        try:
            _note(group, await self._works.enders.order(login, Stop(_marks(group)), seconds))
        except Unavailable as problem:
            _failed(group, problem)
            return
        await _settling(group, SETTLE_SECONDS)
        _stopped(group, began)

    async def _cancel_all(self, group: Sequence[One]) -> None:
        """Where no ender is up: ask the target to cancel, as these sessions' own clients could."""
        turns = asyncio.Semaphore(CANCELS_MAX)

        async def ask(one: One) -> None:
            async with turns:
                seconds = self._works.bounds.stop_seconds
                if one.cancel and one.target and await dialling.send_once(one.target, one.cancel, seconds):
                    one.how = BY_REQUEST if one.how != BY_ENDER else one.how

        await asyncio.gather(*(ask(one) for one in group))

    async def read_back(self, ones: Sequence[One], began: float) -> None:
        """Look until nothing is left, or the time has passed. What was not looked at is not confirmed."""
        bounds = self._works.bounds
        left = [one for one in ones if one.mark is not None]
        while left:
            seconds = began + bounds.read_back_seconds - monotonic()
            if seconds <= 0:
                return
            await asyncio.gather(*(self._look(login, group, seconds) for login, group in _by_login(left)))
            gone = [one for one in left if not one.alive]
            mark(
                [one for one in gone if one.how in (BY_ENDER, GONE) and "work_stopped" not in one.steps],
                "work_stopped",
                began,
            )
            mark(gone, "read_back", began)
            for one in gone:
                one.show()
            left = [one for one in left if one.alive]
            if left:
                pause = min(max(bounds.look_seconds, (monotonic() - began) * LOOK_PART), LOOK_SECONDS_MAX)
                await asyncio.sleep(min(pause, max(0.0, began + bounds.read_back_seconds - monotonic())))

    async def _look(self, login: Login, group: Sequence[One], seconds: float) -> None:
        try:
            seen = await self._works.enders.order(login, Look(_marks(group)), seconds)
        except Unavailable as problem:
            for one in group:
                one.problem = problem.message
            return
        for one, what in zip(group, _all(seen, group), strict=True):
            one.alive = what.get("alive") != "no"
            one.outcome = what.get("outcome", one.outcome)
            one.problem = ""


def mark(ones: Iterable[One], step: str, began: float) -> None:
    """Note that these are through with a step."""
    now = round((monotonic() - began) * 1000, 3)
    for one in ones:
        one.steps[step] = now


def _note(group: Sequence[One], seen: Seen) -> None:
    """What an order to stop has seen: what was going on, as it was seen first, and what it was changing, the newest."""
    for one, what in zip(group, _all(seen, group), strict=True):
        one.how = GONE if one.settled is None and what.get("alive") == "no" else BY_ENDER
        one.was = one.was or what.get("was", "")
        one.work = what.get("work", one.work)
        one.elsewhere = one.elsewhere or what.get("elsewhere") == "yes"


def _failed(group: Sequence[One], problem: Unavailable) -> None:
    for one in group:
        one.problem = problem.message
        one.how = one.how if one.how == BY_REQUEST else BY_SOCKET


def _stopped(group: Sequence[One], began: float) -> None:
    """Note since when nothing is at work of those that are settled."""
    for one in group:
        if one.is_settled and one.settled is not None:
            took = round((one.settled.result() - began) * 1000, 3)
            one.steps["work_stopped"] = max(took, one.steps.get("stopped_forwarding", 0.0))


async def _settling(group: Sequence[One], seconds: float) -> None:
    waiting = [one.settled for one in group if one.settled is not None and not one.settled.done()]
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)


def _all(seen: Seen, group: Sequence[One]) -> Seen:
    """What was seen, one for each; an answer of another length says nothing about any of them."""
    return seen if len(seen) == len(group) else [{} for _ in group]


def _marks(group: Sequence[One]) -> Marks:
    return tuple(one.seen_by for one in group)


def _by_login(ones: Sequence[One]) -> list[tuple[Login, list[One]]]:
    groups: dict[Login, list[One]] = {}
    for one in ones:
        if one.login is not None and one.mark is not None:
            groups.setdefault(one.login, []).append(one)
    return list(groups.items())
