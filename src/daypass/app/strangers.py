"""HTTP connections that we wait for: how many, for how long, and how much they may send.

uvicorn waits for a request for ever, takes headers of any length, and keeps an answer for ever that nobody takes. Here
a request's headers have to be there in time and within bounds, its body as well, and of an answer something has to be
taken now and then. Of connections that have no request under way, or do not take its answer, only so many stay: where
one more comes, the oldest of the address that has most of them goes. Who floods us crowds out themselves.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, OrderedDict
from typing import Any

from httptools import HttpParserCallbackError, HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from daypass.api.guarding import HEADERS
from daypass.api.problems import problem

HEADER_SECONDS = 10.0
"""From the first byte of a request (or the connection) to the end of its headers."""
BODY_SECONDS = 30.0
"""From there to the end of its body, which has a megabyte: a slow telephone line takes that long."""
TAKE_SECONDS = 30.0
"""In it some part of an answer that waits has to be taken; how slowly all of it is taken does not matter."""
LOOKS = 3
"""How often in that time we look, so that a moment in which we ourselves were stopped does not count for all of it."""
HEADER_BYTES_MAX = 64 * 1024
"""All headers of a request; browsers send a few kilobytes."""
WAITING_MAX = 500
"""Connections that we wait for: half of all that there may be."""


class Waiting:
    """The connections that we wait for, the oldest first. Those let go of are gone with the loop's turn."""

    def __init__(self, most: int = WAITING_MAX) -> None:
        self._most = most
        self._there: OrderedDict[Bounded, str] = OrderedDict()

    def enter(self, one: Bounded, address: str) -> None:
        """One more waits; another goes if there are too many."""
        self._there.pop(one, None)
        if len(self._there) >= self._most:
            crowd, _ = Counter(self._there.values()).most_common(1)[0]
            oldest = next(other for other, where in self._there.items() if where == crowd)
            self.leave(oldest)
            oldest.transport.abort()
        self._there[one] = address

    def leave(self, one: Bounded) -> None:
        """It waits no longer."""
        self._there.pop(one, None)

    def __len__(self) -> int:
        return len(self._there)


class Bounded(HttpToolsProtocol):
    """One HTTP connection, within the bounds above. `waiting` and `take_seconds` are the server's; see `bounded`."""

    waiting: Waiting
    take_seconds: float

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._taken = 0
        self._in_headers = True

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that we hear of whatever is not taken at once
        self.waiting.enter(self, self._address())
        self._arm(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)
        self._all_taken()
        self.waiting.leave(self)

    def data_received(self, data: bytes) -> None:
        self._taken += len(data)
        super().data_received(data)
        if self._in_headers and self._taken > HEADER_BYTES_MAX:
            self._disarm()
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told as every other error is, and then the connection is closed."""
        found = sys.exception()
        parsed = isinstance(found, HttpParserError) and not isinstance(found, HttpParserCallbackError)
        why = str(found) if parsed else "its address cannot be read, or is too long"
        answer = problem(400, "malformed", f"this is no HTTP request that we take: {why}")
        lines = [b"HTTP/1.1 400 Bad Request", *(b": ".join(one) for one in (*answer.raw_headers, *HEADERS))]
        self.transport.write(b"\r\n".join([*lines, b"connection: close", b"", bytes(answer.body)]))
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers = True
        self._arm(HEADER_SECONDS)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self.waiting.leave(self)
        self._arm(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._disarm()
        self._taken = 0

    def on_response_complete(self) -> None:
        goes_on = bool(self.pipeline)
        super().on_response_complete()
        if not goes_on:
            self.waiting.enter(self, self._address())

    def pause_writing(self) -> None:
        super().pause_writing()
        self.waiting.enter(self, self._address())
        self._wait_for_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._all_taken()
        if self.cycle is not None and not self.cycle.response_complete:
            self.waiting.leave(self)

    def _wait_for_taking(self, looks: int = LOOKS) -> None:
        left = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(self.take_seconds / LOOKS, self._look, left, looks - 1)

    def _look(self, before: int, looks: int) -> None:
        """While an answer waits nothing is added to it: if as much of it is left as before, nothing was taken."""
        if self.transport.get_write_buffer_size() < before:
            self._wait_for_taking()
        elif looks:
            self._wait_for_taking(looks)
        else:
            self.transport.abort()

    def _all_taken(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bounded(waiting: Waiting, take_seconds: float = TAKE_SECONDS) -> type[Bounded]:
    """The protocol class of one server."""
    return type("BoundedHttp", (Bounded,), {"waiting": waiting, "take_seconds": take_seconds})
