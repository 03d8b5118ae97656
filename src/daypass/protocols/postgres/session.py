"""A client's connection from its first byte to its last: start-up as a script, then the relay."""

from __future__ import annotations

from typing import Any

from daypass.domain.grant import EndReason
from daypass.protocols.interface import (
    CLIENT,
    TARGET,
    Admitted,
    Close,
    Closed,
    Effect,
    Ending,
    Event,
    Limits,
    Pulsed,
    Ready,
    Received,
    Send,
    Side,
    Warned,
)
from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.errors import Rejected
from daypass.protocols.postgres.frames import Malformed
from daypass.protocols.postgres.relay import Relay
from daypass.protocols.postgres.scope_guard import ScopeGuard, check_welcome, settings
from daypass.protocols.postgres.script import Script, Stage
from daypass.protocols.postgres.startup import Cancelled, Entrance, Guest, greet
from daypass.protocols.postgres.upstream import Door, probe, settable, sign_in, vet

ALLOW_PREPARE_TRANSACTION = "allow_prepare_transaction"
"""The target's option that lets a session prepare transactions, which outlive it until its grant ends."""


class PostgresSession:
    """See `protocols.interface.Session`."""

    def __init__(self, entrance: Entrance, limits: Limits) -> None:
        self.key = b""
        self.cancel = b""
        self._entrance = entrance
        self._limits = limits
        self._stage = Stage()
        self._dialled = False
        self._ended = False
        self._at = 0.0
        self._relay: Relay | None = None
        self._script = self._enter()

    def wants(self, side: Side) -> bool:
        if self._relay is not None:
            return self._relay.wants(side)
        return not self._ended and self._stage.wants(side)

    def at_work(self) -> int:
        return self._relay.at_work() if self._relay is not None else 0

    def owed(self) -> int:
        return self._relay.owed() if self._relay is not None else 0

    def hush(self) -> None:
        if self._relay is not None:
            self._relay.hush()

    def handle(self, event: Event) -> list[Effect]:
        relay = self._relay
        if relay is None:
            return self._starting(event)
        if relay.ended:
            return []
        if isinstance(event, Received):
            return relay.received(event.side, event.data, event.at)
        match event:
            case Ending():
                return relay.end(event)
            case Closed(side):
                return relay.closed(side)
            case Warned(message):
                return relay.warn(message)
            case Pulsed():
                return relay.pulse()
            case _:
                return []

    def _starting(self, event: Event) -> list[Effect]:
        if self._ended:
            return []
        if isinstance(event, Ending):
            stop = Rejected(errors.ADMIN_SHUTDOWN, event.message, hint=event.hint, reason=EndReason(event.reason))
            return self._leave(stop)
        if isinstance(event, Received):
            self._at = event.at
        self._stage.take(event)
        try:
            next(self._script)
        except StopIteration as done:
            return self._go_on(done.value)
        except Rejected as problem:
            return self._leave(problem)
        except Malformed as problem:
            text = f"protocol violation: {problem}"
            return self._leave(Rejected(errors.PROTOCOL_VIOLATION, text, reason=EndReason.PROTOCOL_ERROR))
        except Cancelled:
            return self._leave(Rejected("", "a cancel request", reason=EndReason.CLIENT_LEFT, silent=True))
        return self._taken()

    def _taken(self) -> list[Effect]:
        out, self._stage.out = self._stage.out, []
        return out

    def _leave(self, problem: Rejected) -> list[Effect]:
        """End a connection that is not in yet. Here every moment is between two messages."""
        self._ended = True
        self._script.close()
        out = self._taken()
        if not problem.silent:
            out.append(Send(CLIENT, errors.error(problem.sqlstate, problem.text, hint=problem.hint)))
        out.append(Close(CLIENT, problem.reason.value, problem.text))
        if self._dialled:
            out.append(Close(TARGET, problem.reason.value, problem.text))
        return out

    def _go_on(self, relay: Relay) -> list[Effect]:
        """The client is in. What it sent ahead is its first statements."""
        self._relay = relay
        out = self._taken()
        for side in (TARGET, CLIENT):
            ahead = bytes(self._stage.inbox[side])
            if ahead and not relay.ended:
                out += relay.received(side, ahead, self._at)
        if CLIENT in self._stage.closed and not relay.ended:
            out += relay.closed(CLIENT)
        self._stage.inbox.clear()
        return out

    def _enter(self) -> Script[Relay]:
        stage = self._stage
        guest = yield from greet(stage, self._entrance)
        opened = guest.opened
        self._dialled = True
        door = Door(
            opened.target, opened.role, opened.credential, opened.label, self._entrance.random("target nonce", 18)
        )
        scope = opened.scope
        asked = settings(scope, settable(guest.parameters)) if scope else guest.parameters
        welcome = yield from sign_in(stage, door, asked)
        if scope:
            check_welcome(scope, welcome.parameters)
        login = yield from probe(stage, opened.role)
        vet(login, opened.role)
        if welcome.key:
            self.cancel = messages.request(messages.CANCEL_REQUEST, welcome.key)
        stage.out.append(Ready(login.mark))
        yield from stage.wait(Admitted)
        self.key = self._key(guest, int(login.mark["pid"]))
        stage.say(CLIENT, self._admission(welcome.parameters))
        keeps = opened.target.options.get(ALLOW_PREPARE_TRANSACTION) is True
        results = opened.target.record == "results"
        guard = ScopeGuard(scope) if scope else None
        return Relay(self._limits, results=results, parameters=welcome.parameters, keeps=keeps, guard=guard)

    def _key(self, guest: Guest, pid: int) -> bytes:
        """Our own cancel key: 4 or (protocol 3.2) 32 bytes of secret, behind the process id of the backend. That is
        no secret, and clients compare it with pg_backend_pid() and with who sent a notification."""
        length = 32 if guest.version >= messages.PROTOCOL_3_2 else 4
        return pid.to_bytes(4, "big") + self._entrance.random("cancel key", length)

    def _admission(self, parameters: dict[str, str]) -> bytes:
        told: list[Any] = [messages.authentication(messages.AUTH_OK)]
        told += [messages.parameter_status(name, value) for name, value in parameters.items()]
        told += [messages.backend_key(self.key), messages.ready()]
        return b"".join(told)
