"""The binary form of a data-path fact, as the journal keeps it. Pure; knows nothing of files, entries or chains.

A payload is the session's UUID (16 bytes), the time in microseconds since 1970 (u64), a byte for the fact's kind, and
its fields, all little-endian: integers fixed, strings behind their u32 length, the longest field last and to the end.
Kinds are numbered for good: what a kind means never changes, a new meaning is a new number, as journals of an older
version are read after an upgrade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from struct import Struct, error
from typing import Final

from librt.strings import BytesWriter

from daypass.domain.errors import Invalid
from daypass.domain.statement import Completed, Fact, Prepared, Rows, StatementRefused, Submitted
from daypass.ledger.packing import put_u32, put_u64

PREPARED: Final = 1
SUBMITTED: Final = 2
COMPLETED: Final = 3
ROWS: Final = 4
REFUSED: Final = 5

PACKED_KEPT: Final = 1024
"""How many packed string lists (tags, column names) are kept: they repeat with every execution of a statement."""

VERIFIED: Final = 1
CUT: Final = 1

_HEAD: Final = Struct("<16sQB")
_PREPARED: Final = Struct("<16sQBI")
_SUBMITTED: Final = Struct("<16sQBIIBIIII")
_COMPLETED: Final = Struct("<16sQBIQQQQIIII")
_ROWS: Final = Struct("<16sQBIB")
_REFUSED: Final = Struct("<16sQBII")
_U32: Final = Struct("<I")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact with the session it belongs to and when it was recorded (microseconds since 1970)."""

    session: str
    t_us: int
    fact: Fact


def encode(session16: bytes, t_us: int, fact: Fact) -> bytes:
    """Return the payload for one fact of the session with this UUID (16 bytes)."""
    if isinstance(fact, Submitted):
        return _submitted(session16, t_us, fact)
    if isinstance(fact, Completed):
        return _completed(session16, t_us, fact)
    match fact:
        case Prepared(name, text):
            packed = _utf8(name)
            return _PREPARED.pack(session16, t_us, PREPARED, len(packed)) + packed + text
        case Rows(n, data, cut):
            return _ROWS.pack(session16, t_us, ROWS, n, CUT if cut else 0) + data
        case StatementRefused(n, text, reason):
            packed = _utf8(reason)
            return _REFUSED.pack(session16, t_us, REFUSED, n, len(packed)) + packed + text


def decode(payload: bytes) -> Recorded:
    """Return what `encode` was given. Raises `Invalid` for bytes that it cannot have made."""
    try:
        session16, t_us, kind = _HEAD.unpack_from(payload)
        return Recorded(_canonical(session16), t_us, _DECODERS[kind](payload))
    except (error, KeyError, UnicodeDecodeError, ValueError) as problem:
        raise Invalid(f"not a journal fact: {problem}") from problem


# -- encoding: the two facts of every execution first ---------------------------------------------------------------


def _submitted(session16: bytes, t_us: int, fact: Submitted) -> bytes:
    via, name, values, resolved = _utf8(fact.via), _utf8(fact.name), fact.values, fact.resolved
    out = _begun(session16, t_us, SUBMITTED, fact.n)
    put_u32(out, fact.same_as)
    out.append(VERIFIED if fact.verified else 0)
    put_u32(out, len(via))
    put_u32(out, len(name))
    put_u32(out, len(values))
    put_u32(out, len(resolved))
    out.write(via)
    out.write(name)
    out.write(values)
    out.write(resolved)
    out.write(fact.text)
    return out.getvalue()


def _completed(session16: bytes, t_us: int, fact: Completed) -> bytes:
    tags, columns, code = _strings(fact.tags), _strings(fact.columns), _utf8(fact.error)
    out = _begun(session16, t_us, COMPLETED, fact.n)
    put_u64(out, fact.rows)
    put_u64(out, fact.bytes)
    put_u64(out, fact.duration_us)
    put_u64(out, fact.copied_bytes)
    put_u32(out, len(tags))
    put_u32(out, len(columns))
    put_u32(out, len(code))
    put_u32(out, len(fact.copied_sha256))
    out.write(tags)
    out.write(columns)
    out.write(code)
    out.write(fact.copied_sha256)
    out.write(_utf8(fact.message))
    return out.getvalue()


