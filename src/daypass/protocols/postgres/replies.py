"""From the target to the client: forward whole, count, and tell what came of each statement.

DataRow and CopyData are passed over without a look inside and stream when they are incomplete; of the others only those
are decoded that say how a statement ended or what its columns are called.
"""

from __future__ import annotations

from typing import Any, Final

from daypass.protocols.interface import CLIENT, Send
from daypass.protocols.postgres import errors
from daypass.protocols.postgres.frames import HEADER, Malformed, Tail, TooLarge, size_at, skip, within
from daypass.protocols.postgres.messages import read_parameter_status, shown
from daypass.protocols.postgres.refusals import POISONED
from daypass.protocols.postgres.rows import Keeper
from daypass.protocols.postgres.statements import Pending, Portal, Run, Text
from daypass.protocols.postgres.steady import answer, expand
from daypass.protocols.postgres.talk import (
    BIND,
    CALL,
    CLOSE,
    DESCRIBE,
    EXECUTE,
    EXTENDED,
    PARSE,
    QUERY,
    REFUSED,
    REFUSED_QUERY,
    RUNS,
    SYNC,
    Expected,
    Talk,
)

DATA_ROW: Final = 0x44
COPY_DATA: Final = 0x64
_STREAMED: Final = frozenset(b"NAV")
"""Kinds that nothing is read from: they stream when they are incomplete."""
_KNOWN: Final = frozenset(b"123CEGHIScTVZnstANDd")
SKIPPED = "skipped"
"""Error code of a statement that the target ignored, as something before it in its pipeline had failed."""


