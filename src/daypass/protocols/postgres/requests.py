"""From the client to the target: record, then forward whole.

Each handler looks at one complete message and says what goes on in its place: None, the message as it is; bytes,
something else or nothing. CopyData streams. A name that depends on an answer still to come stops the reading.
"""

from __future__ import annotations

from typing import Any, Final

from daypass.protocols.interface import TARGET, Send
from daypass.protocols.postgres.frames import HEADER, Malformed, Tail, TooLarge, bodies, size_at, skip, whole, within
from daypass.protocols.postgres.messages import FLUSH, i32, shown, string
from daypass.protocols.postgres.refusals import (
    POISON,
    POISON_QUERY,
    forbidden,
    outside,
    unknown_error,
    unknown_reason,
)
from daypass.protocols.postgres.rows import laid_out
from daypass.protocols.postgres.statements import ALONE, Ambiguous, Portal, Run, Text
from daypass.protocols.postgres.steady import begin, expand
from daypass.protocols.postgres.talk import (
    BIND,
    CALL,
    CLOSE,
    DESCRIBE,
    EXECUTE,
    PARSE,
    PIPELINE_MAX,
    QUERY,
    REFUSED,
    REFUSED_QUERY,
    SYNC,
    Talk,
)
from daypass.protocols.postgres.traits import NAME_BYTES_MAX, NOTHING, Traits, traits

COPY_DATA: Final = 0x64
_COPYING: Final = frozenset(b"dcfHSX")
"""What may be said inside a COPY. The target answers anything else by ending the session, as its bytes are in doubt."""
_KNOWN: Final = frozenset(b"QPBDECSHFcfXd")


