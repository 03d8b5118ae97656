"""Linear parts (start-up, sign-in, the ender) as straight-line generators over bounded buffers.

A script appends effects to its stage and yields whenever it needs more; the stage resumes it with the next event. The
stage knows framing and answers, and nothing of what they mean.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from daypass.domain.grant import EndReason
from daypass.protocols.interface import Closed, Failed, Received, Refused, Send, Side
from daypass.protocols.postgres import errors
from daypass.protocols.postgres.errors import Rejected
from daypass.protocols.postgres.frames import HEADER, Malformed, size_at

T = TypeVar("T")
Script = Generator[None, None, T]

PACKET_BYTES_MAX = 10_000
"""Longest start-up packet, as in PostgreSQL (MAX_STARTUP_PACKET_LENGTH): nobody has signed in yet."""
SIGN_IN_MESSAGE_BYTES_MAX = 65_535
"""Longest message while signing in, as in PostgreSQL (PG_MAX_AUTH_TOKEN_LENGTH)."""
AHEAD_BYTES_MAX = 64 * 1024
"""What a peer may send ahead while it waits for us; beyond, it is not read."""


class Stage:
    """What a script acts on: bytes and answers in, effects out."""

    def __init__(self) -> None:
        self.out: list[Any] = []
        self.inbox = {Side.CLIENT: bytearray(), Side.TARGET: bytearray()}
        self.answer: object = None
        self.closed: set[Side] = set()

    def take(self, event: object) -> None:
        """Take one event, for the script to find when it goes on."""
        match event:
            case Received(side, data):
                self.inbox[side] += data
            case Closed(side):
                self.closed.add(side)
            case _:
                self.answer = event

    def wants(self, side: Side) -> bool:
        return len(self.inbox[side]) < AHEAD_BYTES_MAX

    def say(self, side: Side, data: bytes) -> None:
        self.out.append(Send(side, data))

    def read(self, side: Side, count: int) -> Script[bytes]:
        """The next `count` bytes of one side. Raises `Rejected` when that side is gone before."""
        inbox = self.inbox[side]
        while len(inbox) < count:
            self._check_closed(side)
            yield
        taken = bytes(inbox[:count])
        del inbox[:count]
        return taken

    def packet(self) -> Script[bytes]:
        """A start-up packet of the client, without its length."""
        length = int.from_bytes((yield from self.read(Side.CLIENT, 4)), "big")
        if not 8 <= length <= PACKET_BYTES_MAX:
            raise Malformed("invalid length of startup packet")
        return (yield from self.read(Side.CLIENT, length - 4))

    def message(self, side: Side) -> Script[tuple[int, bytes]]:
        """A message while signing in: kind and body."""
        header = yield from self.read(side, HEADER)
        size = size_at(header, 0)
        if size > SIGN_IN_MESSAGE_BYTES_MAX:
            raise Malformed("a message that is too long while signing in")
        return header[0], (yield from self.read(side, size - HEADER))

    def wait(self, kind: type[T]) -> Script[T]:
        """The answer to what was just asked. Raises `Rejected` for a no, a failure, or a side that left."""
        while True:
            answer, self.answer = self.answer, None
            if isinstance(answer, kind):
                return answer
            if isinstance(answer, Refused):
                code = errors.REFUSALS.get(answer.code, errors.INVALID_AUTHORIZATION)
                raise Rejected(code, answer.message, hint=answer.hint)
            if isinstance(answer, Failed):
                raise Rejected(
                    errors.CONNECTION_FAILURE,
                    f"the {'target' if answer.side is Side.TARGET else 'TLS handshake'} failed: {answer.why}",
                    reason=EndReason.TARGET_LEFT if answer.side is Side.TARGET else EndReason.PROTOCOL_ERROR,
                    silent=answer.side is Side.CLIENT,
                )
            self._check_closed()
            yield

    def _check_closed(self, reading: Side | None = None) -> None:
        """Raise `Rejected` if a side is gone. A client that only sends no more, and has sent something ahead, waits for
        what comes of that."""
        if Side.CLIENT in self.closed and (reading is Side.CLIENT or not self.inbox[Side.CLIENT]):
            raise gone(Side.CLIENT)
        if Side.TARGET in self.closed:
            raise gone(Side.TARGET)


def gone(side: Side) -> Rejected:
    """The rejection that stands for a side which left in the middle of signing in."""
    if side is Side.CLIENT:
        return Rejected(
            errors.CONNECTION_FAILURE, "the client left while signing in", reason=EndReason.CLIENT_LEFT, silent=True
        )
    return Rejected(
        errors.CONNECTION_FAILURE, "the target closed the connection while signing in", reason=EndReason.TARGET_LEFT
    )
