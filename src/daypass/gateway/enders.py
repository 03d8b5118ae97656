"""Enders: one connection of our own for each target credential that has open sessions, by which their work is ended.

Measured: one order for all marks over a connection that is open already stops a hundred statements in 8 ms; dialling
first is too late when a target is busy. Orders are answered in their order. Where an ender is kept from its work, it is
gone round (`insisting.py`). Where none can be had, the order fails and whoever asked closes the sockets and says that
it is not confirmed.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog

from daypass.domain.errors import Unavailable
from daypass.domain.target import Credential, Target, TargetRole
from daypass.gateway import dialling
from daypass.gateway.bounds import Bounds
from daypass.gateway.derive import Deriver
from daypass.gateway.faults import fault_of
from daypass.gateway.insisting import Way, in_turn, rushed
from daypass.gateway.tls import TlsLayer
from daypass.gateway.wire import Wire
from daypass.protocols.ending import (
    Answered,
    Around,
    Ender,
    EnderEffect,
    EnderEvent,
    Enter,
    Entered,
    Halt,
    Look,
    Lost,
    Poke,
    Stop,
)
from daypass.protocols.interface import (
    Close,
    Closed,
    Connect,
    Connected,
    Derive,
    Derived,
    Failed,
    Protocol,
    Received,
    Send,
    Side,
    StartTls,
    TlsStarted,
)

log = structlog.get_logger(__name__)

Order = Halt | Stop | Look | Around | Poke
Seen = Sequence[Mapping[str, str]]

ORDERS_MAX = 1024
"""Orders that may wait at one ender; each is a few hundred bytes, and more means that the target hangs."""

FIRST_RETRY_SECONDS = 0.1

ENTROPY_BYTES = 32
"""What signing in once may use (protocols/interface.py)."""


@dataclass(frozen=True, slots=True)
class Login:
    """What an ender signs in as; sessions with an equal one share it."""

    protocol: str
    target: str
    role: str
    credential: Credential


class Link:
    """One attempt at an ender: lives from dialling until it is lost, and is never used again."""

    def __init__(self, ender: Ender, enter: Enter, deriver: Deriver, bounds: Bounds, clock: asyncio.AbstractEventLoop):
        self.entered: asyncio.Future[None] = clock.create_future()
        self.lost_for: asyncio.Future[str] = clock.create_future()
        self.pushed_out = False
        self._ender = ender
        self._target = enter.target
        self._deriver = deriver
        self._bounds = bounds
        self._loop = clock
        self._waiting: deque[asyncio.Future[Seen]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wire = Wire(self, Side.TARGET, bounds.write_buffer_bytes)
        self.first: asyncio.Future[Seen] | None = None
        if enter.order is not None:  # it is given with the sign-in itself
            self.first = self._loop.create_future()
            self._waiting.append(self.first)
        self.tell(enter)

    def order(self, order: Order) -> asyncio.Future[Seen]:
        """Give an order; its answer, or `Unavailable`."""
        answer: asyncio.Future[Seen] = self._loop.create_future()
        if self.lost_for.done() or len(self._waiting) >= ORDERS_MAX:
            answer.set_exception(Unavailable("the connection that ends work at the target is gone"))
            return answer
        self._waiting.append(answer)
        self.tell(order)
        return answer

    def tell(self, event: EnderEvent) -> None:
        if self.lost_for.done():
            return
        try:
            for effect in self._ender.handle(event):
                self._do(effect)
        except Exception as problem:  # noqa: BLE001  a fault of ours loses this link only, and says so
            log.error("ender failed", target=self._target.name, fault=fault_of(problem))
            self.lose(f"internal error: {type(problem).__name__}")

    def _do(self, effect: EnderEffect) -> None:
        match effect:
            case Send(_, data):
                self._wire.send(data)
            case Answered(seen):
                answer = self._waiting.popleft()
                if not answer.done():
                    answer.set_result(seen)
            case Connect():
                self._ask(dialling.connect(self._wire, self._target, self._bounds.connect_seconds))
            case StartTls():
                if why := dialling.secure(self._wire, self._target, effect):
                    self.tell(Failed(Side.TARGET, why))
            case Derive():
                self._ask(dialling.derive(self._deriver, effect))
            case Entered():
                if not self.entered.done():
                    self.entered.set_result(None)
            case Close(_, _, note):
                self.lose(note or "closed")
            case Lost(why, pushed_out):
                self.pushed_out = pushed_out
                self.lose(why)

    def _ask(self, question: Coroutine[None, None, Connected | Derived | Failed]) -> None:
        async def answer() -> None:
            self.tell(await question)

        task = self._loop.create_task(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: question.close())  # one that was cancelled before it began

    def lose(self, why: str) -> None:
        """Be of no more use: fail what waits, close the connection."""
        if self.lost_for.done():
            return
        self.lost_for.set_result(why)
        if not self.entered.done():
            self.entered.cancel()
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(Unavailable(f"the connection that ends work at the target is gone: {why}"))
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        self._wire.close()
        self._loop.call_later(self._bounds.linger_seconds, self._wire.abort)

    # -- what the wire tells

    def received(self, side: Side, data: bytes) -> None:
        self.tell(Received(side, data, self._loop.time()))

    def finished(self, side: Side) -> None:
        self.lost(side)

    def lost(self, side: Side) -> None:
        self.tell(Closed(side))
        self.lose("the target closed it")

    def secured(self, side: Side, layer: TlsLayer) -> None:
        self.tell(TlsStarted(side, layer.binding, layer.alpn))

    def unsecured(self, side: Side, why: str) -> None:
        self.tell(Failed(side, why))

    def clogged(self, side: Side, full: bool) -> None:
        """Orders are few and small (`ORDERS_MAX`): nothing to pause."""


class _Kept:
    """The ender of one login: keeps a link up as long as somebody needs it."""

    def __init__(self, protocol: Protocol, enter: Enter, deriver: Deriver, bounds: Bounds) -> None:
        self.users = 0
        self.idle: asyncio.TimerHandle | None = None
        self._protocol = protocol
        self._enter = enter
        self._deriver = deriver
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._link = self.dial()
        self._redialled = asyncio.Event()
        self._wanted = asyncio.Event()
        self._task = self._loop.create_task(self._keep())

    @property
    def place(self) -> tuple[Target, TargetRole]:
        """Where it is."""
        return self._enter.target, self._enter.role

    def dial(self, order: Stop | None = None) -> Link:
        """Begin to sign in; an order goes with that itself."""
        enter = replace(self._enter, entropy=os.urandom(ENTROPY_BYTES), order=order)
        return Link(self._protocol.ender(), enter, self._deriver, self._bounds, self._loop)

    async def _keep(self) -> None:
        pause = FIRST_RETRY_SECONDS
        while True:
            why = await asyncio.shield(self._link.lost_for)
            if self._link.entered.done() and not self._link.entered.cancelled():
                pause = FIRST_RETRY_SECONDS
            log.warning("ender lost", target=self._enter.target.name, role=self._enter.role.name, why=why)
            await asyncio.sleep(FIRST_RETRY_SECONDS)
            with suppress(TimeoutError):  # the rest of the pause, unless an order wants it now
                await asyncio.wait_for(self._wanted.wait(), pause - FIRST_RETRY_SECONDS)
            self._wanted.clear()
            pause = min(pause * 2, self._bounds.ender_retry_seconds)
            self._link = self.dial()
            self._redialled.set()
            self._redialled = asyncio.Event()

    @property
    def ready(self) -> bool:
        link = self._link
        return link.entered.done() and not link.entered.cancelled() and not link.lost_for.done()

    async def order(self, order: Order, seconds: float) -> Seen:
        """Raises `Unavailable` when there is no answer in this time. An ender that does not answer is replaced."""
        asked = False
        try:
            async with asyncio.timeout(seconds):
                while True:
                    link, redialled = self._link, self._redialled
                    await asyncio.wait((link.entered, link.lost_for), return_when=asyncio.FIRST_COMPLETED)
                    try:
                        return await link.order(order)
                    except Unavailable:
                        # Once, as the target may be back long before the pause is over. A server that lets nobody in
                        # is not asked more often than that.
                        if link.pushed_out or not asked:
                            self._wanted.set()
                            asked = True
                        await redialled.wait()  # every order may be given twice: it names marks, not "the newest"
        except TimeoutError:
            if self._link.entered.done():
                self._link.lose("did not answer in time")
            raise Unavailable(f"no answer from {self._enter.target.name} within {seconds:g} s") from None

    def close(self) -> None:
        self._task.cancel()
        if self.idle is not None:
            self.idle.cancel()
        self._link.lose("no longer needed")


class Enders:
    """All enders of this gateway."""

    def __init__(self, protocols: Mapping[str, Protocol], deriver: Deriver, bounds: Bounds, label: str) -> None:
        self._protocols = protocols
        self._deriver = deriver
        self._bounds = bounds
        self._label = label
        self._kept: dict[Login, _Kept] = {}

    def need(self, target: Target, role: TargetRole, credential: Credential) -> Login:
        """Have an ender for this login from now on, until `release`."""
        credential = credential.ender or credential
        login = Login(target.protocol, target.name, role.name, credential)
        kept = self._kept.get(login)
        if kept is None:
            enter = Enter(target, role, credential, self._label)
            kept = self._kept[login] = _Kept(self._protocols[target.protocol], enter, self._deriver, self._bounds)
        kept.users += 1
        if kept.idle is not None:
            kept.idle.cancel()
            kept.idle = None
        return login

    def release(self, login: Login) -> None:
        """One user less; the last one's ender goes after a while."""
        kept = self._kept.get(login)
        if kept is None:
            return
        kept.users -= 1
        if kept.users == 0:
            loop = asyncio.get_running_loop()
            kept.idle = loop.call_later(self._bounds.ender_idle_seconds, self._drop, login)

    def _drop(self, login: Login) -> None:
        kept = self._kept.pop(login, None)
        if kept is not None:
            kept.close()

    def ready(self, login: Login) -> bool:
        """Whether an order to this login's ender would be given at once."""
        kept = self._kept.get(login)
        return kept is not None and kept.ready

    async def order(self, login: Login, order: Order, seconds: float) -> Seen:
        """Give an order at this login's target. Raises `Unavailable`."""
        kept = self._kept.get(login)
        if kept is None:
            raise Unavailable("no connection that ends work at the target")
        if isinstance(order, Poke | Around):
            return await kept.order(order, seconds)
        return await in_turn(self._ways(kept, login, order, seconds), at_once=not kept.ready)

    def _ways(self, kept: _Kept, login: Login, order: Halt | Stop | Look, seconds: float) -> list[Way]:
        """How this order may be given, the usual way first."""

        async def spared(spare: Credential) -> Seen:
            other = self.need(*kept.place, spare)
            try:
                return await self._kept[other].order(order, seconds)
            finally:
                self.release(other)

        ways: list[Way] = [lambda: kept.order(order, seconds)]
        if (spare := login.credential.spare) is not None:
            ways.append(lambda: spared(spare))
        if isinstance(order, Halt | Stop):
            ways.append(lambda: rushed(partial(kept.dial, Stop(order.marks)), seconds))
        return ways

    def close(self) -> None:
        for login in list(self._kept):
            self._drop(login)