def _begun(session16: bytes, t_us: int, kind: int, n: int) -> BytesWriter:
    """The fields that all facts of a statement begin with. Compiled, writing a field is a store and no call."""
    out = BytesWriter()
    out.write(session16)
    put_u64(out, t_us)
    out.append(kind)
    put_u32(out, n)
    return out


def _utf8(text: str) -> bytes:
    if not text:
        return b""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # Nothing a peer made us decode may make encoding fail, so lone surrogates pass.
        return text.encode("utf-8", "surrogatepass")


def _strings(strings: tuple[str, ...]) -> bytes:
    if not strings:
        return b""
    key: object = strings if len(strings) > 1 else strings[0]  # a string keeps its hash, a tuple does not
    packed = _packed.get(key)
    if packed is None:
        if len(_packed) >= PACKED_KEPT:
            _packed.clear()
        packed = _packed[key] = _pack(strings)
    return packed


_packed: Final[dict[object, bytes]] = {}


def _pack(strings: tuple[str, ...]) -> bytes:
    parts: list[bytes] = []
    for one in strings:
        packed = _utf8(one)
        parts += (_U32.pack(len(packed)), packed)
    return b"".join(parts)


# -- decoding -------------------------------------------------------------------------------------------------------


class _Reader:
    """Takes fields off a payload, and raises `ValueError` where it is too short."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise ValueError("cut short")
        part = self._data[self._at : end]
        self._at = end
        return part

    def text(self, length: int) -> str:
        return self.take(length).decode("utf-8", "surrogatepass")

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def strings(self, length: int) -> tuple[str, ...]:
        end = self._at + length
        found = []
        while self._at < end:
            found.append(self.text(_U32.unpack(self.take(_U32.size))[0]))
        if self._at != end:
            raise ValueError("strings overrun")
        return tuple(found)


def _read_prepared(payload: bytes) -> Prepared:
    (*_, name) = _PREPARED.unpack_from(payload)
    reader = _Reader(payload, _PREPARED.size)
    return Prepared(reader.text(name), reader.rest())


def _read_submitted(payload: bytes) -> Submitted:
    _, _, _, n, same_as, flags, via, name, values, resolved = _SUBMITTED.unpack_from(payload)
    reader = _Reader(payload, _SUBMITTED.size)
    how, called, bound, behind = reader.text(via), reader.text(name), reader.take(values), reader.take(resolved)
    return Submitted(n, how, reader.rest(), called, bound, same_as, bool(flags & VERIFIED), behind)


def _read_completed(payload: bytes) -> Completed:
    _, _, _, n, rows, size, duration, copied, tags, columns, code, digest = _COMPLETED.unpack_from(payload)
    reader = _Reader(payload, _COMPLETED.size)
    tagged, named = reader.strings(tags), reader.strings(columns)
    state, sha256 = reader.text(code), reader.take(digest)
    message = reader.rest().decode("utf-8", "surrogatepass")
    return Completed(n, tagged, rows, size, duration, state, message, named, copied, sha256)


def _read_rows(payload: bytes) -> Rows:
    *_, n, flags = _ROWS.unpack_from(payload)
    return Rows(n, payload[_ROWS.size :], bool(flags & CUT))


def _read_refused(payload: bytes) -> StatementRefused:
    *_, n, reason = _REFUSED.unpack_from(payload)
    reader = _Reader(payload, _REFUSED.size)
    why = reader.text(reason)
    return StatementRefused(n, reader.rest(), why)


_DECODERS: Mapping[int, Callable[[bytes], Fact]] = {
    PREPARED: _read_prepared,
    SUBMITTED: _read_submitted,
    COMPLETED: _read_completed,
    ROWS: _read_rows,
    REFUSED: _read_refused,
}


def _canonical(session16: bytes) -> str:
    h = session16.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