class Replies:
    """The half of a session that reads the target."""

    __slots__ = ("_keeper", "_tail", "_talk", "at", "done", "farewell", "rest", "singly", "status", "unread")

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._tail = Tail()
        self.rest = 0  # bytes still to come of a message that the client has the beginning of
        self._keeper = Keeper() if talk.results else None
        self.at = 0.0
        self.done: list[Any] = []
        self.farewell = False  # the target said FATAL
        self.status = ord("I")
        self.singly = False  # one message a `take`, as what comes of it decides over what the client has pipelined
        self.unread = b""  # what was not taken for that reason

    @property
    def between(self) -> bool:
        """Whether what the client has got ends with a whole message."""
        return self.rest == 0

    def take(self, data: bytes, at: float, out: list[Any]) -> None:
        """Take what the target sent. Raises `Malformed` or `TooLarge`; `out` then has what goes to the client first."""
        if self._tail.have:
            whole = self._tail.ready(data)
            if whole is None:
                return
            data = whole
        elif not self.rest and self._keeper is None and (status := answer(self._talk, data, at, out)):
            self.status = status
            return
        expand(self._talk)
        self.at = at
        pieces: list[bytes] = []
        try:
            self._walk(data, pieces)
        finally:
            if pieces:
                out.append(Send(CLIENT, pieces[0] if len(pieces) == 1 else b"".join(pieces)))
            if self.done:
                out += self.done
                self.done = []

    def _walk(self, data: bytes, pieces: list[bytes]) -> None:
        end = len(data)
        start = pos = 0
        if self.rest:
            pos = min(self.rest, end)
            self.rest -= pos
        try:
            while end - pos >= HEADER:
                kind = data[pos]
                if kind in (DATA_ROW, COPY_DATA):
                    following = self._bulk(data, pos, kind)
                    if following == pos:
                        break
                    pos = following
                    continue
                following = pos + size_at(data, pos)
                if following > end:
                    if kind in _STREAMED:
                        self._one(kind, data, pos + HEADER, following)
                        self.rest = following - end
                        pos = end
                    elif kind not in _KNOWN:
                        raise Malformed(f"a message of kind {kind}")
                    elif following - pos > self._talk.limits.message_bytes:
                        raise TooLarge
                    break
                instead = self._one(kind, data, pos + HEADER, following)
                if instead is not None:
                    if pos > start:
                        pieces.append(data[start:pos])
                    pieces.append(instead)
                    start = following
                pos = following
                if self.singly:
                    break
        finally:
            if pos > start:
                pieces.append(data if start == 0 and pos == end else data[start:pos])
        if self.singly and pos > 0:
            self.unread = data[pos:]
        elif pos < end:
            self._tail.keep(data[pos:])

    def _one(self, kind: int, data: bytes, pos: int, end: int) -> bytes | None:
        """Look at one message. A chain rather than a table, the most frequent first: compiled, it is plain calls."""
        if kind == ord("2"):
            return self._bind_complete()
        if kind == ord("T"):
            return self._row_description(data, pos, end)
        if kind == ord("C"):
            return self._command_complete(data, pos, end)
        if kind == ord("Z"):
            return self._ready(data, pos, end)
        if kind == ord("1"):
            return self._parse_complete()
        if kind == ord("3"):
            return self._close_complete()
        if kind == ord("E"):
            return self._error(data, pos, end)
        if kind == ord("G"):
            return self._copy_in()
        if kind == ord("H"):
            self._running().layout = b""
        elif kind == ord("I"):
            return self._empty()
        elif kind == ord("S"):
            return self._parameter(data, pos, end)
        elif kind == ord("V"):
            return self._called(data, pos, end)
        elif kind == ord("n"):
            return self._no_data()
        elif kind == ord("s"):
            return self._suspended()
        elif kind == ord("t"):
            return self._parameters(data, pos, end)
        elif kind not in _KNOWN:
            raise Malformed(f"a message of kind {kind}")
        return None

    def _head(self, kinds: int) -> Expected:
        queue = self._talk.queue
        if queue and queue[0].kind & kinds:
            return queue[0]
        raise Malformed("an answer that nobody waits for")

    def _running(self) -> Run:
        queue = self._talk.queue
        if queue:
            run = queue[0].run
            if run is not None and queue[0].kind & RUNS:
                return run
        raise Malformed("a result that nobody waits for")

    def _bulk(self, data: bytes, pos: int, kind: int) -> int:
        """Rows at `pos`. Returns where they end; an incomplete one streams. Returns `pos` to wait for the rest."""
        run = self._running()
        stop, count = skip(data, pos, kind)
        if count:
            run.seen += count
            run.size += stop - pos
            if self._keeper is not None:
                self._keeper.keep(run, data[pos:stop], self.done)
            return stop
        size = size_at(data, pos)
        if self._keeper is not None:
            if self._keeper.fits(run, size):
                return pos
            self._keeper.cut(run, self.done)
        run.seen += 1
        run.size += size
        self.rest = pos + size - len(data)
        return len(data)

    # -- one message each -------------------------------------------------------------------------------------------

    def _parse_complete(self) -> bytes | None:
        self._talk.names.accept(self._head(PARSE).extra)
        self._talk.pop()
        return None

    def _bind_complete(self) -> bytes | None:
        portal: Portal = self._head(BIND).extra
        portal.accept()
        self._talk.pop()
        return None

    def _close_complete(self) -> bytes | None:
        change = self._head(CLOSE).extra
        if change is not None:
            self._talk.closed(change)
        self._talk.pop()
        return None

    def _row_description(self, data: bytes, pos: int, end: int) -> bytes | None:
        columns = self._talk.headings.columns(body := data[pos:end])
        owed = self._head(QUERY | EXECUTE | DESCRIBE)
        run = owed.run
        layout = body if self._keeper is not None else b""
        if run is not None:
            run.describe(columns, layout, more=owed.kind == QUERY)
        if owed.kind == DESCRIBE:
            if owed.extra is not None:
                owed.extra.describe(columns, layout)
            self._talk.pop()
        return None

    def _no_data(self) -> bytes | None:
        self._head(DESCRIBE)
        self._talk.pop()
        return None

    def _parameters(self, data: bytes, pos: int, end: int) -> bytes | None:
        text = self._head(DESCRIBE).extra
        if not isinstance(text, Text):
            raise Malformed("parameters of something that is no statement")
        text.types = data[pos:end]
        return None

    def _command_complete(self, data: bytes, pos: int, end: int) -> bytes | None:
        run = self._running()
        within(pos + 1, end)
        headings = self._talk.headings
        headings.read_tag(data[pos : end - 1])
        tag = headings.tag
        run.tags.append(tag)
        run.rows += headings.count or run.seen
        run.seen = 0
        if run.changes and run.changes[0][0] == tag:
            self._talk.names.accept(run.changes.pop(0)[1])
        self._talk.copying = None
        if self._talk.queue[0].kind == EXECUTE:
            self._finish(run)
        return None

    def _empty(self) -> bytes | None:
        run = self._running()
        run.tags.append("")
        if self._talk.queue[0].kind == EXECUTE:
            self._finish(run)
        return None

    def _suspended(self) -> bytes | None:
        run = self._running()
        self._head(EXECUTE)
        run.rows += run.seen
        run.seen = 0
        run.tags.append("suspended")
        self._finish(run)
        return None

    def _called(self, data: bytes, pos: int, end: int) -> bytes | None:
        run = self._head(CALL).run
        assert run is not None
        run.size += end - pos + HEADER
        run.rows = 1
        run.tags.append("CALL")
        if self._keeper is not None:
            self._keeper.keep_one(run, data, pos - HEADER, end, self.done)
        return None

    def _finish(self, run: Run) -> None:
        """An Execute is answered. What stands right before a Sync has succeeded only when that has (it commits)."""
        talk = self._talk
        talk.pop()
        if talk.queue and talk.queue[0].kind == SYNC:
            talk.queue[0].extra.append(run)
        else:
            talk.complete(run, self.at, self.done)
        talk.withdraw(run)

    def _parameter(self, data: bytes, pos: int, end: int) -> bytes | None:
        name, value = read_parameter_status(data[pos:end])
        self._talk.told(name, value)
        return None

    def _copy_in(self) -> bytes | None:
        """The target reads CopyData now, of which nothing was sent yet. It ignores every Sync up to there."""
        talk = self._talk
        talk.copying = self._running()
        for expected in talk.queue:
            if expected.kind == SYNC:
                talk.unsynced += expected.extra
        talk.queue = [expected for expected in talk.queue if expected.kind != SYNC]
        return None

    def _ready(self, data: bytes, pos: int, end: int) -> bytes | None:
        talk = self._talk
        if talk.swallowing and not talk.queue:
            talk.swallowing = False  # a Sync that was sent into a COPY which had failed already
            return None
        owed = self._head(QUERY | CALL | SYNC | REFUSED_QUERY)
        kind, run = owed.kind, owed.run
        self.status = data[pos] if end > pos else 0
        talk.pop()
        talk.copying = None
        if run is not None:
            talk.complete(run, self.at, self.done)
            self._talk.withdraw(run)
            if kind == QUERY:
                talk.names.known.pop(b"", None)
        elif kind == SYNC:
            runs: list[Run] = owed.extra
            for waiting in runs:
                if not waiting.tags:
                    waiting.tags.append("BIND")
                talk.complete(waiting, self.at, self.done)
        if self.status == ord("I") and talk.portals:
            talk.out_of_transaction()
        return None

    # -- errors -----------------------------------------------------------------------------------------------------

    def _error(self, data: bytes, pos: int, end: int) -> bytes | None:
        talk = self._talk
        said = errors.read(data[pos:end])
        self.farewell = said.severity in ("FATAL", "PANIC")
        talk.copying = None
        if not talk.queue or self.farewell:
            for open_ in talk.open.values():
                if not open_.error:
                    open_.error, open_.message = said.sqlstate, said.message
            return None
        owed = talk.queue[0]
        kind, run, extra = owed.kind, owed.run, owed.extra
        if kind == REFUSED_QUERY:
            return extra if said.sqlstate in POISONED else None
        if kind == SYNC and extra:
            run = extra[-1]
        if run is not None and not run.error:
            run.error, run.message = said.sqlstate, said.message
        if kind == PARSE:
            self._not_parsed(extra, said)
        if kind & EXTENDED:
            self._skip()
            if kind == REFUSED and said.sqlstate in POISONED:
                return extra  # type: ignore[no-any-return]
        return None

    def _not_parsed(self, change: Pending, said: errors.Complaint) -> None:
        """A text was turned down: the statement that was to run it has come to that. Where there is none, to have it
        prepared was a statement of its own."""
        talk, text = self._talk, change.text
        assert text is not None
        for owed in talk.queue:
            if owed.kind == SYNC:
                break
            if owed.kind == BIND and owed.run is not None and owed.extra.text is text:
                owed.run.error, owed.run.message = said.sqlstate, said.message
                return
        run = talk.submit("parse", text.text, self.at, self.done, name=shown(change.name or b""))
        run.error, run.message = said.sqlstate, said.message
        talk.complete(run, self.at, self.done)

    def _skip(self) -> None:
        """The first expectation failed: the target ignores everything up to the next Sync."""
        talk = self._talk
        tried = True
        while talk.queue and talk.queue[0].kind != SYNC:
            owed = talk.queue.pop(0)
            kind, run, extra = owed.kind, owed.run, owed.extra
            if isinstance(extra, Pending):
                talk.names.reject(extra, tried=tried)
            elif kind & (BIND | CLOSE) and extra is not None:
                talk.unbind(extra)
            if run is not None and kind != DESCRIBE:
                if not run.error:
                    run.error = SKIPPED
                talk.complete(run, self.at, self.done)
                self._talk.withdraw(run)
            tried = False
        talk.swallowing = not talk.queue
