"""All consoles of this node: opens them, finds them again for whoever opened them, and closes those nobody may have."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping
from time import monotonic
from typing import cast

import structlog

from daypass.domain.errors import DaypassError, Invalid, NotFound, TooMany, Unavailable
from daypass.domain.events import Event
from daypass.gateway.console import SIGNED_OUT, Console
from daypass.gateway.console_results import ConsoleBounds
from daypass.gateway.faults import fault_of
from daypass.gateway.gateway import Gateway
from daypass.protocols.interface import Protocol
from daypass.services.consoles import ConsoleDesk, Opener
from daypass.services.office import Office

log = structlog.get_logger(__name__)

NONCE_BYTES = 18
TOLD_SECONDS = (0.2, 1.0, 5.0, 20.0)
"""Pauses between tries to tell that a console is closed; its token ends by itself after that."""
ENDS_STANDING = ("visit.ended", "token.revoked", "lock.set", "person.changed")
"""Events after which it is looked at once who still stands."""


class Consoles:
    """Over one gateway, and closed with it."""

    def __init__(
        self,
        gateway: Gateway,
        office: Office,
        desk: ConsoleDesk,
        protocols: Mapping[str, Protocol],
        bounds: ConsoleBounds | None = None,
    ) -> None:
        self.bounds = bounds or ConsoleBounds()
        self._gateway = gateway
        self._office = office
        self._desk = desk
        self._protocols = protocols
        self._there: dict[str, Console] = {}
        self._opening: Counter[str] = Counter()
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        office.listeners.append(self.listen)

    async def close(self) -> None:
        """Close what is left, and have it on record."""
        for console in list(self._there.values()):
            console.end("shutting down", "Daypass is shutting down", "open the console again in a moment")
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._telling:
            await asyncio.wait(self._telling, timeout=TOLD_SECONDS[2])

    def listen(self, event: Event) -> None:
        """An `office` listener."""
        if event.type in ENDS_STANDING:
            self._look.set()

    # -- opening ----------------------------------------------------------------------------------------------------

    async def open(self, opener: Opener, target: str, role: str) -> Console:
        """Connect and sign in, as any client does. Raises what the gateway says no with, `TooMany` beyond a limit."""
        self._check_room(opener)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch(), name="consoles")
        self._opening[opener.person.id] += 1
        try:
            issued = await self._desk.issue(opener, target)
            protocol = self._protocols[self._office.targets[target].protocol]
            talk = protocol.console(
                person=opener.person.email,
                target=target,
                role=role,
                token=issued.secret,
                entropy=self._office.entropy(NONCE_BYTES),
            )
            if talk is None:
                self._over_before_it_began(opener, issued.token.id)
                raise Invalid(f"there is no console for {protocol.title}", hint=f"daypass connect {target}")
            console = Console(
                self._office.new_id(),
                opener,
                target,
                role,
                talk,
                self.bounds,
                derive=self._gateway.works.deriver.derive,
                interrupt=lambda data: self._interrupt(protocol.name, opener, data),
                stands=self._desk.stands,
                on_over=self._over,
            )
            console.token = issued.token.id
            await self._enter(console, protocol.name)
        finally:
            self._opening[opener.person.id] -= 1
            self._opening += Counter()
        return console

    def _check_room(self, opener: Opener) -> None:
        live = [one for one in self._there.values() if one.over is None]
        theirs = sum(one.opener.person.id == opener.person.id for one in live) + self._opening[opener.person.id]
        if theirs >= self.bounds.consoles_max:
            most = self.bounds.consoles_max
            raise TooMany(f"you have {most} consoles open already", hint="close one first", wait_ms=1000)
        if len(live) + self._opening.total() >= self.bounds.consoles_here_max:
            raise Unavailable("too many consoles are open here", hint="connect with a client: daypass connect")

    async def _enter(self, console: Console, protocol: str) -> None:
        try:
            try:
                await self._gateway.join(protocol, peer(console.opener), lambda: cast(asyncio.Protocol, console))
            except OSError as problem:
                raise Unavailable("the gateway takes no connection now", hint="try again") from problem
            await console.entered()
            console.session = await self._desk.opened(console.opener, console.token, console.id)
        except BaseException:
            console.end("broken", "it was not opened")
            raise
        console.touched = console.left_at = monotonic()
        self._there[console.id] = console

    def _over_before_it_began(self, opener: Opener, token: str) -> None:
        self._apart(self._desk.closed(opener, token, "", None, "broken"))

    async def _interrupt(self, protocol: str, opener: Opener, data: bytes) -> None:
        """Say this on a connection of its own, and wait for its end: then it has happened."""
        once = _Once(data)
        await self._gateway.join(protocol, peer(opener), lambda: once)
        await once.over

    # -- finding ----------------------------------------------------------------------------------------------------

    def list(self, opener: Opener) -> list[Console]:
        """Those that were opened with this visit or token, the newest first."""
        return [one for one in reversed(self._there.values()) if one.opener.key == opener.key]

    def find(self, opener: Opener, id: str) -> Console:
        """One of those. Raises `NotFound`."""
        console = self._there.get(id)
        if console is None or console.opener.key != opener.key:
            raise NotFound(f"there is no console {id} here", hint="open one: POST /api/v1/consoles")
        return console

    # -- ending -----------------------------------------------------------------------------------------------------

    def _over(self, console: Console) -> None:
        assert console.over is not None
        because, opener = console.over.because, console.opener

        async def tell() -> None:
            for pause in (*TOLD_SECONDS, None):
                try:
                    # Who signs out loses the console's token too: the gateway may have seen that before us.
                    known = "signed out" if because == "ended" and not await self._desk.stands(opener) else because
                    await self._desk.closed(opener, console.token, console.id, console.session, known)
                    return
                except DaypassError as problem:
                    log.warning("end of a console not told", console=console.id, why=problem.message)
                if pause is not None:
                    await asyncio.sleep(pause)

        self._apart(tell())

    def _apart(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _watch(self) -> None:
        while True:
            self._look.clear()
            try:
                async with asyncio.timeout(self.bounds.standing_seconds):
                    await self._look.wait()
            except TimeoutError:
                pass
            for console in list(self._there.values()):
                try:
                    await self._look_at(console)
                except Exception as problem:  # noqa: BLE001  whoever cannot be looked at is not there for long
                    log.error("a console could not be looked at", console=console.id, fault=fault_of(problem))
                    console.end("broken", "internal error", "it is in the log of the gateway")

    async def _look_at(self, console: Console) -> None:
        """Close it, if it should not be there. What cannot be known, as the store does not answer, is asked again; what
        the gateway may still carry then is the lease's business."""
        now, bounds = monotonic(), self.bounds
        if console.over is not None:
            if now - console.over_at > bounds.kept_seconds:
                del self._there[console.id]
            return
        if not console.running and now - console.touched > bounds.idle_seconds:
            console.end("idle", f"nothing was asked for {bounds.idle_seconds:g} s", "open the console again")
        elif console.was_followed and not console.followers and now - console.left_at > bounds.away_seconds:
            console.end("page closed", "the page that followed this console is gone", "open the console again")
        else:
            try:
                standing = await self._desk.stands(console.opener)
            except DaypassError:
                return
            if not standing:
                console.end("signed out", SIGNED_OUT, "sign in again")


def peer(opener: Opener) -> str:
    """Where a console's session comes from, for the record: its person's browser."""
    return f"{opener.client} (console)"


class _Once(asyncio.Protocol):
    """Says one thing; the gateway closes."""

    def __init__(self, data: bytes) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._data = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)