class Requests:
    """The half of a session that reads the client."""

    __slots__ = ("_drop", "_fresh", "_tail", "_talk", "at", "held", "left", "out", "rest")

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._tail = Tail()
        self.rest = 0  # bytes of a CopyData that streams which have not come
        self._drop = False  # the CopyData that streams is not forwarded; one whose beginning was goes on to its end
        self._fresh: list[tuple[bytes, Text]] = []
        self.held: bytes | None = None  # not looked at until an answer comes
        self.left = False  # the client said Terminate
        self.at = 0.0
        self.out: list[Any] = []

    @property
    def wants(self) -> bool:
        return self.held is None and len(self._talk.queue) < PIPELINE_MAX

    def take(self, data: bytes, at: float, out: list[Any]) -> None:
        """Take what the client sent. Raises `Malformed`, `TooLarge` or `Overfull`; `out` then has what was recorded."""
        if self.held is not None:
            self.held += data
            if len(self.held) > 2 * self._talk.limits.message_bytes:
                raise TooLarge
            return
        self.at, self.out = at, out
        if self._tail.have:
            whole = self._tail.ready(data)
            if whole is None:
                return
            data = whole
        elif not self.rest and begin(self._talk, data, at, out):
            return
        self._walk(data, len(data) + 1)

    def forget_tail(self) -> None:
        """No more comes: the beginning of a message is nothing."""
        self._tail = Tail()
        if self.held is not None:
            self.held = whole(self.held)

    def resume(self, at: float, out: list[Any]) -> None:
        """An answer came: look again at what was held back."""
        held, self.held = self.held, None
        if held is not None:
            self.at, self.out = at, out
            self._walk(held, len(held))

    def _walk(self, data: bytes, before: int) -> None:
        expand(self._talk)
        pieces: list[bytes] = []
        pos = self._stream(data) if self.rest else 0
        start = pos if self._drop else 0
        end = len(data)
        while end - pos >= HEADER and not self.left:
            kind = data[pos]
            following = pos + size_at(data, pos)
            if kind == COPY_DATA:
                if self._talk.early:
                    self.held = data[pos:]
                    break
                self._drop = self._talk.swallowing
                following = self._copy(data, pos, following)
                instead = b"" if self._drop else None
            else:
                if following > end or following - pos > self._talk.limits.message_bytes:
                    if kind not in _KNOWN:
                        raise Malformed(f"invalid frontend message type {kind}")
                    if following - pos > self._talk.limits.message_bytes:
                        raise TooLarge(max(following - end, 0))
                    break
                try:
                    instead = self._one(kind, data, pos + HEADER, following)
                except Ambiguous:
                    self.held = data[pos:]
                    break
            if instead is not None:
                if pos > start:
                    pieces.append(data[start:pos])
                if instead:
                    pieces.append(instead)
                start = following
            pos = following
        if pos < end and self.held is None and not self.left:
            self._tail.keep(data[pos:])
        if pos > start:
            pieces.append(data if start == 0 and pos == end else data[start:pos])
        self._send(pieces)
        if self.held is not None and len(self.held) < before and self.held[0] in _COPYING:
            self.out.append(Send(TARGET, FLUSH))  # once for each hold: the answer that is waited for may wait for more

    def _one(self, kind: int, data: bytes, pos: int, end: int) -> bytes | None:
        """Look at one message. A chain rather than a table, the most frequent first: compiled, it is plain calls."""
        if self._talk.copying is not None and kind not in _COPYING:
            raise Malformed(f"a message of type {kind} inside a COPY")
        if kind == ord("B"):
            return self._bind(data, pos, end)
        if kind == ord("D"):
            return self._describe(data, pos)
        if kind == ord("E"):
            return self._execute(data, pos)
        if kind == ord("S"):
            return self._sync()
        if kind == ord("Q"):
            return self._query(data, pos, end)
        if kind == ord("P"):
            return self._parse(data, pos, end)
        if kind == ord("C"):
            return self._close(data, pos)
        if kind == ord("H"):
            return b"" if self._talk.swallowing else None
        if kind == ord("c") or kind == ord("f"):
            return self._copy_end()
        if kind == ord("F"):
            return self._call(data, pos, end)
        if kind == ord("X"):
            self.left = True
            return None
        raise Malformed(f"invalid frontend message type {kind}")

    def _send(self, pieces: list[bytes]) -> None:
        for name, text in self._fresh:
            if not text.told:
                self._talk.prepared(name, text, self.out)
        self._fresh.clear()
        if pieces:
            self.out.append(Send(TARGET, pieces[0] if len(pieces) == 1 else b"".join(pieces)))

    # -- COPY, which streams ----------------------------------------------------------------------------------------

    def _stream(self, data: bytes) -> int:
        """The next part of a CopyData that began before. Returns where it ends."""
        part = data[: self.rest]
        self.rest -= len(part)
        self._copied(part)
        return len(part)

    def _copy(self, data: bytes, pos: int, following: int) -> int:
        """CopyData at `pos`, and all complete ones behind it. Returns where they end, or the data does."""
        stop, count = skip(data, pos, COPY_DATA)
        if count:
            found = bodies(data, pos, stop)
            self._copied(found[0] if count == 1 else b"".join(found))
            return stop
        self.rest = following - len(data)
        self._copied(data[pos + HEADER :])
        return len(data)

    def _copied(self, payload: bytes) -> None:
        if not self._drop and self._talk.copying is not None:
            self._talk.copying.copy(payload)

    def _copy_end(self) -> bytes | None:
        if self._talk.early:
            raise Ambiguous
        self._talk.copying = None
        return b"" if self._talk.swallowing else None

    # -- statements -------------------------------------------------------------------------------------------------

    def _query(self, data: bytes, pos: int, end: int) -> bytes | None:
        talk = self._talk
        if data[end - 1] != 0:
            raise Malformed("a query without an end")
        if talk.swallowing:
            return b""
        text = data[pos : end - 1]
        found = talk.traits(text)
        if found.leaves or talk.guard is not None:
            why = forbidden(text, found.leaves and not talk.keeps, talk.guard, talk.odd_strings)
            if why is not None:
                return self._refuse_query(text, why)
        if found is NOTHING:
            run = talk.submit("query", text, self.at, self.out)
        else:
            behind = talk.resolve(found)
            if behind is None:
                return self._refuse_query(text, (unknown_reason(found.executes), unknown_error(found.executes)))
            names = ", ".join(shown(name) for name in found.executes)
            run = talk.submit("query", text, self.at, self.out, name=names, resolved=behind.text, sure=behind.sure)
            self._effects(run, found)
        talk.expect(QUERY, run, None)
        talk.names.group += 1
        return None

    def _effects(self, run: Run, found: Traits) -> None:
        """Expect what a text does to names, now that it is about to be sent."""
        names = self._talk.names
        self._talk.doubt_after(found)
        for change in found.changes:
            text = None if change.text is None else Text(change.text, traits=traits(change.text))
            if text is not None:
                text.told = True
                text.verified = not found.opaque
            run.changes.append((change.tag, names.propose(change.name, text)))

    def _parse(self, data: bytes, pos: int, end: int) -> bytes | None:
        if self._talk.swallowing:
            return b""
        name, pos = string(data, pos)
        source, pos = string(data, pos)
        within(pos, end)
        talk = self._talk
        text = Text(source, data[pos:end], talk.traits(source))
        if text.traits.leaves or talk.guard is not None:
            why = forbidden(source, text.traits.leaves and not talk.keeps, talk.guard, talk.odd_strings)
            if why is not None:
                return self._refuse_extended(source, why)
        change = self._talk.names.propose(name, text)
        self._talk.expect(PARSE, None, change)
        self._fresh.append((name, text))
        return None

    def _bind(self, data: bytes, pos: int, end: int) -> bytes | None:
        talk = self._talk
        if talk.swallowing:
            return b""
        portal, pos = string(data, pos)
        portal = portal[:NAME_BYTES_MAX]
        name, pos = string(data, pos)
        within(pos, end)
        text = talk.names.look_up(name)
        if text is None:
            return self._refuse_unknown(b"", (name,))
        behind = ALONE
        if text.traits is not NOTHING:
            resolved = talk.resolve(text.traits)
            if resolved is None:
                return self._refuse_unknown(text.text, text.traits.executes)
            behind = resolved
            talk.doubt_after(text.traits)
        values = b"" if data[pos : pos + 4] == b"\0\0\0\0" else text.types + data[pos:end]
        talk.ran_in = talk.names.group
        run = talk.submit_prepared("bind", text, name, values, self.at, self.out, behind=behind)
        bound = Portal(portal, text, run, values, talk.names.group)
        bound.behind = behind
        bound.layout = run.layout = laid_out(text.layout, data, pos)
        talk.hold_portal(bound, run)
        talk.expect(BIND, run, bound)
        return None

    def _execute(self, data: bytes, pos: int) -> bytes | None:
        talk = self._talk
        if talk.swallowing:
            return b""
        name, _ = string(data, pos)
        name = name[:NAME_BYTES_MAX]
        talk.ran_in = talk.names.group
        portal = talk.portal(name)
        if portal is None:
            talk.doubt()  # it may be a cursor of SQL, over any function
            run = talk.submit("execute", b"", self.at, self.out, name=shown(name), sure=False)
            talk.expect(EXECUTE, run, None)
            return None
        text, behind, run_, sure = portal.text, portal.behind, portal.run, portal.sure
        found = text.traits
        if found.executes:  # which says what it is only now, or did when the portal was executed before
            again = talk.resolve(found)
            sure = sure and again == behind
            behind = again or behind
        if run_ is not None and sure:
            portal.run = None
            del talk.bound[run_.n]
        else:
            values = portal.values
            run_ = talk.submit_prepared("execute", text, name, values, self.at, self.out, behind=behind, sure=sure)
            run_.layout = portal.layout
        if found is not NOTHING:
            self._effects(run_, found)
        talk.expect(EXECUTE, run_, None)
        return None

    def _describe(self, data: bytes, pos: int) -> bytes | None:
        talk = self._talk
        if talk.swallowing:
            return b""
        name, _ = string(data, pos + 1)
        if data[pos] == ord("S"):
            text = talk.names.look_up(name)
            if text is None:
                return self._refuse_unknown(b"", (name,))
            talk.expect(DESCRIBE, None, text)
        else:
            portal = talk.portal(name[:NAME_BYTES_MAX])
            known = portal if portal is not None and portal.sure else None
            talk.expect(DESCRIBE, known.run if known is not None else None, known)
        return None

    def _close(self, data: bytes, pos: int) -> bytes | None:
        talk = self._talk
        if talk.swallowing:
            return b""
        name, _ = string(data, pos + 1)
        if data[pos] == ord("S"):
            talk.expect(CLOSE, None, talk.names.propose(name, None))
        else:
            talk.expect(CLOSE, None, talk.close_portal(name[:NAME_BYTES_MAX]))
        return None

    def _sync(self) -> bytes | None:
        talk = self._talk
        if talk.copying is not None:
            return b""  # the target ignores it, unless that COPY has failed: then it must not take it for a later one
        talk.swallowing = False
        runs = talk.unsynced + [portal.run for portal in talk.bound.values() if portal.run is not None]
        talk.unsynced = []
        for portal in talk.bound.values():
            portal.run = None
        talk.bound.clear()
        talk.expect(SYNC, None, runs)
        talk.names.group += 1
        return None

    def _call(self, data: bytes, pos: int, end: int) -> bytes | None:
        talk = self._talk
        if talk.swallowing:
            return b""
        within(pos + 4, end)
        text = b"function %d" % (i32(data, pos) & 0xFFFFFFFF)
        if talk.guard is not None:
            return self._refuse_query(text, outside(talk.guard.call()))
        values = b"" if data[pos + 4 : pos + 8] == b"\0\0\0\0" else b"\0\0" + data[pos + 4 : end]
        run = talk.submit_prepared("call", Text(text), b"", values, self.at, self.out)
        talk.doubt()
        talk.expect(CALL, run, None)
        talk.names.group += 1
        return None

    # -- refusing ---------------------------------------------------------------------------------------------------

    def _refuse_query(self, text: bytes, why: tuple[str, bytes]) -> bytes:
        """`why`: for the record, and for the client."""
        self._talk.refuse(text, why[0], self.out)
        self._talk.expect(REFUSED_QUERY, None, why[1])
        self._talk.names.group += 1
        return POISON_QUERY

    def _refuse_extended(self, text: bytes, why: tuple[str, bytes]) -> bytes:
        self._talk.refuse(text, why[0], self.out)
        self._talk.expect(REFUSED, None, why[1])
        self._talk.swallowing = True
        return POISON

    def _refuse_unknown(self, text: bytes, names: tuple[bytes, ...]) -> bytes:
        return self._refuse_extended(text, (unknown_reason(names), unknown_error(names)))
