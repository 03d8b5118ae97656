"""Ending sessions: all of them at once, at the target before the sockets, and shown to be over.

The order is fixed (docs/life-of-a-session.md): stop forwarding, end the work at the target, tell the client, close both
sides, read back. Nothing waits for a client. Where the target cannot be asked, the sockets are closed all the same and
the end is reported as not confirmed; it is never reported better than it was seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

import structlog

from daypass.domain.errors import Unavailable
from daypass.domain.grant import EndReason
from daypass.domain.session import Session
from daypass.domain.target import Credential, Target, TargetRole
from daypass.gateway import dialling
from daypass.gateway.driver import Driver
from daypass.gateway.enders import Enders, Login, Seen
from daypass.gateway.works import Works
from daypass.protocols.ending import Around, Look, Stop
from daypass.services.interface import SessionEnd

log = structlog.get_logger(__name__)

LOOK_SECONDS_MAX = 0.5
"""The longest pause between two looks: ten seconds hold about twenty of them."""

ENDS_KEPT = 4096
"""How many ends are remembered for a `cut` that comes after them: a few hundred bytes each."""

AT_REST = "nothing was sent to the target"
BY_ENDER = "terminated at the target"
BY_SOCKET = "sockets closed"
BY_REQUEST = "cancel requested, sockets closed"
"""There was no ender: the work was interrupted as its own client could have, which ends a statement and no more."""

CANCELS_MAX = 64
"""Connections for that at once, to one target or several."""


@dataclass(slots=True)
class _One:
    """One session that is being ended, or the mark of one."""

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

    def end(self) -> SessionEnd:
        problem = self.problem or ("still at work at the target" if self.alive else "")
        steps, outcome = dict(self.steps), self.outcome
        return SessionEnd(
            self.session,
            steps,
            self.was,
            self.how,
            not self.alive,
            problem,
            self.statement,
            outcome,
            self.began_at,
            self.elsewhere,
        )

    @property
    def seen_by(self) -> Mapping[str, str]:
        """The mark, with what was under way when it was stopped."""
        return {**(self.mark or {}), "work": self.work} if self.work else self.mark or {}


class GatewayCarrier:
    """`services.interface.Carrier` over the sessions of this gateway."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._ends: dict[str, asyncio.Future[SessionEnd]] = {}

    # -- what services call -----------------------------------------------------------------------------------------

    async def cut(self, sessions: Sequence[str], reason: EndReason, message: str, hint: str) -> Sequence[SessionEnd]:
        """See `Carrier.cut`. Sessions that are not here are not in the answer; those that are being ended, or lately
        were, are answered with how that went, as a deadline ends them before anybody says so."""
        await self.end(self._works.carrying.by_id(sessions), reason, message, hint)
        ending = [self._ends[session] for session in sessions if session in self._ends]
        return await asyncio.gather(*(asyncio.shield(end) for end in ending))

    async def sweep(
        self, target: Target, role: TargetRole, credential: Credential, sessions: Sequence[Session]
    ) -> Sequence[SessionEnd]:
        """See `Carrier.sweep`."""
        login = self._works.enders.need(target, role, credential)
        try:
            began = monotonic()
            now = self._works.now_us() // 1000
            ones = [_One(one.id, one.mark or None, login, alive=bool(one.mark), began_at=now) for one in sessions]
            await self._stop_work(ones, began, self._works.bounds.read_back_seconds)
            await self._read_back(ones, began)
            return [one.end() for one in ones]
        finally:
            self._works.enders.release(login)

    async def around(
        self, target: Target, role: TargetRole, credential: Credential, sessions: Sequence[Session]
    ) -> Sequence[str]:
        """See `Carrier.around`."""
        marks = tuple(one.mark for one in sessions if one.mark)
        login = self._works.enders.need(target, role, credential)
        try:
            seen = await self._works.enders.order(login, Around(marks), self._works.bounds.stop_seconds)
            return [one.get("what", "") for one in seen]
        finally:
            self._works.enders.release(login)

    def carrying(self) -> Mapping[str, Sequence[str]]:
        """See `Carrier.carrying`."""
        found: dict[str, list[str]] = {}
        for driver in self._works.carrying:
            if driver.admission is not None and not driver.ending:
                found.setdefault(driver.admission.grant, []).append(driver.admission.session)
        return found

    def reschedule(self, grant: str, expires_at: int) -> None:
        """See `Carrier.reschedule`."""
        self._works.deadlines.move(grant, expires_at)

    # -- what the gateway calls -------------------------------------------------------------------------------------

    def cut_now(self, drivers: Sequence[Driver], reason: EndReason, note: str) -> None:
        """End these by ourselves: forwarding has stopped when this returns, the rest follows."""
        for driver in drivers:
            driver.stop()
        self._works.background(self._end_quietly(drivers, reason, note))

    async def _end_quietly(self, drivers: Sequence[Driver], reason: EndReason, note: str) -> None:
        for end in await self.end(drivers, reason, note, ""):
            if not end.confirmed:
                log.error("end not confirmed", session=end.session, why=end.problem)

    async def end(self, drivers: Sequence[Driver], reason: EndReason, message: str, hint: str) -> Sequence[SessionEnd]:
        """End these sessions, but for those whose end has begun. Returns when each is shown to be over, or the time
        for that has passed."""
        drivers = [driver for driver in drivers if not driver.ending]
        if not drivers:
            return []
        ones = [self._begin(driver) for driver in drivers]
        used = [_use(self._works.enders, driver) for driver in drivers if driver.admission is not None]
        try:
            await self._steps(drivers, ones, reason, message, hint)
        finally:
            for driver in drivers:  # whatever happened above, nobody stays connected
                driver.close()
            for login in used:
                self._works.enders.release(login)
            for one in ones:
                if one.told is not None:
                    one.told.set_result(one.end())
        return [one.end() for one in ones if one.session]

    def _begin(self, driver: Driver) -> _One:
        driver.ending = True
        driver.stop()
        session = driver.admission.session if driver.admission is not None else ""
        told: asyncio.Future[SessionEnd] | None = None
        if session:
            self._works.tally.cut += 1
            told = self._ends[session] = self._works.loop.create_future()
            while len(self._ends) > ENDS_KEPT:
                self._ends.pop(next(iter(self._ends)))
        mark = driver.asking.mark
        one = _One(session, mark, driver.asking.login, alive=mark is not None, told=told)
        one.statement = driver.session.at_work() if mark is not None else 0
        one.cancel = driver.session.cancel
        one.began_at = self._works.now_us() // 1000
        one.target = driver.admission.target if driver.admission is not None else None
        return one

    async def _steps(
        self, drivers: Sequence[Driver], ones: Sequence[_One], reason: EndReason, message: str, hint: str
    ) -> None:
        began = monotonic()
        self._works.journal.flush()
        _mark(ones, "stopped_forwarding", began)
        await self._stop_work(ones, began, self._works.bounds.stop_seconds)
        for driver in drivers:
            driver.tell_ending(reason, message, hint)
        _mark(ones, "client_told", began)
        await self._close(drivers)
        _mark(ones, "closed", began)
        await self._read_back(ones, began)

    # -- the steps --------------------------------------------------------------------------------------------------

    async def _stop_work(self, ones: Sequence[_One], began: float, seconds: float) -> None:
        """One order for all marks of a login, all logins at once."""

        async def stop(login: Login, group: Sequence[_One], marks: tuple[Mapping[str, str], ...]) -> None:
            try:
                if not self._works.enders.ready(login):
                    self._works.background(self._cancel_all(group))
                seen = await self._works.enders.order(login, Stop(marks), seconds)
            except Unavailable as problem:
                for one in group:
                    one.problem = problem.message
                    one.how = one.how if one.how == BY_REQUEST else BY_SOCKET
                return
            for one, what in zip(group, _all(seen, group), strict=True):
                one.was, one.how, one.work = what.get("was", ""), BY_ENDER, what.get("work", "")
                one.elsewhere = what.get("elsewhere") == "yes"
            _mark(group, "work_stopped", began)

        await asyncio.gather(*(stop(*group) for group in _by_login(ones)))

    async def _cancel_all(self, group: Sequence[_One]) -> None:
        """Where no ender is up: ask the target to cancel, as these sessions' own clients could."""
        turns = asyncio.Semaphore(CANCELS_MAX)

        async def ask(one: _One) -> None:
            async with turns:
                seconds = self._works.bounds.stop_seconds
                if one.cancel and one.target and await dialling.send_once(one.target, one.cancel, seconds):
                    one.how = BY_REQUEST if one.how != BY_ENDER else one.how

        await asyncio.gather(*(ask(one) for one in group))

    async def _close(self, drivers: Sequence[Driver]) -> None:
        for driver in drivers:
            driver.close()
        waiting = [driver.closed for driver in drivers if not driver.closed.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=self._works.bounds.linger_seconds)
        for driver in drivers:
            driver.client.abort()
            driver.target.abort()

    async def _read_back(self, ones: Sequence[_One], began: float) -> None:
        """Look until nothing is left, or the time has passed. What was not looked at is not confirmed."""
        bounds = self._works.bounds
        pause = bounds.look_seconds
        left = [one for one in ones if one.mark is not None]
        while left:
            seconds = began + bounds.read_back_seconds - monotonic()
            if seconds <= 0:
                return
            await asyncio.gather(*(self._look(*group, seconds) for group in _by_login(left)))
            _mark([one for one in left if not one.alive], "read_back", began)
            left = [one for one in left if one.alive]
            if left:
                await asyncio.sleep(min(pause, max(0.0, began + bounds.read_back_seconds - monotonic())))
                pause = min(pause * 2, LOOK_SECONDS_MAX)

    async def _look(
        self, login: Login, group: Sequence[_One], marks: tuple[Mapping[str, str], ...], seconds: float
    ) -> None:
        try:
            seen = await self._works.enders.order(login, Look(marks), seconds)
        except Unavailable as problem:
            for one in group:
                one.problem = problem.message
            return
        for one, what in zip(group, _all(seen, group), strict=True):
            one.alive = what.get("alive") != "no"
            one.outcome = what.get("outcome", one.outcome)
            one.problem = ""


def _use(enders: Enders, driver: Driver) -> Login:
    """Keep the ender of a session that is about to be gone, until its end is shown."""
    admission = driver.admission
    assert admission is not None
    return enders.need(admission.target, admission.role, admission.credential)


def _mark(ones: Sequence[_One], step: str, began: float) -> None:
    now = round((monotonic() - began) * 1000, 3)
    for one in ones:
        one.steps[step] = now


def _all(seen: Seen, group: Sequence[_One]) -> Seen:
    """What was seen, one for each; an answer of another length says nothing about any of them."""
    return seen if len(seen) == len(group) else [{} for _ in group]


def _by_login(ones: Sequence[_One]) -> list[tuple[Login, list[_One], tuple[Mapping[str, str], ...]]]:
    groups: dict[Login, list[_One]] = {}
    for one in ones:
        if one.login is not None and one.mark is not None:
            groups.setdefault(one.login, []).append(one)
    return [(login, group, tuple(one.seen_by for one in group)) for login, group in groups.items()]
