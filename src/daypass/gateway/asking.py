"""What a session asks of others and cannot have at once: the desk's answers, connections, keys, orders to enders.

One task for each question, each with a time limit; its answer goes back as an event. Here too is what surrounds the
data path in a session's life: the time it may take to sign in, its place among those carried, telling how it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from daypass.domain import errors
from daypass.domain.grant import EndReason
from daypass.domain.session import Over
from daypass.gateway import dialling
from daypass.gateway.enders import Login
from daypass.gateway.faults import fault_of
from daypass.gateway.interface import Admission
from daypass.gateway.telling import tell_ended, tell_refused
from daypass.protocols.ending import Poke, Stop
from daypass.protocols.interface import (
    Admitted,
    Authorize,
    Cancel,
    Connect,
    Derive,
    Effect,
    Event,
    Failed,
    Found,
    Interrupt,
    Interrupted,
    LookUp,
    Opened,
    Ready,
    Refused,
    Side,
    StartTls,
)
from daypass.services.interface import SessionEnd

if TYPE_CHECKING:
    from daypass.gateway.driver import Driver

log = structlog.get_logger(__name__)

CUT_OFF = "this gateway is cut off from its store: nobody gets in here until it is back"

CODES: Mapping[type[errors.DaypassError], str] = {
    errors.Unauthenticated: "unauthenticated",
    errors.Refused: "refused",
    errors.NotFound: "refused",
    errors.Conflict: "refused",
    errors.Invalid: "refused",
}


class Asking:
    """The slow half of a `Driver`."""

    def __init__(self, driver: Driver) -> None:
        self.mark: Mapping[str, str] | None = None
        self.login: Login | None = None
        self.shown: asyncio.Future[SessionEnd] | None = None
        """Once it is being ended by us: whether that could be shown."""
        self._driver = driver
        self._works = driver.works
        self._tasks: set[asyncio.Task[None]] = set()
        self._name = ""
        self._wanted = ""
        self._refused = ""
        self._waiting_outside = False
        self._timer: asyncio.TimerHandle | None = None

    # -- arriving ---------------------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """A client connected; nobody knows who it is, and it has so long to say."""
        self._works.tally.unauthenticated += 1
        self._waiting_outside = True
        self._within(self._works.bounds.sign_in_seconds, EndReason.IDLE, "nobody signed in in time")

    def _within(self, seconds: float, reason: EndReason, note: str) -> None:
        self._at_ease()
        self._timer = self._works.loop.call_later(seconds, self.cut, reason, note)

    def _at_ease(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def outside(self) -> bool:
        """Whether this client has not shown yet who it is."""
        return self._waiting_outside

    def give_up(self) -> None:
        """Others need the place of a client that has not shown who it is."""
        self._inside()
        self.cut(EndReason.IDLE, "others came while it said nothing")

    def _inside(self) -> None:
        if self._waiting_outside:
            self._waiting_outside = False
            self._works.tally.unauthenticated -= 1

    # -- questions --------------------------------------------------------------------------------------------------

    def ask(self, effect: Effect) -> None:
        driver = self._driver
        match effect:
            case LookUp(name):
                self._name = name
                self._start(self._look_up(name))
            case Authorize():
                self._wanted = effect.target
                self._start(self._authorize(effect))
            case Connect():
                self._start(self._connect())
            case StartTls():
                self._start_tls(effect)
            case Derive():
                self._start(dialling.derive(self._works.deriver, effect))
            case Ready(mark):
                self.mark = mark
                self._keep(self._works.loop.create_task(self._open(mark)))
            case Interrupt(key):
                other = self._works.carrying.by_key(key)
                self._start(_interrupted(other.asking.poke() if other is not None else None))
            case Cancel():
                self.stop_work()
            case _:
                raise TypeError(f"{driver.protocol}: not an effect: {effect!r}")

    def _start(self, question: Coroutine[Any, Any, Event]) -> None:
        async def answer() -> None:
            self._driver.tell(await question)

        self._keep(self._works.loop.create_task(answer()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_up(self, name: str) -> Found | Refused:
        try:
            async with asyncio.timeout(self._works.bounds.question_seconds):
                return Found(await self._works.desk.look_up(name))
        except Exception as problem:  # noqa: BLE001  every failure is a refusal
            return self._no(problem)

    async def _authorize(self, wanted: Authorize) -> Opened | Refused:
        works, driver = self._works, self._driver
        if works.closed_for or works.lease.over or not works.journal.has_room():
            cut_off = CUT_OFF if works.lease.over else "the record has no room: no new session opens"
            why = works.closed_for or cut_off
            return self._no(errors.Unavailable(why))
        task = works.loop.create_task(
            works.desk.admit(wanted.token_id, wanted.target, wanted.role, driver.client.peer, works.node)
        )
        # Never cancelled half way: an admission that comes too late for its client still has to be ended.
        task.add_done_callback(self._settle)
        try:
            async with asyncio.timeout(works.bounds.question_seconds):
                admission = await asyncio.shield(task)
        except Exception as problem:  # noqa: BLE001  every failure is a refusal
            return self._no(problem)
        if driver.admission is None:
            return self._no(errors.Unavailable("the session ended while it was opening"))
        if admission.target.protocol != driver.protocol:
            return self._no(errors.Refused(f"{wanted.target} is reached on another port: it is {driver.protocol} here"))
        return Opened(
            admission.session,
            admission.person,
            admission.grant,
            admission.target,
            admission.role,
            admission.credential,
            admission.label,
            admission.scope,
        )

    def _settle(self, task: asyncio.Task[Admission]) -> None:
        """An admission is there: carry its session, or end it, if its client is gone already."""
        if task.cancelled() or task.exception() is not None:
            return
        works, driver, admission = self._works, self._driver, task.result()
        if driver.closed.done() or driver.stopped:
            at, note = works.now_us() // 1000, "left while it was admitted"
            tell_ended(works, Over(admission.session, EndReason.CLIENT_LEFT, note, at=at))
            return
        self._inside()
        driver.admitted(admission)
        works.carrying.add(admission.session, admission.grant, driver)
        self.login = works.enders.need(admission.target, admission.role, admission.credential)
        self._within(works.bounds.opening_seconds, EndReason.TARGET_LEFT, "the target let nobody in in time")
        works.deadlines.arm(admission.grant, admission.expires_at, admission.extend_ms)

    def _no(self, problem: Exception) -> Refused:
        if isinstance(problem, TimeoutError):
            problem = errors.Unavailable("Daypass cannot answer now", hint="try again")
        if not isinstance(problem, errors.DaypassError):
            log.error("question failed", fault=fault_of(problem))
            problem = errors.Unavailable("internal error", hint="it is in the log of the gateway")
        self._refused = problem.message
        return Refused(CODES.get(type(problem), "unavailable"), problem.message, problem.hint)

    async def _connect(self) -> Event:
        driver, admission = self._driver, self._driver.admission
        if admission is None:
            return Failed(Side.TARGET, "no target was admitted")
        driver.target.dialling = True
        try:
            return await dialling.connect(driver.target, admission.target, self._works.bounds.connect_seconds)
        finally:
            driver.target.dialling = False
            self.finish_if_gone()

    def _start_tls(self, effect: StartTls) -> None:
        driver, works = self._driver, self._works
        if effect.side is Side.CLIENT:
            if works.tls is None:
                raise TypeError("TLS was never offered")
            driver.client.start_tls(works.tls.layer(effect.alpn), effect.pending)
        elif driver.admission is not None:
            why = dialling.secure(driver.target, driver.admission.target, effect)
            if why is not None:
                works.loop.call_soon(driver.tell, Failed(Side.TARGET, why))

    async def _open(self, mark: Mapping[str, str]) -> None:
        driver = self._driver
        driver.tell(await self._ready(mark))
        self._works.carrying.name_key(driver.session.key, driver)  # it has one now, if it is in

    async def _ready(self, mark: Mapping[str, str]) -> Admitted | Refused:
        works, admission = self._works, self._driver.admission
        if admission is None:
            return self._no(errors.Unavailable("no target was admitted"))
        try:
            async with asyncio.timeout(works.bounds.question_seconds):
                await works.desk.opened(admission.session, mark)
        except Exception as problem:  # noqa: BLE001  every failure is a refusal
            return self._no(problem)
        if works.lease.over:
            return self._no(errors.Unavailable(CUT_OFF))
        self._at_ease()
        return Admitted()

    # -- orders -----------------------------------------------------------------------------------------------------

    def poke(self) -> asyncio.Task[None]:
        """Interrupt the running work, as its own client asked: done once that has happened, or cannot."""
        return self._works.background(self._poke())

    async def _poke(self) -> None:
        """By the ender, if it is up; otherwise as the client could at the target itself."""
        works, driver, seconds = self._works, self._driver, self._works.bounds.stop_seconds
        if self.mark is None or self.login is None or driver.admission is None:
            return
        why = "no ender is up"
        if works.enders.ready(self.login):
            try:
                await works.enders.order(self.login, Poke(self.mark), seconds)
                return
            except errors.Unavailable as problem:
                why = problem.message
        cancel = driver.session.cancel
        if not cancel or not await dialling.send_once(driver.admission.target, cancel, seconds):
            log.warning("work was not interrupted", target=self.login.target, why=why)

    def stop_work(self) -> None:
        """End the work at the target; nobody waits for it."""
        if self.mark is not None:
            self._works.background(self._stop_work(Stop((self.mark,))))

    async def _stop_work(self, order: Stop) -> None:
        login = self.login
        if login is None:
            return
        try:
            await self._works.enders.order(login, order, self._works.bounds.stop_seconds)
        except errors.Unavailable as problem:
            log.warning("order failed", target=login.target, order="Stop", why=problem.message)

    # -- the end ----------------------------------------------------------------------------------------------------

    def cut(self, reason: EndReason, note: str) -> None:
        """End this session by ourselves."""
        self._at_ease()
        self._works.cut([self._driver], reason, note)

    def finish_if_gone(self) -> None:
        """Once both sides are gone: be carried no longer, and tell how it ended when its record is in the store."""
        driver, works = self._driver, self._works
        if driver.closed.done() or not (driver.client.gone and driver.target.gone):
            return
        driver.closed.set_result(None)
        self._at_ease()
        self._inside()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        admission = driver.admission
        if admission is None:
            if self._name:
                tell_refused(works, self._name, self._wanted, driver.client.peer, self._refused or driver.note)
            return
        if works.carrying.remove(admission.session, admission.grant, driver.session.key):
            works.deadlines.disarm(admission.grant)
        if self.login is not None:
            works.enders.release(self.login)
        over = Over(
            admission.session,
            driver.reason or EndReason.CLIENT_LEFT,
            driver.note,
            driver.statements,
            "gap" if driver.gap else "complete",
            driver.last_number,
            works.now_us() // 1000,
        )
        tell_ended(works, over, self.shown)


async def _interrupted(poked: asyncio.Task[None] | None) -> Interrupted:
    """Once that is done. Whoever asked may be gone before: it is done all the same."""
    if poked is not None:
        await asyncio.wait((poked,))
    return Interrupted()
