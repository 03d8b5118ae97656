"""The client's end of a PostgreSQL connection, for the SQL console: a small client that speaks to our own gateway.

Statements go as simple queries, one by one, so that each is on record with its own text and outcome. Everything is
text, as the server writes it. It copies nothing in; what is copied out is rows of one column.
"""

from __future__ import annotations

from typing import Any, Final

from daypass.protocols.console import (
    Broken,
    Cells,
    Columns,
    Dropped,
    Finished,
    Put,
    Remark,
    Row,
    Said,
    SignedIn,
    Transaction,
    Waiting,
)
from daypass.protocols.interface import Derive
from daypass.protocols.postgres import errors, messages, scram
from daypass.protocols.postgres.analyse import TEXT_CHARS_MAX
from daypass.protocols.postgres.frames import HEADER, Malformed, Tail, size_at
from daypass.protocols.postgres.parsing import Unparsed, parse

ROW_BYTES_MAX: Final = 16 * 1024 * 1024
"""A row that is longer is passed over: a page that shows rows cannot hold such."""

SCHEMA: Final = """\
SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY table_schema, table_name, ordinal_position"""

NO_INPUT: Final = messages.message(b"f", b"a console has nothing to copy in\0")
COPIED: Final = Columns((("copied", "text"),))

TYPES: Final = {
    16: "bool", 17: "bytea", 18: "char", 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid",
    114: "json", 142: "xml", 700: "float4", 701: "float8", 790: "money", 869: "inet", 1000: "bool[]", 1005: "int2[]",
    1007: "int4[]", 1009: "text[]", 1016: "int8[]", 1042: "bpchar", 1043: "varchar", 1082: "date", 1083: "time",
    1114: "timestamp", 1184: "timestamptz", 1186: "interval", 1266: "timetz", 1700: "numeric", 2278: "void",
    2950: "uuid", 3802: "jsonb",
}  # fmt: skip
"""Names of the usual types; others are called by their number."""

STATES: Final[dict[bytes, Transaction]] = {b"I": "idle", b"T": "open", b"E": "failed"}
WORDS: Final = {code: word for word, code in errors.REFUSALS.items()}


