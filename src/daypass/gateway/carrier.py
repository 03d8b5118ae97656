"""Ending sessions: all of them at once, at the target before the sockets, and shown to be over.

The order is fixed (docs/life-of-a-session.md): stop forwarding, end the work at the target, tell the client, close both
sides, read back. Each session is told as soon as its own work is over, while backends are still on their way out.
Nothing waits for a client. Where the target cannot be asked, the sockets are closed all the same and
the end is reported as not confirmed; it is never reported better than it was seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from time import monotonic

import structlog

from daypass.domain.grant import EndReason
from daypass.domain.session import Session
from daypass.domain.target import Credential, Target, TargetRole
from daypass.gateway.driver import Driver
from daypass.gateway.enders import Enders, Login
from daypass.gateway.stopping import One, Stopping, mark
from daypass.gateway.wire import STOPPED
from daypass.gateway.works import Works
from daypass.protocols.ending import Around
from daypass.protocols.interface import Ending, Side
from daypass.services.interface import SessionEnd

log = structlog.get_logger(__name__)

ENDS_KEPT = 4096
"""How many ends are remembered for a `cut` that comes after them: a few hundred bytes each."""

TOLD_AT_ONCE = 8
"""Clients that are told in one turn of the loop: under a millisecond."""

CLOSE_SECONDS = 0.05
"""How long closing both sides is waited for before it is looked whether the work is gone."""


class GatewayCarrier:
    """`services.interface.Carrier` over the sessions of this gateway."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._stopping = Stopping(works)
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
            ones = [One(one.id, one.mark or None, login, alive=bool(one.mark), began_at=now) for one in sessions]
            await self._stopping.terminate(ones, began, self._works.bounds.read_back_seconds)
            await self._stopping.read_back(ones, began)
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

    def reschedule(self, grant: str, expires_at: int, extend_ms: int | None) -> None:
        """See `Carrier.reschedule`."""
        self._works.deadlines.move(grant, expires_at, extend_ms)

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
        began, began_at = monotonic(), self._works.now_us() // 1000
        ones = [self._begin(driver, began_at) for driver in drivers]
        used = [_use(self._works.enders, driver) for driver in drivers if driver.admission is not None]
        self._works.begin_end()
        try:
            await self._steps(drivers, ones, began, Ending(reason.value, message, hint))
        finally:
            for driver in drivers:  # whatever happened above, nobody stays connected
                driver.close()
            self._works.end_over()
            for login in used:
                self._works.enders.release(login)
            for one in ones:
                if one.told is not None and not one.told.done():
                    one.told.set_result(one.end())
        return [one.end() for one in ones if one.session]

    def _begin(self, driver: Driver, began_at: int) -> One:
        driver.ending = True
        driver.stop()
        session = driver.admission.session if driver.admission is not None else ""
        told: asyncio.Future[SessionEnd] | None = None
        if session:
            self._works.tally.cut += 1
            told = self._ends[session] = driver.asking.shown = self._works.loop.create_future()
            while len(self._ends) > ENDS_KEPT:
                self._ends.pop(next(iter(self._ends)))
        place = driver.asking.mark
        one = One(session, place, driver.asking.login, alive=place is not None, told=told)
        one.statement = driver.at_work if place is not None else 0
        one.settled = driver.settled
        one.hurried = driver.session.owed() > 1
        one.cancel = driver.session.cancel
        one.began_at = began_at
        one.target = driver.admission.target if driver.admission is not None else None
        return one

    async def _steps(self, drivers: Sequence[Driver], ones: Sequence[One], began: float, ending: Ending) -> None:
        self._works.journal.flush()
        mark(ones, "stopped_forwarding", began)
        seconds = self._works.bounds.stop_seconds
        await self._stopping.halt(ones, began, seconds)
        # A backend takes a processor for two milliseconds to be gone. Meanwhile clients are told whose work is over.
        terminating = asyncio.create_task(self._stopping.terminate(ones, began, seconds))
        over = {one.session: one for one in ones if "work_stopped" in one.steps}
        told = [driver for driver in drivers if _session(driver) in over]
        await _tell(told, ending)
        mark(over.values(), "client_told", began)
        await terminating
        await _tell([driver for driver in drivers if _session(driver) not in over], ending)
        mark([one for one in ones if one.session not in over], "client_told", began)
        closing = asyncio.create_task(self._close(drivers, ones, began))
        # Who does not read what was said is closed later, and holds up nobody's read-back.
        await asyncio.wait((closing,), timeout=CLOSE_SECONDS)
        await self._stopping.read_back(ones, began)
        await closing

    async def _close(self, drivers: Sequence[Driver], ones: Sequence[One], began: float) -> None:
        for driver, one in zip(drivers, ones, strict=True):
            driver.close()
            driver.target.abort()
            # One by one, so that a client that does not read, or a backend that hangs, delays the record of no other.
            driver.closed.add_done_callback(partial(_closed, one, began))
        waiting = [driver.closed for driver in drivers if not driver.closed.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=self._works.bounds.linger_seconds)
        for driver, one in zip(drivers, ones, strict=True):
            driver.client.abort()
            _closed(one, began)


async def _tell(drivers: Sequence[Driver], ending: Ending) -> None:
    """Tell these clients, a few in each turn of the loop: orders go out and answers come in between."""
    for n, driver in enumerate(drivers):
        if n % TOLD_AT_ONCE == 0:
            await asyncio.sleep(0)
        driver.tell_ending(ending)
        driver.close_side(Side.CLIENT)
        driver.target.pause(STOPPED)  # what a backend says when it is terminated is news to nobody


def _closed(one: One, began: float, _: object = None) -> None:
    """Both sides of this one are closed."""
    if "closed" not in one.steps:
        mark((one,), "closed", began)
        one.show()


def _session(driver: Driver) -> str:
    return driver.admission.session if driver.admission is not None else ""


def _use(enders: Enders, driver: Driver) -> Login:
    """Keep the ender of a session that is about to be gone, until its end is shown."""
    admission = driver.admission
    assert admission is not None
    return enders.need(admission.target, admission.role, admission.credential)
