"""A session that is in: both halves, and every way in which it ends.

However it ends, nothing more is forwarded, every submitted statement is completed in the record, and the client is
told why if that can be said between two messages: the rest of one that has begun still goes to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from daypass.domain.grant import EndReason
from daypass.domain.statement import Completed
from daypass.protocols.interface import CLIENT, TARGET, Cancel, Close, Ending, Limits, Record, Send, Side
from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.frames import Malformed, TooLarge
from daypass.protocols.postgres.headings import Headings
from daypass.protocols.postgres.replies import Replies
from daypass.protocols.postgres.requests import Requests
from daypass.protocols.postgres.scope_guard import ScopeGuard
from daypass.protocols.postgres.statements import Names, Overfull
from daypass.protocols.postgres.talk import Talk

REST_BYTES_MAX: Final = 1024 * 1024
"""How much of a message that has begun still goes to a client whose session ends: more takes too long to come."""


class Relay:
    """Takes bytes of both sides, gives effects. `parameters` are the target's settings as it has told them."""

    __slots__ = (
        "_at",
        "_hushed",
        "_limits",
        "_listening",
        "_notices",
        "_replies",
        "_requests",
        "_rest",
        "_sign",
        "_talk",
        "_torn",
        "ended",
    )

    def __init__(
        self,
        limits: Limits,
        *,
        results: bool,
        parameters: Mapping[str, str],
        keeps: bool = False,
        guard: ScopeGuard | None = None,
    ) -> None:
        self._limits = limits
        names = Names(limits.message_bytes)
        self._talk = Talk(limits, names, Headings(), results=results, keeps=keeps, guard=guard)
        for name, value in parameters.items():
            self._talk.told(name, value)
        self._requests = Requests(self._talk)
        self._replies = Replies(self._talk)
        self._notices: list[bytes] = []
        self._at = 0.0
        self._hushed = False
        self._rest = 0  # what is still due to the client then, of the message that has begun
        self._torn = False
        self._listening = False  # the client will send no more, and waits
        version = parameters.get("server_version")
        self._sign = messages.parameter_status("server_version", version) if version else b""
        self.ended = False

    def wants(self, side: Side) -> bool:
        return not self.ended and (side is TARGET or self._requests.wants)

    def at_work(self) -> int:
        """See `Session.at_work`."""
        return min(self._talk.open, default=0) if self._talk.working else 0

    def owed(self) -> int:
        """See `Session.owed`."""
        return 0 if self._replies.farewell else self._talk.owed

    def hush(self) -> None:
        """See `Session.hush`."""
        if not self._hushed:
            rest = self._replies.rest
            self._hushed, self._torn = True, rest > REST_BYTES_MAX
            self._rest = 0 if self._torn else rest

    @property
    def _between(self) -> bool:
        """Whether what the client has got ends with a whole message."""
        return not (self._torn or self._rest) if self._hushed else self._replies.between

    def received(self, side: Side, data: bytes, at: float) -> list[Any]:
        """Forward what one side sent. Never raises on what it was."""
        out: list[Any] = []
        if self.ended:
            return out
        self._at = at
        try:
            if side is CLIENT:
                if not self._requests.left:
                    self._requests.take(data, at, out)
            else:
                self._answered(data, at, out)
                if self._notices and self._replies.between and not self._hushed:
                    out.append(Send(CLIENT, b"".join(self._notices)))
                    self._notices.clear()
        except Malformed as problem:
            who = "protocol violation" if side is CLIENT else "the target broke the protocol"
            self._stop(EndReason.PROTOCOL_ERROR, errors.PROTOCOL_VIOLATION, f"{who}: {problem}", "", out)
        except TooLarge as too_large:  # a name of its own: compiled, a name has one type
            text = f"a message is longer than the limit of {self._limits.message_bytes} bytes"
            self._stop(EndReason.TOO_LARGE, errors.TOO_LARGE, text, "", out, missing=too_large.missing)
        except Overfull:
            text = "this session holds more prepared statements or portals than the limit allows"
            self._stop(EndReason.TOO_LARGE, errors.TOO_LARGE, text, "", out)
        return out if side is CLIENT or not self._hushed else self._last(data, out)

    def _last(self, data: bytes, out: list[Any]) -> list[Any]:
        """Of what the target says after forwarding is over: what came of statements, and the rest of the message that
        had begun."""
        last: list[Any] = [one for one in out if isinstance(one, Record) and isinstance(one.fact, Completed)]
        if self._rest:
            last.insert(0, Send(CLIENT, data[: self._rest]))
            self._rest -= min(self._rest, len(data))
        return last

    def _answered(self, data: bytes, at: float, out: list[Any]) -> None:
        """Take what the target sent. While something of the client's is held back, that is looked at again after each
        message: what it meets must not depend on how many of them came in one piece."""
        replies, requests = self._replies, self._requests
        while True:
            replies.singly = requests.held is not None and not self._hushed
            replies.take(data, at, out)
            if requests.held is not None and not self._hushed:
                requests.resume(at, out)
            if not replies.unread:
                return
            data, replies.unread = replies.unread, b""

    def warn(self, message: str) -> list[Any]:
        """Tell the client something, now or at the next boundary between messages."""
        notice = errors.notice("00000", message)
        if self._between:
            return [Send(CLIENT, notice)]
        self._notices.append(notice)
        return []

    def end(self, ending: Ending) -> list[Any]:
        """The session ends at our word. The work at the target is ended first, and waits for nothing."""
        out: list[Any] = []
        reason = EndReason(ending.reason)
        self._stop(reason, errors.ADMIN_SHUTDOWN, ending.message, ending.hint, out, always=True)
        return out

    def closed(self, side: Side) -> list[Any]:
        """A side is gone."""
        out: list[Any] = []
        if side is CLIENT:
            if self._requests.left and self._talk.working:
                return out  # it said Terminate behind its last statement, which may finish
            if self._may_listen():
                self._listening = True
                self._requests.forget_tail()
                return self.received(CLIENT, messages.TERMINATE, self._at)
            self._stop(EndReason.CLIENT_LEFT, "", "the client left", "", out)
        elif self._requests.left or self._replies.farewell:
            reason = EndReason.CLIENT_LEFT if self._requests.left else EndReason.TARGET_LEFT
            self._stop(reason, "", "the target closed the connection", "", out, cancel=False)
        else:
            text = "the target closed the connection unexpectedly"
            self._stop(EndReason.TARGET_LEFT, errors.CONNECTION_FAILURE, text, "", out, cancel=False)
        return out

    def _may_listen(self) -> bool:
        """Whether a client that will send no more may wait for answers, as one that has shut down its half of the
        connection does: it gets what it has asked for, as if it had said Terminate behind that."""
        requests, talk = self._requests, self._talk
        return (
            bool(self._sign)
            and (talk.working or requests.held is not None)
            and talk.copying is None
            and not requests.rest
        )

    def pulse(self) -> list[Any]:
        """See `Pulsed`. A setting of the target, told once more: clients expect these at any time."""
        return [Send(CLIENT, self._sign)] if self._listening and self._between else []

    def _stop(
        self,
        reason: EndReason,
        sqlstate: str,
        text: str,
        hint: str,
        out: list[Any],
        *,
        cancel: bool = True,
        always: bool = False,
        missing: int = 0,
    ) -> None:
        """End it. `sqlstate` empty: the client is told nothing. `always`: cancel whatever seems to be."""
        self.ended = True
        if always or (cancel and (self._talk.working or self._talk.open)):
            out.append(Cancel())
        if reason is not EndReason.RECORD_FAILED:
            self._talk.complete_all(self._at, sqlstate or errors.CONNECTION_FAILURE, text, out)
        if sqlstate and self._between:
            out.append(Send(CLIENT, errors.error(sqlstate, text, hint=hint)))
        out.append(Close(CLIENT, reason.value, text, missing))
        out.append(Close(TARGET, reason.value, text))
