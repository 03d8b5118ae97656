"""Conversations as text. A script is what one reads in a protocol's documentation:

    <- Query select 1            the client says
    -> Query select 1            the target gets
    => Columns a | Row 1 | Done SELECT 1 | Ready I      the target says (messages joined by ` | ` arrive in one piece)
    <= Columns a | Row 1 | ...   the client gets
    ## submitted 1 query: select 1                      a fact is recorded
    !! cancel                    any other effect

Whatever follows a `<-` or `=>` line up to the next one is exactly what must come of it, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from daypass.domain.scope import WHOLE, Scope
from daypass.domain.statement import Completed, Prepared, Rows, StatementRefused, Submitted
from daypass.protocols.interface import Cancel, Close, Limits, Record, Send, Side
from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.frames import HEADER, size_at
from daypass.protocols.postgres.relay import Relay
from daypass.protocols.postgres.rows import unpack_rows, unpack_values
from daypass.protocols.postgres.scope_guard import ScopeGuard


def _name(word: str) -> bytes:
    return b"" if word == "-" else word.encode()


def _values(words: Sequence[str]) -> list[bytes | None]:
    return [None if word == "NULL" else word.encode() for word in words]


def said(text: str) -> bytes:
    """The message that a line of a script means."""
    kind, _, rest = text.partition(" ")
    words = rest.split()
    match kind:
        case "Query":
            return messages.query(rest.encode())
        case "Parse":
            return messages.parse(_name(words[0]), rest.partition(" ")[2].encode())
        case "Bind":
            return messages.bind(_name(words[0]), _name(words[1]), _values(words[2:]))
        case "Describe":
            return messages.describe(words[0].encode(), _name(words[1]))
        case "Execute":
            return messages.execute(_name(words[0]), int(words[1]) if len(words) > 1 else 0)
        case "Close":
            return messages.close(words[0].encode(), _name(words[1]))
        case "Call":
            return messages.function_call(int(words[0]), _values(words[1:]))
        case "CopyData":
            return messages.copy_data(rest.encode())
        case "CopyFail":
            return messages.copy_fail(rest.encode())
        case "Columns":
            return messages.row_description([messages.Column(word, 25, 0) for word in words])
        case "Row":
            return messages.data_row(_values(words))
        case "Done":
            return messages.command_complete(rest)
        case "Ready":
            return messages.ready(rest.encode())
        case "Error" | "Fatal":
            return errors.error(words[0], " ".join(words[1:]), severity=kind.upper())
        case "Notice":
            return errors.notice("00000", rest)
        case "Params":
            return messages.parameter_description([int(word) for word in words])
        case "Status":
            return messages.parameter_status(words[0], words[1])
        case "CopyIn":
            return messages.copy_response(b"G")
        case "CopyOut":
            return messages.copy_response(b"H")
        case "Result":
            return messages.message(b"V", b"\0\0\0\x01" + rest.encode())
    return PLAIN[kind]


PLAIN = {
    "Sync": messages.SYNC,
    "Flush": messages.FLUSH,
    "Terminate": messages.TERMINATE,
    "CopyDone": messages.COPY_DONE,
    "ParseComplete": messages.PARSE_COMPLETE,
    "BindComplete": messages.BIND_COMPLETE,
    "CloseComplete": messages.CLOSE_COMPLETE,
    "NoData": messages.NO_DATA,
    "Empty": messages.EMPTY_QUERY,
    "Suspended": messages.PORTAL_SUSPENDED,
}


def split(data: bytes) -> Iterator[bytes]:
    pos = 0
    while pos + HEADER <= len(data):
        end = pos + size_at(data, pos)
        yield data[pos:end]
        pos = end
    if pos < len(data):
        yield data[pos:]


def fact(value: Any) -> str:
    """A fact as a line of a script."""
    match value:
        case Submitted():
            parts = [f"submitted {value.n} {value.via}"]
            if value.name:
                parts.append(f"[{value.name}]")
            if value.values:
                parts.append(str([v.text if v.base64 is None else v for v in unpack_values(value.values)]))
            if not value.verified:
                parts.append("unverified")
            if value.same_as:
                parts.append(f"same_as={value.same_as}")
            if value.resolved:
                parts.append(f"resolved={value.resolved.decode()}")
            return f"{' '.join(parts)}: {value.text.decode()}".rstrip()
        case Completed():
            parts = [f"completed {value.n} {', '.join(value.tags)}".rstrip()]
            for key in ("rows", "error"):
                if getattr(value, key):
                    parts.append(f"{key}={getattr(value, key)}")
            if value.copied_bytes:
                parts.append(f"copied={value.copied_bytes}")
            return " ".join(parts)
        case Prepared():
            return f"prepared {value.name or '-'}: {value.text.decode()}"
        case StatementRefused():
            return f"refused {value.n}: {value.reason}"
        case Rows():
            return f"rows {value.n} {[list(row) for row in unpack_rows(value.data)]}{' cut' if value.cut else ''}"
    raise AssertionError(value)


def seen(effects: Sequence[Any]) -> list[tuple[str, bytes | str]]:
    """Effects as what a script expects: messages one by one."""
    lines: list[tuple[str, bytes | str]] = []
    for effect in effects:
        match effect:
            case Send(Side.TARGET, data):
                lines += [("->", piece) for piece in split(data)]
            case Send(_, data):
                lines += [("<=", piece) for piece in split(data)]
            case Record(value):
                lines.append(("##", fact(value)))
            case Cancel():
                lines.append(("!!", "cancel"))
            case Close(side, reason):
                lines.append(("!!", f"close {side.value}: {reason}"))
            case _:
                lines.append(("!!", type(effect).__name__))
    return lines


class Conversation:
    """A relay that a script talks to."""

    def __init__(self, *, results: bool = False, limits: Limits | None = None, scope: Scope = WHOLE) -> None:
        guard = ScopeGuard(scope) if scope else None
        self.relay = Relay(limits or Limits(), results=results, parameters={"server_version": "15.18"}, guard=guard)
        self.clock = 1.0

    def play(self, script: str) -> None:
        """Play a script, and check that what comes of each line is what stands under it."""
        expected: list[tuple[str, bytes | str]] = []
        got: list[tuple[str, bytes | str]] = []
        for line in filter(None, (line.strip() for line in script.splitlines())):
            arrow, text = line[:2], line[3:]
            pieces = text.split(" | ")
            if arrow in ("<-", "=>"):
                assert _readable(got) == _readable(expected), f"before: {line}"
                side = Side.CLIENT if arrow == "<-" else Side.TARGET
                got = seen(self.say(side, b"".join(map(said, pieces))))
                expected = []
            elif arrow in ("->", "<="):
                expected += [(arrow, said(piece)) for piece in pieces]
            else:
                expected.append((arrow, text))
        assert _readable(got) == _readable(expected), "at the end"

    def say(self, side: Side, data: bytes) -> list[Any]:
        self.clock += 0.001
        return self.relay.received(side, data, self.clock)


def _readable(lines: list[tuple[str, bytes | str]]) -> list[tuple[str, str]]:
    """Errors by code and text only: hints are for people."""
    readable: list[tuple[str, str]] = []
    for arrow, what in lines:
        if isinstance(what, bytes) and what[:1] in (b"E", b"N") and arrow == "<=":
            found = errors.read(what[HEADER:])
            readable.append((arrow, f"{found.severity} {found.sqlstate} {found.message}"))
        else:
            readable.append((arrow, repr(what) if isinstance(what, bytes) else what))
    return readable
