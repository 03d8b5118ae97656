"""One console: a client in this process that is connected to this gateway, for somebody with a browser and no client.

What it is told goes on as plain values (`docs/api.md`): nothing is kept of a result once it was handed on. It reads no
faster than it is read, and one statement after the other; whoever looks away in the middle has it stopped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import cast

import structlog

from daypass.domain.durations import duration_text
from daypass.domain.errors import Conflict, DaypassError, Invalid, Refused, Unavailable
from daypass.domain.session import Session
from daypass.gateway.console_results import ConsoleBounds, Line, Result, limit, told
from daypass.protocols.console import (
    Broken,
    Cells,
    Put,
    Remark,
    Said,
    SignedIn,
    Transaction,
    Waiting,
)
from daypass.protocols.console import Console as Talk
from daypass.protocols.interface import Derive
from daypass.services.consoles import Because, Opener

log = structlog.get_logger(__name__)

SIGNED_OUT = "you are no longer signed in with what opened this console"

FOLLOWER_LINES_MAX = 100
"""Remarks that wait for one page; it misses further ones rather than hold anything up."""

REFUSALS: dict[str, type[DaypassError]] = {"refused": Refused, "unauthenticated": Refused}
"""What the gateway's words are here. Its `unauthenticated` is about the console's own token, not about the caller."""

Interrupting = Callable[[bytes], Awaitable[None]]
Deriving = Callable[[str, bytes, int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Over:
    """Why a console is over, and what to do."""

    because: Because
    message: str
    hint: str = ""


class Console:
    """Connected first, then `entered`. `on_over` is called once, whatever ended it."""

    def __init__(
        self,
        id: str,
        opener: Opener,
        target: str,
        role: str,
        talk: Talk,
        bounds: ConsoleBounds,
        *,
        derive: Deriving,
        interrupt: Interrupting,
        stands: Callable[[Opener], Awaitable[bool]],
        on_over: Callable[[Console], None],
    ) -> None:
        self.id, self.opener, self.target, self.role, self.talk = id, opener, target, role, talk
        self.token = ""
        self.session: Session | None = None
        self.over: Over | None = None
        self.running = False
        self.transaction: Transaction = "idle"
        self.touched = self.left_at = self.over_at = monotonic()
        self.followers: set[asyncio.Queue[Line]] = set()
        self.was_followed = False
        self._bounds = bounds
        self._derive, self._interrupt, self._stands, self._on_over = derive, interrupt, stands, on_over
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Said] = deque()
        self._held = 0
        self._wake = asyncio.Event()
        self._entering = True
        self._tasks: set[asyncio.Task[None]] = set()

    # -- what the connection tells (asyncio.Protocol) -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self.talk.hello())

    def data_received(self, data: bytes) -> None:
        try:
            for said in self.talk.feed(data):
                self._take(said)
        except Broken as problem:
            log.error("a console does not understand its gateway", console=self.id, why=str(problem))
            self.end("broken", "the connection to the gateway broke", "open the console again")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.end("ended", "the gateway closed the session", "open the console again")

    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...

    def _take(self, said: Said) -> None:
        match said:
            case Put(data):
                self._send(data)
            case Derive(password, salt, iterations):
                self._apart(self._prove(password, salt, iterations))
            case Remark(fatal=False) if not (self.running or self._entering):
                self._tell({"kind": "notice", **told(said)})
            case _:
                if isinstance(said, Waiting):
                    self.transaction = said.transaction
                self._waiting.append(said)
                self._hold(said.size if isinstance(said, Cells) else 0)
                self._wake.set()
                if isinstance(said, Remark) and said.fatal:
                    self.end("ended", said.message, said.hint)

    def _hold(self, size: int) -> None:
        self._held += size
        if self._transport is not None and not self._transport.is_closing():
            if size > 0 and self._held > self._bounds.waiting_bytes:
                self._transport.pause_reading()
            elif size < 0 and self._held <= self._bounds.waiting_bytes:
                self._transport.resume_reading()

    async def _prove(self, password: str, salt: bytes, iterations: int) -> None:
        self._send(self.talk.derived(await self._derive(password, salt, iterations)))

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _apart(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _next(self, seconds: float) -> Said | None:
        """The next thing that is said; None: the connection is gone. Raises `TimeoutError`."""
        async with asyncio.timeout(seconds):
            while not self._waiting:
                if self._transport is None:
                    return None
                self._wake.clear()
                await self._wake.wait()
        said = self._waiting.popleft()
        if isinstance(said, Cells):
            self._hold(-said.size)
        return said

    # -- opening and ending -----------------------------------------------------------------------------------------

    async def entered(self) -> None:
        """Wait until the gateway let it in. Raises what it said no with."""
        try:
            while (said := await self._next(self._bounds.opening_seconds)) is not None:
                if isinstance(said, Waiting):
                    self._entering = False
                    return
                if isinstance(said, Remark) and said.fatal:
                    raise REFUSALS.get(said.word, Unavailable)(said.message, hint=said.hint)
                assert isinstance(said, SignedIn | Remark), said
        except TimeoutError:
            pass
        raise Unavailable("the gateway did not let the console in", hint="try again")

    def end(self, because: Because, message: str, hint: str = "") -> None:
        """It is over; the first reason stands. The session ends as one does whose client leaves."""
        if self.over is not None:
            return
        self.over, self.over_at = Over(because, message, hint), monotonic()
        if self._transport is not None:
            if self.running:
                # Without a word: who says goodbye behind a statement has it finished first.
                self._transport.abort()
            else:
                self._transport.write(self.talk.leave())
                self._transport.close()
        self._transport = None
        self._wake.set()
        self._tell(self.farewell())
        self._on_over(self)

    def farewell(self) -> Line:
        """The last thing that is told."""
        assert self.over is not None
        return {"kind": "over", "because": self.over.because, "message": self.over.message, "hint": self.over.hint}

    # -- running ----------------------------------------------------------------------------------------------------

    async def run(self, text: str, rows_max: int) -> AsyncGenerator[Line, None]:
        """Run the statements of a text one after the other, up to the first that fails. Raises `Conflict` while
        another one runs, `Invalid` where there is none."""
        pieces = self._check(text)
        self.running, self.touched = True, monotonic()
        whole = False
        try:
            for n, (start, end) in enumerate(pieces, 1):
                try:
                    self._check_standing(await self._stands(self.opener))
                except DaypassError as problem:  # not known is no: nothing more of the text is run
                    yield {**limit(problem.message, problem.hint), "kind": "error", "position": None}
                    break
                yield {"kind": "statement", "n": n, "of": len(pieces), "start": start, "end": end}
                failed = False
                async with aclosing(self._one(text[start:end], start, rows_max)) as lines:
                    async for line in lines:
                        failed = failed or line["kind"] == "error"
                        yield line
                if failed or self.over is not None:
                    break
            whole = True
            yield {"kind": "ready", "transaction": self.transaction} if self.over is None else self.farewell()
        finally:
            self.touched = monotonic()
            if whole or self.over is not None:
                self.running = False
            else:
                self._apart(self._abandon())

    def _check_standing(self, stands: bool) -> None:
        """Raise `Refused`, and close it, if whoever opened it does not stand any more."""
        if not stands:
            self.end("signed out", SIGNED_OUT, "sign in again")
            raise Refused(SIGNED_OUT, hint="sign in again")

    def _check(self, text: str) -> list[tuple[int, int]]:
        if self.over is not None:
            raise Conflict(f"this console is over: {self.over.message}", hint=self.over.hint)
        if self.running:
            raise Conflict("a statement is running in this console", hint="cancel it, or wait for it")
        pieces = self.talk.pieces(text)
        if not pieces:
            raise Invalid("there is no statement in this text")
        return pieces

    async def _one(self, statement: str, start: int, rows_max: int) -> AsyncGenerator[Line, None]:
        self._send(self.talk.ask(statement))
        began, until = monotonic(), monotonic() + self._bounds.statement_seconds
        result = Result(min(rows_max, self._bounds.rows_max), self._bounds)
        stopped = False
        while True:
            try:
                said = await self._next(max(0.0, until - monotonic()))
            except TimeoutError:
                if stopped:
                    self.end("time limit", "the statement did not stop in time", "open the console again")
                    return
                stopped, until = True, monotonic() + self._bounds.stopping_seconds
                self._apart(self._stop())
                longest = duration_text(round(self._bounds.statement_seconds * 1000))
                yield limit(f"stopped: a statement runs for {longest} at most in a console")
                continue
            if said is None or isinstance(said, Waiting):
                return
            for line in result.lines(said, start, began):
                yield line
            if result.endless and not stopped:
                stopped, until = True, monotonic() + self._bounds.stopping_seconds
                self._apart(self._stop())
                yield limit("stopped: the result has no end in sight; a LIMIT, or a cursor, gives a part of it")

    async def cancel(self) -> bool:
        """Stop the running statement, as Ctrl-C does. Returns whether one was running."""
        if not self.running or self.over is not None:
            return False
        await self._stop()
        return True

    async def _stop(self) -> None:
        try:
            await self._interrupt(self.talk.interrupt())
        except OSError as problem:
            log.warning("a statement of a console could not be stopped", console=self.id, why=str(problem))

    async def _abandon(self) -> None:
        """Whoever asked is gone in the middle of it: stop it, and pass over what still comes."""
        try:
            await self._stop()
            while (said := await self._next(self._bounds.stopping_seconds)) is not None:
                if isinstance(said, Waiting):
                    return
        except TimeoutError:
            self.end("time limit", "the statement did not stop in time", "open the console again")
        finally:
            self.running = False

    # -- following --------------------------------------------------------------------------------------------------

    def _tell(self, line: Line) -> None:
        for follower in self.followers:
            if not follower.full():
                follower.put_nowait(line)

    async def follow(self, beat_seconds: float) -> AsyncGenerator[Line, None]:
        """What is told besides results, until it is over; an empty line as often as `beat_seconds`."""
        mine: asyncio.Queue[Line] = asyncio.Queue(FOLLOWER_LINES_MAX)
        self.followers.add(mine)
        self.was_followed = True
        try:
            while self.over is None or not mine.empty():
                try:
                    async with asyncio.timeout(beat_seconds):
                        line = await mine.get()
                except TimeoutError:
                    line = {}
                yield line
                if line.get("kind") == "over":
                    return
            yield self.farewell()
        finally:
            self.followers.discard(mine)
            self.left_at = monotonic()
