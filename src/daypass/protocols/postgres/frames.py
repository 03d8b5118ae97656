"""Where messages begin and end. The only loop over bulk data: it looks at headers, counts, and decodes nothing.

Every message after start-up is a kind (one byte), a length (u32, counting itself, not the kind) and a body. This is an
ordinary typed module over `bytes`, so that mypyc can compile it; it works the same when it is not compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

HEADER: Final = 5
"""Bytes of kind and length."""


class Malformed(Exception):
    """Bytes that are no message of this protocol. The text says what is wrong, without the bytes."""


class TooLarge(Exception):
    """A message that has to be decoded is over the limit. `missing`: bytes of it that have not come yet."""

    def __init__(self, missing: int = 0) -> None:
        super().__init__(missing)
        self.missing = missing


def size_at(data: bytes, pos: int) -> int:
    """Whole size of the message at `pos`, of which the header must be there. Raises `Malformed`."""
    at: i64 = pos
    length: i64 = data[at + 1] << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4]
    if length < 4 or length > 0x7FFFFFFF:
        raise Malformed("a message with an impossible length")
    return length + 1


def within(pos: int, end: int) -> None:
    """Raise `Malformed` for a message whose fields go on beyond its end."""
    if pos > end:
        raise Malformed("a message ends too early")


def skip(data: bytes, pos: int, kind: int) -> tuple[int, int]:
    """Pass over complete messages of one kind. Return where they end and how many there were.

    In machine integers, as it runs once for each row: compiled, it walks 50 times as many bytes a second.
    """
    count: i64 = 0
    at: i64 = pos
    wanted: i64 = kind
    size: i64 = len(data)
    while at + HEADER <= size and data[at] == wanted:
        length: i64 = data[at + 1] << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4]
        if length < 4 or length > 0x7FFFFFFF:
            raise Malformed("a message with an impossible length")
        following: i64 = at + length + 1
        if following > size:
            break
        at = following
        count += 1
    return at, count


def bodies(data: bytes, pos: int, end: int) -> list[bytes]:
    """Bodies of the complete messages between `pos` and `end`."""
    found: list[bytes] = []
    while pos < end:
        following = pos + size_at(data, pos)
        found.append(data[pos + HEADER : following])
        pos = following
    return found


def whole(data: bytes) -> bytes:
    """The complete messages that `data` begins with; all of it if one of them has an impossible length."""
    pos = 0
    try:
        while len(data) - pos >= HEADER and (following := pos + size_at(data, pos)) <= len(data):
            pos = following
    except Malformed:
        return data
    return data[:pos]


class Tail:
    """The beginning of a message whose end has not come yet. Joins once, however many pieces it comes in."""

    __slots__ = ("_need", "_parts", "have")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._need = 0
        self.have = 0

    def keep(self, rest: bytes) -> None:
        """Keep a rest that `ready` is to put before what comes next."""
        self._parts = [rest]
        self.have = len(rest)
        self._need = size_at(rest, 0) if self.have >= HEADER else HEADER

    def ready(self, data: bytes) -> bytes | None:
        """What was kept and `data` in one piece, or None as long as the message is incomplete."""
        self._parts.append(data)
        self.have += len(data)
        if self.have < self._need:
            return None
        whole = b"".join(self._parts)
        self._parts = []
        self.have = 0
        return whole