class PostgresConsole:
    """See `protocols.console.Console`."""

    schema = SCHEMA

    def __init__(self, person: str, database: str, token: str, entropy: bytes) -> None:
        self._person = person
        self._database = database
        self._token = token
        self._scram = scram.Client(entropy, ())
        self._challenge = b""
        self._tail = Tail()
        self._pass_over = 0
        self._key = b""
        self._rows: list[Row] = []
        self._size = 0
        self._in = False
        self._done: list[Said] = []

    # -- out --------------------------------------------------------------------------------------------------------

    def hello(self) -> bytes:
        told = {"user": self._person, "database": self._database, "client_encoding": "UTF8"}
        return messages.startup(messages.PROTOCOL_3_0, told)

    def derived(self, salted_password: bytes) -> bytes:
        return messages.message(b"p", self._scram.final(self._challenge, salted_password))

    def ask(self, statement: str) -> bytes:
        return messages.query(statement.replace("\0", "\ufffd").encode("utf-8", "replace"))

    def interrupt(self) -> bytes:
        return messages.request(messages.CANCEL_REQUEST, self._key)

    def leave(self) -> bytes:
        return messages.TERMINATE

    def pieces(self, text: str) -> list[tuple[int, int]]:
        whole = [(0, len(text))]
        if len(text) > TEXT_CHARS_MAX or "\0" in text:
            return whole
        try:
            statements = parse(text).stmts
            raw = text.encode()
        except (Unparsed, UnicodeError):
            return whole
        found = []
        for one in statements:
            start = one.stmt_location
            end = start + one.stmt_len if one.stmt_len else len(raw)
            first, last = (len(raw[:at].decode(errors="replace")) for at in (start, end))
            inside = text[first:last]
            first += len(inside) - len(inside.lstrip())
            found.append((first, max(first, last - len(inside) + len(inside.rstrip()))))
        return found

    # -- in ---------------------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> list[Said]:
        try:
            self._walk(data)
        except (Malformed, scram.ScramError) as problem:
            raise Broken(str(problem)) from None
        self._rows_out()
        done, self._done = self._done, []
        return done

    def _walk(self, data: bytes) -> None:
        if self._pass_over:
            passed = min(self._pass_over, len(data))
            self._pass_over -= passed
            data = data[passed:]
        if self._tail.have:
            whole = self._tail.ready(data)
            if whole is None:
                return
            data = whole
        pos, end = 0, len(data)
        while end - pos >= HEADER:
            following = pos + size_at(data, pos)
            if following > end:
                if following - pos > ROW_BYTES_MAX:
                    self._too_long(data[pos], following - pos, following - end)
                    return
                break
            self._one(data[pos], data[pos + HEADER : following])
            pos = following
        if pos < end:
            self._tail.keep(data[pos:])

    def _too_long(self, kind: int, size: int, rest: int) -> None:
        if kind not in b"Dd":
            raise Malformed("a message that is too long")
        self._say(Dropped(size))
        self._pass_over = rest

    def _say(self, said: Said) -> None:
        self._rows_out()
        self._done.append(said)

    def _rows_out(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            self._done.append(Cells(rows, self._size))
            self._size = 0

    def _one(self, kind: int, body: bytes) -> None:
        match kind:
            case 0x44:  # D
                self._rows.append(tuple(None if c is None else messages.shown(c) for c in messages.read_data_row(body)))
                self._size += len(body)
            case 0x64:  # d
                self._rows.append((messages.shown(body.removesuffix(b"\n")),))
                self._size += len(body)
            case 0x54:  # T
                described = messages.read_row_description(body)
                self._say(Columns(tuple((one.name, TYPES.get(one.oid, f"type {one.oid}")) for one in described)))
            case 0x48:  # H
                self._say(COPIED)
            case 0x47 | 0x57:  # G, W
                self._say(Put(NO_INPUT))
            case 0x43:  # C
                self._say(Finished(messages.shown(body[:-1])))
            case 0x49:  # I
                self._say(Finished(""))
            case 0x45 | 0x4E:  # E, N
                self._say(_remark(kind == ord("E"), body, entered=self._in))
            case 0x5A:  # Z
                self._ready(body)
            case 0x52:  # R
                self._authenticate(body)
            case 0x4B:  # K
                self._key = body
            case _:
                pass  # parameters and notifications are nobody's business here

    def _ready(self, body: bytes) -> None:
        if not self._in:
            self._in = True
            self._say(SignedIn())
        self._say(Waiting(STATES.get(body, "idle")))

    def _authenticate(self, body: bytes) -> None:
        code = messages.i32(body, 0)
        if code == messages.AUTH_SASL:
            self._scram.mechanisms = messages.read_sasl_mechanisms(body)
            first = self._scram.first()
            self._say(Put(messages.sasl_initial(self._scram.mechanism, first)))
        elif code == messages.AUTH_SASL_CONTINUE:
            self._challenge = body[4:]
            salt, iterations = self._scram.challenge(self._challenge)
            self._say(Derive(scram.prepare(self._token), salt, iterations))
        elif code == messages.AUTH_SASL_FINAL:
            self._scram.check(body[4:])
        elif code != messages.AUTH_OK:
            raise Malformed(f"a kind of sign-in (code {code}) that the gateway does not speak")


def _remark(error: bool, body: bytes, *, entered: bool) -> Remark:
    said: Any = errors.read(body)
    fatal = error and said.severity in ("FATAL", "PANIC")
    return Remark(
        error,
        said.severity,
        said.sqlstate,
        said.message,
        said.detail,
        said.hint,
        said.position,
        fatal,
        "" if entered or not fatal else WORDS.get(said.sqlstate, "unavailable"),
    )
