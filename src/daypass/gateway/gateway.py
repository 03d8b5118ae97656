"""The gateway as app.py sees it: made of a desk, a journal and protocols; listens, carries, drains."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from time import CLOCK_BOOTTIME, clock_gettime, monotonic, time_ns

import structlog

from daypass.domain.durations import duration_text
from daypass.domain.errors import ConfigError
from daypass.domain.grant import EndReason
from daypass.domain.wording import ask_command, extend_command
from daypass.gateway.asking import CUT_OFF
from daypass.gateway.bounds import Bounds
from daypass.gateway.carrier import GatewayCarrier
from daypass.gateway.derive import Deriver
from daypass.gateway.driver import Driver
from daypass.gateway.enders import Enders
from daypass.gateway.interface import Admission, Desk
from daypass.gateway.keys import Carrying
from daypass.gateway.lease import Lease
from daypass.gateway.listener import Listener, is_loopback
from daypass.gateway.metrics import GatewayMetrics
from daypass.gateway.telling import calm
from daypass.gateway.timers import Deadlines
from daypass.gateway.tls import ServerTls
from daypass.gateway.works import Works
from daypass.ledger.journal import Journal
from daypass.protocols.interface import Limits, Protocol

log = structlog.get_logger(__name__)

NO_RECORD = "the record cannot be written, so nothing more can be done"
SHUTTING_DOWN = "Daypass is shutting down"
WARN_BEFORE_MS = (300_000, 60_000)
"""When a client is told how much time is left, unless configured."""


def _again(admission: Admission) -> str:
    """The command that asks for the same once more."""
    return ask_command(admission.target.name, admission.role.name, admission.duration_ms)


def wall_us() -> int:
    """Microseconds since 1970."""
    return time_ns() // 1000


class Gateway:
    """Make it on the running loop, which should be uvloop's. `carrier` is what services cut sessions with.

    `on_fatal` is called once the journal has failed and every session is ended: the process has to go then.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        journal: Journal,
        protocols: Mapping[str, Protocol],
        node: str,
        tls: ServerTls | None = None,
        on_fatal: Callable[[], None],
        bounds: Bounds | None = None,
        limits: Limits | None = None,
        now_us: Callable[[], int] = wall_us,
        warn_before_ms: Sequence[int] = WARN_BEFORE_MS,
    ) -> None:
        loop = asyncio.get_running_loop()
        bounds = bounds or Bounds()
        deriver = Deriver()
        self._protocols = protocols
        self._limits = limits or Limits()
        self._on_fatal = on_fatal
        self._listeners: list[Listener] = []
        self._pressed = False
        self._patient = True
        self.works = Works(
            loop=loop,
            node=node,
            desk=desk,
            journal=journal,
            enders=Enders(protocols, deriver, bounds, f"daypass {node}"),
            deriver=deriver,
            deadlines=Deadlines(lambda: now_us() // 1000, self._due, bounds.clock_seconds, self._soon, warn_before_ms),
            carrying=Carrying(),
            bounds=bounds,
            tls=tls,
            now_us=now_us,
            cut=self._cut,
            lease=Lease(lambda: clock_gettime(CLOCK_BOOTTIME)),
        )
        self.works.calm.set()
        self.carrier = GatewayCarrier(self.works)
        self.metrics = GatewayMetrics(self.works)
        journal.attach(loop)
        journal.on_failure = self._journal_failed
        self._pulse_timer = loop.call_later(bounds.pulse_seconds, self._pulse)

    async def calm(self) -> None:
        """Wait until no sessions are being ended: for half a second at most, and not again before there was a calm."""
        if self.works.calm.is_set():
            self._patient = True
        elif self._patient:
            self._patient = False
            await calm(self.works)

    async def listen(self, protocol: str, host: str, port: int) -> int:
        """Take connections of this protocol; returns the port. Off loopback, plain text is refused: raises
        `ConfigError` there without a certificate."""
        plain = is_loopback(host)
        if not plain and self.works.tls is None:
            raise ConfigError(
                f"listen.{protocol}: {host} is not loopback and there is no certificate", hint="give tls: {cert, key}"
            )
        found = self._protocols[protocol]
        listener = Listener(self.works, found, self._limits, tls=self.works.tls is not None, plain=plain)
        await listener.start(host, port)
        self._listeners.append(listener)
        return listener.port

    async def join(self, protocol: str, peer: str, client: Callable[[], asyncio.BaseProtocol]) -> None:
        """Connect a client in this process, as if it had come to the protocol's address: nothing on the way in is
        another. `peer` is who is behind it. Raises `OSError`."""
        listener = Listener(self.works, self._protocols[protocol], self._limits, tls=False, plain=True)
        ours, theirs = socket.socketpair()
        try:
            await listener.join(theirs, peer)
            await self.works.loop.create_unix_connection(client, sock=ours)
        except BaseException:
            ours.close()
            theirs.close()
            raise

    async def drain(self, seconds: float) -> None:
        """Take no more, wait so long for sessions to end by themselves, cut the rest, tell the store of all."""
        self.works.closed_for = SHUTTING_DOWN
        for listener in self._listeners:
            listener.close()
        open_now = [driver.closed for driver in self.works.carrying]
        if open_now:
            await asyncio.wait(open_now, timeout=seconds)
        left = list(self.works.carrying)
        if left:
            await self.carrier.end(left, EndReason.SHUTDOWN, SHUTTING_DOWN, "connect again in a moment")
        await self._settle()

    async def _settle(self) -> None:
        """Wait until the ends of all sessions are shipped and told, or it has taken too long."""
        until = monotonic() + self.works.bounds.read_back_seconds
        while monotonic() < until and not self.works.journal.broken:
            if self.works.tasks:
                await asyncio.wait(self.works.tasks, timeout=until - monotonic())
            elif self.works.untold:
                await asyncio.sleep(self.works.bounds.pulse_seconds)
            else:
                return

    def close(self) -> None:
        """Let go of everything, at the end of the process; `drain` comes first."""
        self._pulse_timer.cancel()
        for listener in self._listeners:
            listener.close()
        for task in self.works.tasks:
            task.cancel()
        self.works.enders.close()

    # -- what ends sessions -----------------------------------------------------------------------------------------

    def _cut(self, drivers: Sequence[Driver], reason: EndReason, note: str) -> None:
        self.carrier.cut_now(drivers, reason, note)

    def _due(self, grant: str) -> None:
        """A deadline has passed: its sessions end here and now; the store is told whether it can be reached or not."""
        drivers = self.works.carrying.by_id(self.works.carrying.ids_of(grant))
        for driver in drivers:
            driver.stop()
        self.works.background(self._end_due(grant, drivers))

    async def _end_due(self, grant: str, drivers: Sequence[Driver]) -> None:
        telling = asyncio.ensure_future(self.works.desk.grant_due(grant))
        hint = ""
        if drivers and (admission := drivers[0].admission) is not None:
            hint = _again(admission)
        await self.carrier.end(drivers, EndReason.EXPIRED, f"access ended: grant {grant} expired", hint)
        try:
            await telling
        except Exception as problem:  # noqa: BLE001  access has ended; the store's own clock will tell it, too
            log.error("deadline not told", grant=grant, why=str(problem))

    def _soon(self, grant: str, left_ms: int, most: int | None) -> None:
        """Tell the clients of a grant how much time is left, between two messages."""
        left = duration_text(max(1000, round(left_ms, -3)))
        for driver in self.works.carrying.by_id(self.works.carrying.ids_of(grant)):
            if (admission := driver.admission) is not None:
                more = f"more time: {extend_command(grant, most)}" if most else f"ask again: {_again(admission)}"
                driver.warn(f"access to {admission.target.name} ends in {left} (grant {grant}); {more}")

    def _journal_failed(self, problem: OSError) -> None:
        log.critical("journal failed", why=str(problem))
        self.works.closed_for = NO_RECORD
        drivers = list(self.works.carrying)
        for driver in drivers:
            driver.stop()
        self.works.background(self._end_all(drivers))

    async def _end_all(self, drivers: Sequence[Driver]) -> None:
        try:
            await self.carrier.end(drivers, EndReason.RECORD_FAILED, NO_RECORD, "ask whoever runs Daypass")
        finally:
            self._on_fatal()

    def _cut_off(self) -> None:
        """The lease has run out: what was revoked meanwhile cannot be known here, so nothing is carried on."""
        drivers = [driver for driver in self.works.carrying if not driver.ending]
        if drivers:
            log.error("cut off from the store: sessions are cut", sessions=len(drivers))
            self._cut(drivers, EndReason.CUT_OFF, CUT_OFF)

    # -- the pulse --------------------------------------------------------------------------------------------------

    def _pulse(self) -> None:
        works = self.works
        self._pulse_timer = works.loop.call_later(works.bounds.pulse_seconds, self._pulse)
        if works.lease.over:
            self._cut_off()
        full = works.journal.backlog.full
        now = monotonic()
        for driver in works.carrying:
            if full or self._pressed:
                driver.press(full)
            if driver.half_closed:
                driver.pulse()
            admission = driver.admission
            if admission is None or admission.idle_ms is None or driver.stopped:
                continue
            if driver.session.at_work():
                driver.heard = now  # it waits for its own work, and that may take its time
            elif now - driver.heard > admission.idle_ms / 1000:
                self._cut([driver], EndReason.IDLE, f"nothing was said for {admission.idle_ms // 1000} s")
        self._pressed = full
