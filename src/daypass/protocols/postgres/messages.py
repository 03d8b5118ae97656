"""The messages that are read or written here, each way (PostgreSQL documentation, "Message Formats").

Readers take a body without its header and raise `Malformed`; builders return whole messages. Text is UTF-8 with
surrogate escapes, so that bytes in another client encoding survive the way through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct, error
from typing import TYPE_CHECKING, Final

from daypass.protocols.postgres.frames import Malformed

if TYPE_CHECKING:
    from mypy_extensions import i64

PROTOCOL_3_0 = 3 << 16
PROTOCOL_3_2 = 3 << 16 | 2
CANCEL_REQUEST = 80877102
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104

AUTH_OK, AUTH_CLEARTEXT, AUTH_MD5, AUTH_SASL, AUTH_SASL_CONTINUE, AUTH_SASL_FINAL = 0, 3, 5, 10, 11, 12

NAME_NEAR: Final = 64
"""How far the end of a string is looked for byte by byte: names are shorter (NAMEDATALEN), texts are not."""

_u16 = Struct(">H")
_i32 = Struct(">i")
_u32 = Struct(">I")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def shown(data: bytes) -> str:
    """Text for a record: what is not UTF-8 is replaced."""
    return data.decode("utf-8", "replace")


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + _u32.pack(len(body) + 4) + body


def u16(data: bytes, pos: int) -> int:
    try:
        value: int = _u16.unpack_from(data, pos)[0]
    except error:
        raise Malformed("a message ends too early") from None
    return value


def i32(data: bytes, pos: int) -> int:
    try:
        value: int = _i32.unpack_from(data, pos)[0]
    except error:
        raise Malformed("a message ends too early") from None
    return value


def string(data: bytes, pos: int) -> tuple[bytes, int]:
    """A zero-terminated string at `pos`, and where what follows it begins."""
    end = _zero(data, pos)
    if end < 0:
        raise Malformed("a string without an end")
    return (data[pos:end] if end > pos else b""), end + 1


def _zero(data: bytes, pos: int) -> int:
    """Where the next zero byte is, -1: nowhere. Most are names of a few bytes, sooner compared than called for."""
    at: i64 = pos
    near: i64 = min(len(data), pos + NAME_NEAR)
    while at < near:
        if data[at] == 0:
            return at
        at += 1
    return data.find(b"\0", at)


# -- start-up -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Startup:
    """The first real packet of a client."""

    version: int
    parameters: Mapping[str, str]


def startup(version: int, parameters: Mapping[str, str]) -> bytes:
    pairs = b"".join(encode(key) + b"\0" + encode(value) + b"\0" for key, value in parameters.items())
    body = _u32.pack(version) + pairs + b"\0"
    return _u32.pack(len(body) + 4) + body


def read_startup(body: bytes) -> Startup:
    """Read a StartupMessage without its length."""
    parameters: dict[str, str] = {}
    pos = 4
    while True:
        key, pos = string(body, pos)
        if not key:
            break
        value, pos = string(body, pos)
        parameters[decode(key)] = decode(value)
    if pos != len(body):
        raise Malformed("a start-up packet with bytes behind its end")
    return Startup(i32(body, 0), parameters)


def request(code: int, body: bytes = b"") -> bytes:
    """SSLRequest, GSSENCRequest and CancelRequest: a length and a code."""
    return _u32.pack(len(body) + 8) + _u32.pack(code) + body


def negotiate(version: int, options: Sequence[str]) -> bytes:
    """NegotiateProtocolVersion: the newest version spoken here and the options not understood."""
    names = b"".join(encode(name) + b"\0" for name in options)
    return message(b"v", _u32.pack(version) + _u32.pack(len(options)) + names)


def authentication(code: int, body: bytes = b"") -> bytes:
    return message(b"R", _u32.pack(code) + body)


def sasl_mechanisms(names: Sequence[str]) -> bytes:
    return authentication(AUTH_SASL, b"".join(name.encode() + b"\0" for name in names) + b"\0")


def read_sasl_mechanisms(body: bytes) -> tuple[str, ...]:
    """Read the names in AuthenticationSASL, whose code is still in front."""
    names: list[str] = []
    pos = 4
    while True:
        name, pos = string(body, pos)
        if not name:
            return tuple(names)
        names.append(shown(name))


def sasl_initial(mechanism: str, first: bytes) -> bytes:
    return message(b"p", mechanism.encode() + b"\0" + _u32.pack(len(first)) + first)


def read_sasl_initial(body: bytes) -> tuple[str, bytes]:
    name, pos = string(body, 0)
    length = i32(body, pos)
    first = body[pos + 4 :]
    if length != len(first):
        raise Malformed("a SASL response of another length than it says")
    return shown(name), first


def password(secret: bytes) -> bytes:
    return message(b"p", secret + b"\0")


def parameter_status(name: str, value: str) -> bytes:
    return message(b"S", encode(name) + b"\0" + encode(value) + b"\0")


def read_parameter_status(body: bytes) -> tuple[str, str]:
    name, pos = string(body, 0)
    value, _ = string(body, pos)
    return decode(name), decode(value)


def backend_key(key: bytes) -> bytes:
    return message(b"K", key)


def ready(status: bytes = b"I") -> bytes:
    return message(b"Z", status)


# -- statements, from the client ----------------------------------------------------------------------------------


def query(text: bytes) -> bytes:
    return message(b"Q", text + b"\0")


def parse(name: bytes, text: bytes, types: Sequence[int] = ()) -> bytes:
    return message(b"P", name + b"\0" + text + b"\0" + _u16.pack(len(types)) + b"".join(map(_u32.pack, types)))


def bind(portal: bytes, name: bytes, values: Sequence[bytes | None] = (), formats: Sequence[int] = ()) -> bytes:
    body = [portal, b"\0", name, b"\0", _u16.pack(len(formats)), *map(_u16.pack, formats), _u16.pack(len(values))]
    for value in values:
        body += [_i32.pack(-1)] if value is None else [_i32.pack(len(value)), value]
    return message(b"B", b"".join(body) + b"\0\0")


def describe(what: bytes, name: bytes) -> bytes:
    """`what` is `S` (statement) or `P` (portal)."""
    return message(b"D", what + name + b"\0")


def execute(portal: bytes = b"", rows: int = 0) -> bytes:
    return message(b"E", portal + b"\0" + _u32.pack(rows))


def close(what: bytes, name: bytes) -> bytes:
    return message(b"C", what + name + b"\0")


def function_call(oid: int, arguments: Sequence[bytes | None] = ()) -> bytes:
    body = [_u32.pack(oid), _u16.pack(0), _u16.pack(len(arguments))]
    for value in arguments:
        body += [_i32.pack(-1)] if value is None else [_i32.pack(len(value)), value]
    return message(b"F", b"".join(body) + b"\0\0")


SYNC = message(b"S")
FLUSH = message(b"H")
TERMINATE = message(b"X")
COPY_DONE = message(b"c")


def copy_data(data: bytes) -> bytes:
    return message(b"d", data)


def copy_fail(why: bytes) -> bytes:
    return message(b"f", why + b"\0")


# -- results, from the target -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """What RowDescription says of one column that is of use here."""

    name: str
    oid: int
    format: int


_column = Struct(">ihihih")


def row_description(columns: Sequence[Column]) -> bytes:
    fields = b"".join(encode(c.name) + b"\0" + _column.pack(0, 0, c.oid, -1, -1, c.format) for c in columns)
    return message(b"T", _u16.pack(len(columns)) + fields)


def read_row_description(body: bytes) -> tuple[Column, ...]:
    columns: list[Column] = []
    pos = 2
    for _ in range(u16(body, 0)):
        name, pos = string(body, pos)
        try:
            _, _, oid, _, _, fmt = _column.unpack_from(body, pos)
        except error:
            raise Malformed("a row description that ends too early") from None
        columns.append(Column(shown(name), oid & 0xFFFFFFFF, fmt))
        pos += _column.size
    return tuple(columns)


def data_row(values: Sequence[bytes | None]) -> bytes:
    cells = [_i32.pack(-1) if value is None else _i32.pack(len(value)) + value for value in values]
    return message(b"D", _u16.pack(len(values)) + b"".join(cells))


def read_data_row(body: bytes) -> tuple[bytes | None, ...]:
    return cells(body, 2, u16(body, 0))[0]


def cells(body: bytes, pos: int, count: int) -> tuple[tuple[bytes | None, ...], int]:
    """`count` values with lengths in front (-1: NULL), and where they end."""
    found: list[bytes | None] = []
    for _ in range(count):
        length = i32(body, pos)
        pos += 4
        if length < 0:
            found.append(None)
            continue
        if pos + length > len(body):
            raise Malformed("a value that ends too early")
        found.append(body[pos : pos + length])
        pos += length
    return tuple(found), pos


def command_complete(tag: str) -> bytes:
    return message(b"C", encode(tag) + b"\0")


PARSE_COMPLETE = message(b"1")
BIND_COMPLETE = message(b"2")
CLOSE_COMPLETE = message(b"3")
NO_DATA = message(b"n")
EMPTY_QUERY = message(b"I")
PORTAL_SUSPENDED = message(b"s")


def parameter_description(oids: Sequence[int]) -> bytes:
    return message(b"t", _u16.pack(len(oids)) + b"".join(map(_u32.pack, oids)))


def copy_response(kind: bytes, columns: int = 1) -> bytes:
    """`kind` is `G` (in) or `H` (out)."""
    return message(kind, b"\0" + _u16.pack(columns) + b"\0\0" * columns)
