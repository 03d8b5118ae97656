"""The round trip that most of the traffic is, taken in one step: Bind, Describe, Execute and Sync of a known name, or
of a text that a Parse without a name has just before them, and the whole answer.

It records and forwards what the general way (`requests`, `replies`) does, byte for byte and fact for fact
(tests/protocols/postgres/test_steady.py), with one expectation in place of four or five. Whatever is not exactly this
is left to the general way; if that happens after the request was sent, `expand` puts those expectations in its place
first.
"""

from __future__ import annotations

from typing import Any, Final, final

from mypy_extensions import mypyc_attr

from daypass.protocols.interface import CLIENT, TARGET, Send
from daypass.protocols.postgres.frames import HEADER, Malformed, size_at, skip
from daypass.protocols.postgres.messages import string
from daypass.protocols.postgres.statements import Pending, Portal, Run, Text
from daypass.protocols.postgres.talk import BIND, DESCRIBE, EXECUTE, PARSE, STEADY, SYNC, Expected, Talk
from daypass.protocols.postgres.traits import NOTHING

_EXECUTE_SYNC: Final = b"E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04"
"""Execute of the unnamed portal to its end, then Sync."""
_DESCRIBE_EXECUTE_SYNC: Final = b"D\0\0\0\x06P\0" + _EXECUTE_SYNC
_SHORTEST: Final = HEADER + 2 + len(_EXECUTE_SYNC)
_READY_BYTES: Final = HEADER + 1
_DATA_ROW: Final = 0x44


@mypyc_attr(free_list_len=1)
@final
class _Trip:
    """A round trip that is under way: what the general way would have noted of it. `change`: the name's that its Parse
    makes, None without one."""

    __slots__ = ("change", "described", "text", "values")

    def __init__(self, text: Text, values: bytes, described: bool, change: Pending | None) -> None:
        self.text = text
        self.values = values
        self.described = described
        self.change = change


def begin(talk: Talk, data: bytes, at: float, out: list[Any]) -> bool:
    """Take what the client sent, if it is such a request and nothing else is owed; otherwise nothing has happened.
    Raises `Malformed` or `Overfull`."""
    if talk.queue or talk.results or len(data) < _SHORTEST or len(data) > talk.limits.message_bytes:
        return False
    if talk.names.pending or talk.bound or talk.unsynced or talk.swallowing or talk.copying is not None:
        return False
    start = size_at(data, 0) if data[0] == ord("P") else 0
    if len(data) < start + _SHORTEST or data[start] != ord("B") or data[start + HEADER] != 0:
        return False
    end = start + size_at(data, start)
    behind = data[end:]
    described = behind == _DESCRIBE_EXECUTE_SYNC
    if not described and behind != _EXECUTE_SYNC:
        return False
    name, pos = string(data, start + HEADER + 1)
    text = talk.names.look_up(name) if start == 0 else (None if name else _parsed(talk, data, start))
    if text is None or text.traits is not NOTHING or pos > end:
        return False
    change = talk.names.propose(b"", text) if start else None
    values = b"" if data[pos : pos + 4] == b"\0\0\0\0" else text.types + data[pos:end]
    run = talk.submit_prepared("bind", text, name, values, at, out)
    talk.queue.append(Expected(STEADY, run, _Trip(text, values, described, change)))
    talk.names.group += 1
    out.append(Send(TARGET, data))
    return True


def _parsed(talk: Talk, data: bytes, end: int) -> Text | None:
    """The text of the Parse that ends at `end`; None: it has a name, or needs a closer look."""
    if data[HEADER] != 0 or talk.guard is not None:
        return None
    source, pos = string(data, HEADER + 1)
    if pos > end:
        return None
    return Text(source, data[pos:end], talk.traits(source))


def expand(talk: Talk) -> None:
    """Owe what the general way would: called before anything else happens."""
    queue = talk.queue
    if not queue or queue[0].kind != STEADY:
        return
    owed = queue.pop(0)
    run = owed.run
    trip: _Trip = owed.extra
    portal = _portal(talk, trip, confirmed=False)
    if trip.change is not None:
        queue.append(Expected(PARSE, None, trip.change))
    portal.before = talk.portals.get(b"")
    queue.append(Expected(BIND, run, portal))
    talk.portals[b""] = portal
    if trip.described:
        queue.append(Expected(DESCRIBE, run, portal))
    queue.append(Expected(EXECUTE, run, None))
    queue.append(Expected(SYNC, None, []))


def answer(talk: Talk, data: bytes, at: float, out: list[Any]) -> int:
    """Take what the target sent, if it is the whole answer; returns the transaction's status, 0 if nothing has
    happened."""
    queue = talk.queue
    if not queue or queue[0].kind != STEADY:
        return 0
    owed = queue[0]
    run = owed.run
    assert run is not None
    trip: _Trip = owed.extra
    try:
        ready = _whole(talk, run, data, trip)
    except Malformed:
        return 0  # the general way says so, behind what is in order
    if ready == 0:
        return 0
    run.tags.append(talk.headings.tag)
    if trip.described:
        trip.text.columns = run.columns
    if trip.change is not None:
        talk.names.accept(trip.change)
    out.append(Send(CLIENT, data))
    queue.pop(0)
    talk.complete(run, at, out)
    status = data[ready + HEADER]
    if status != ord("I"):
        talk.portals[b""] = _portal(talk, trip, confirmed=True)
    elif talk.portals:
        talk.portals.clear()
    return status


def _whole(talk: Talk, run: Run, data: bytes, trip: _Trip) -> int:
    """Where the ReadyForQuery of a whole answer begins, 0 if it is none; what rows and columns there are is then told
    to `run`, and would be again. Raises `Malformed`."""
    size = len(data)
    if size < _READY_BYTES or data[size - 1] == 0:
        return 0
    rows_at = _empty(data, 0, ord("1")) if trip.change is not None else 0
    rows_at = _empty(data, rows_at, ord("2")) if rows_at or trip.change is None else 0
    if rows_at and trip.described:
        rows_at = _described(talk, run, data, rows_at)
    if rows_at == 0:
        return 0
    pos, seen = skip(data, rows_at, _DATA_ROW)
    if pos + HEADER > size or data[pos] != ord("C"):
        return 0
    ready = pos + size_at(data, pos)
    if ready + _READY_BYTES != size or data[ready] != ord("Z") or size_at(data, ready) != _READY_BYTES:
        return 0
    if ready == pos + HEADER:
        return 0
    talk.headings.read_tag(data[pos + HEADER : ready - 1])
    run.rows, run.size = talk.headings.count or seen, pos - rows_at
    return ready


def _empty(data: bytes, pos: int, kind: int) -> int:
    """Where a message of this kind without a body ends, 0 if there is none at `pos`."""
    if len(data) < pos + HEADER or data[pos] != kind or size_at(data, pos) != HEADER:
        return 0
    return pos + HEADER


def _described(talk: Talk, run: Run, data: bytes, pos: int) -> int:
    """Where rows begin behind the answer to Describe; 0: not here. What it says of the columns would be said again."""
    if len(data) < pos + HEADER:
        return 0
    following = pos + size_at(data, pos)
    kind = data[pos]
    if following > len(data) or (kind != ord("T") and kind != ord("n")):
        return 0
    if kind == ord("T"):
        run.columns = talk.headings.columns(data[pos + HEADER : following])
    return following


def _portal(talk: Talk, trip: _Trip, *, confirmed: bool) -> Portal:
    """The unnamed portal, whose statement's record its Execute has taken."""
    portal = Portal(b"", trip.text, None, trip.values, talk.names.group - 1)
    portal.confirmed = confirmed
    return portal
