"""The round trip that most of the traffic is, taken in one step: Bind, Describe, Execute and Sync of a known name, and
its whole answer.

It records and forwards what the general way (`requests`, `replies`) does, byte for byte and fact for fact
(tests/protocols/postgres/test_steady.py), with one expectation in place of four. Whatever is not exactly this is left
to the general way; if that happens after the request was sent, `expand` puts the four expectations in its place first.
"""

from __future__ import annotations

from typing import Any, Final

from daypass.protocols.interface import CLIENT, TARGET, Send
from daypass.protocols.postgres.frames import HEADER, Malformed, size_at, skip
from daypass.protocols.postgres.messages import string
from daypass.protocols.postgres.statements import Portal, Run, Text
from daypass.protocols.postgres.talk import BIND, DESCRIBE, EXECUTE, STEADY, SYNC, Expected, Talk
from daypass.protocols.postgres.traits import NOTHING

_EXECUTE_SYNC: Final = b"E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04"
"""Execute of the unnamed portal to its end, then Sync."""
_DESCRIBE_EXECUTE_SYNC: Final = b"D\0\0\0\x06P\0" + _EXECUTE_SYNC
_SHORTEST: Final = HEADER + 2 + len(_EXECUTE_SYNC)
_READY_BYTES: Final = HEADER + 1
_DATA_ROW: Final = 0x44


def begin(talk: Talk, data: bytes, at: float, out: list[Any]) -> bool:
    """Take what the client sent, if it is such a request and nothing else is owed; otherwise nothing has happened."""
    if talk.queue or talk.results or len(data) < _SHORTEST or data[0] != ord("B") or data[HEADER] != 0:
        return False
    if talk.names.pending or talk.bound or talk.unsynced or talk.swallowing or talk.copying is not None:
        return False
    end = size_at(data, 0)
    behind = data[end:]
    described = behind == _DESCRIBE_EXECUTE_SYNC
    if not described and behind != _EXECUTE_SYNC:
        return False
    name, pos = string(data, HEADER + 1)
    text = talk.names.look_up(name)
    if text is None or text.traits is not NOTHING or pos > end:
        return False
    values = b"" if data[pos : pos + 4] == b"\0\0\0\0" else text.types + data[pos:end]
    run = talk.submit_prepared("bind", text, name, values, at, out)
    talk.queue.append(Expected(STEADY, run, (text, values, described)))
    talk.names.group += 1
    out.append(Send(TARGET, data))
    return True


def expand(talk: Talk) -> None:
    """Owe what the general way would: called before anything else happens."""
    queue = talk.queue
    if not queue or queue[0].kind != STEADY:
        return
    owed = queue.pop(0)
    run = owed.run
    portal = _portal(talk, owed, confirmed=False)
    queue.append(Expected(BIND, run, (portal, talk.portals.get(b""))))
    talk.portals[b""] = portal
    if owed.extra[2]:
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
    try:
        ready = _whole(talk, run, data, owed.extra[2])
    except Malformed:
        return 0  # the general way says so, behind what is in order
    if ready == 0:
        return 0
    run.tags.append(talk.headings.tag)
    run.rows = talk.headings.count
    if owed.extra[2]:
        owed.extra[0].columns = run.columns
    out.append(Send(CLIENT, data))
    queue.pop(0)
    talk.complete(run, at, out)
    status = data[ready + HEADER]
    if status != ord("I"):
        talk.portals[b""] = _portal(talk, owed, confirmed=True)
    elif talk.portals:
        talk.portals.clear()
    return status


def _whole(talk: Talk, run: Run, data: bytes, described: bool) -> int:
    """Where the ReadyForQuery of a whole answer begins, 0 if it is none; what rows and columns there are is then told
    to `run`, and would be again. Raises `Malformed`."""
    size = len(data)
    if size < _READY_BYTES or data[0] != ord("2") or size_at(data, 0) != HEADER or data[size - 1] == 0:
        return 0
    rows_at = _described(talk, run, data) if described else HEADER
    if rows_at == 0:
        return 0
    pos, _ = skip(data, rows_at, _DATA_ROW)
    if pos + HEADER > size or data[pos] != ord("C"):
        return 0
    ready = pos + size_at(data, pos)
    if ready + _READY_BYTES != size or data[ready] != ord("Z") or size_at(data, ready) != _READY_BYTES:
        return 0
    if ready == pos + HEADER:
        return 0
    talk.headings.read_tag(data[pos + HEADER : ready - 1])
    run.size = pos - rows_at
    return ready


def _described(talk: Talk, run: Run, data: bytes) -> int:
    """Where rows begin behind the answer to Describe; 0: not here. What it says of the columns would be said again."""
    if len(data) < 2 * HEADER:
        return 0
    following = HEADER + size_at(data, HEADER)
    kind = data[HEADER]
    if following > len(data) or (kind != ord("T") and kind != ord("n")):
        return 0
    if kind == ord("T"):
        run.columns = talk.headings.columns(data[2 * HEADER : following])
    return following


def _portal(talk: Talk, owed: Expected, *, confirmed: bool) -> Portal:
    """The unnamed portal, whose statement's record its Execute has taken."""
    text: Text = owed.extra[0]
    values: bytes = owed.extra[1]
    portal = Portal(b"", text, None, values, talk.names.group - 1)
    portal.confirmed = confirmed
    return portal
