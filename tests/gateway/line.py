"""A protocol of lines, just big enough to drive the gateway with: sign-in, TLS, statements, interrupts, an ender.

A client says `HELLO name token target`, is told `READY key`, and then sends statements, one a line, each answered by
`DONE ...` from the target. It implements `protocols.interface` as the real ones do: pure, values in and out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.domain.statement import UNKNOWN, Analysis, Completed, Submitted, Value
from daypass.domain.target import Target
from daypass.protocols.ending import (
    Answered,
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
    Admitted,
    Authorize,
    Cancel,
    Close,
    Closed,
    Connect,
    Connected,
    ConnectHelp,
    Effect,
    Ending,
    Event,
    Failed,
    Found,
    Interrupt,
    Interrupted,
    Limits,
    LookUp,
    Opened,
    Ready,
    Received,
    Record,
    Refused,
    Send,
    Session,
    Side,
    StartTls,
    TlsStarted,
    Warned,
)

CLIENT, TARGET = Side.CLIENT, Side.TARGET


class LineSession:
    def __init__(self, entropy: bytes) -> None:
        self.key = b""
        self.cancel = b""
        self._entropy = entropy
        self._lines = {CLIENT: b"", TARGET: b""}
        self._hello: list[str] = []
        self._opened: Opened | None = None
        self._n = 0
        self._running: list[int] = []
        self._hushed = False

    def wants(self, side: Side) -> bool:
        return len(self._running) < 1000 or side is TARGET

    def at_work(self) -> int:
        return self._running[0] if self._running else 0

    def owed(self) -> int:
        return len(self._running)

    def hush(self) -> None:
        self._hushed = True

    def handle(self, event: Event) -> Sequence[Effect]:
        match event:
            case Received(side, data, _):
                *lines, self._lines[side] = (self._lines[side] + data).split(b"\n")
                effects: list[Effect] = []
                for line in lines:
                    effects += self._client(line) if side is CLIENT else self._target(line)
                return effects
            case Found(sign_in):
                good = [v.token_id for v in sign_in.verifiers if v.token_id == self._hello[1]]
                return [Authorize(good[0], self._hello[2], None)] if good else self._bye("unauthenticated", "no")
            case Opened():
                self._opened = event
                return [Connect()]
            case Connected():
                return self._login()
            case TlsStarted(side=side, binding=binding):
                if side is TARGET:
                    return [Send(TARGET, b"LOGIN\n")]
                return [Send(CLIENT, b"SECURE %s\n" % (binding or b"").hex().encode())]
            case Interrupted():
                return [Close(CLIENT, "client left")]
            case Admitted():
                self.key = self._entropy[:8]
                return [Send(CLIENT, b"READY %s\n" % self.key.hex().encode())]
            case Warned(message):
                return [Send(CLIENT, f"NOTE {message}\n".encode())]
            case Refused(code, message, hint):
                return self._bye(code, f"{message}: {hint}")
            case Failed(_, why):
                return self._bye("target left", why)
            case Closed(side):
                reason = "client left" if side is CLIENT else "target left"
                work: list[Effect] = [Cancel()] if side is CLIENT and self._running else []
                return [*work, *self._bye(reason, "")]
            case Ending(reason, message, hint):
                facts: list[Effect] = [Record(Completed(n, (), 0, 0, 0, error="cut")) for n in self._running]
                return [*facts, *self._bye(reason, f"{message}: {hint}")]
        return []

    def _login(self) -> Sequence[Effect]:
        assert self._opened is not None
        if self._opened.target.tls == "disable":
            return [Send(TARGET, b"LOGIN\n")]
        return [Send(TARGET, b"TLS\n")]

    def _client(self, line: bytes) -> Sequence[Effect]:
        words = line.decode().split(" ")
        match words:
            case ["HELLO", *rest]:
                self._hello = ["", *rest[1:]]
                return [LookUp(rest[0])]
            case ["TLS"]:
                return [Send(CLIENT, b"YES\n"), StartTls(CLIENT)]
            case ["INTERRUPT", key]:
                return [Interrupt(bytes.fromhex(key))]
            case ["QUIT"]:
                return [Close(TARGET, "client left"), Close(CLIENT, "client left")]
            case ["CRASH"]:
                raise RuntimeError("a fault of ours")
        self._n += 1
        self._running.append(self._n)
        return [Record(Submitted(self._n, "query", line)), Send(TARGET, line + b"\n")]

    def _target(self, line: bytes) -> Sequence[Effect]:
        if line == b"YES" and self._opened is not None:
            return [StartTls(TARGET, verify=self._opened.target.tls == "verify-full")]
        if line.startswith(b"WELCOME "):
            return [Ready({"pid": line[8:].decode()})]
        effects: list[Effect] = [] if self._hushed else [Send(CLIENT, line + b"\n")]
        if line.startswith(b"DONE") and self._running:
            effects.append(Record(Completed(self._running.pop(0), (line.decode(),), 1, len(line), 1)))
        return effects

    def _bye(self, reason: str, note: str) -> Sequence[Effect]:
        said = Send(CLIENT, f"BYE {reason}: {note}\n".encode())
        return [said, Close(CLIENT, reason, note), Close(TARGET, reason, note)]


class LineEnder:
    def __init__(self) -> None:
        self._line = b""

    def handle(self, event: EnderEvent) -> Sequence[EnderEffect]:
        match event:
            case Enter():
                return [Connect()]
            case Connected():
                return [Send(TARGET, b"ENDER\n")]
            case Failed(_, why):
                return [Lost(why)]
            case Closed():
                return [Lost("closed")]
            case Halt(marks):
                return [Send(TARGET, self._order("HALT", marks))]
            case Stop(marks):
                return [Send(TARGET, self._order("STOP", marks))]
            case Look(marks):
                return [Send(TARGET, self._order("LOOK", marks))]
            case Poke(mark):
                return [Send(TARGET, self._order("POKE", (mark,)))]
            case Received(_, data, _):
                *lines, self._line = (self._line + data).split(b"\n")
                return [self._answer(line.decode().split(" ")) for line in lines]
        return []

    def _order(self, word: str, marks: tuple[Mapping[str, str], ...]) -> bytes:
        return " ".join([word, *(mark["pid"] for mark in marks)]).encode() + b"\n"

    def _answer(self, words: list[str]) -> EnderEffect:
        match words:
            case ["ENDER-OK"]:
                return Entered()
            case [_, *states]:
                return Answered(tuple({"alive": state.split("/")[0], "was": state.split("/")[1]} for state in states))
        return Lost("not understood")


@dataclass(frozen=True)
class LineProtocol:
    """Implements `protocols.interface.Protocol`."""

    name: str = "line"
    title: str = "Lines"
    port: int = 0
    target_port: int = 0
    event: str = "statement"

    def session(self, *, entropy: bytes, tls: bool, plain: bool, limits: Limits) -> Session:
        return LineSession(entropy)

    def ender(self) -> Ender:
        return LineEnder()

    def check(self, target: Target) -> None:
        pass

    def analyse(self, text: str) -> Analysis:
        return UNKNOWN

    def values(self, packed: bytes) -> tuple[Value, ...]:
        return ()

    def rows(self, packed: bytes) -> tuple[tuple[str | None, ...], ...]:
        return ()

    def connect(
        self, *, host: str, port: int, person: str, target: str, role: str | None, token: str, ca: str | None
    ) -> ConnectHelp:
        return ConnectHelp((), {}, "", "")
