"""Recordings: what happened in a session as asciicast v3 (docs/audit-format.md). Pure.

For SQL too there are readable lines that any player shows (`o`), and beside each the same as data, under codes that
players pass over: `sql.q` (a statement), `sql.d` (result rows), `sql.r` (an outcome). A recording is stored in chunks
of whole lines without a header; `cast_header`, the chunks in order and `cast_footer` are one valid file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from daypass.domain.session import LIVE, Session
from daypass.ledger.quoting import encoded, quoted

MEDIA = "application/x-asciicast"
CHUNK_BYTES = 32 * 1024
"""A chunk that reached this is closed: what is shown first, or erased alone, stays small."""
SHOWN_CHARACTERS = 16 * 1024
"""What of one text the readable lines show; the data beside them has all of it."""
COLUMNS, ROWS = 120, 32
"""The terminal that the readable lines are made for."""

QUESTION, DATA, RESULT = "sql.q", "sql.d", "sql.r"

_ENDS = str.maketrans({chr(code): "�" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"})
# Whoever plays a recording must not have their terminal driven by what was recorded.


class Tape:
    """The lines of one session between two chunks. `last_us` is when its newest event was (None: nothing yet)."""

    __slots__ = ("_lines", "_prompt", "last_us", "size")

    def __init__(self, prompt: str, last_us: int | None) -> None:
        self._prompt = prompt
        self._lines: list[str] = []
        self.last_us = last_us
        self.size = 0

    def question(self, t_us: int, text: str, payload: str) -> None:
        """A statement was sent, or prepared. `payload` is JSON."""
        self._add(t_us, f"{self._prompt}{_shown(text)}\r\n", QUESTION, payload)

    def result(self, t_us: int, line: str, payload: str) -> None:
        """What came of it."""
        self._add(t_us, f"{_shown(line)}\r\n", RESULT, payload)

    def rows(self, t_us: int, rows: Sequence[Sequence[str | None]], cut: bool, payload: str) -> None:
        """Rows as the client saw them; `cut`: what followed was not kept."""
        lines = "".join(f"{_shown(' | '.join('' if one is None else one for one in row))}\r\n" for row in rows)
        self._add(t_us, lines, DATA, payload)
        if cut:
            self._line(0.0, "m", "rows cut here")
            self._line(0.0, "o", "-- more rows were not kept\r\n")

    def mark(self, t_us: int, label: str) -> None:
        """A point that players can jump to."""
        self._line(self._interval(t_us), "m", label)

    def take(self) -> bytes:
        """The lines so far, as the content of a chunk; the tape goes on empty."""
        content = b"".join([encoded(line) for line in self._lines])
        self._lines = []
        self.size = 0
        return content

    def _interval(self, t_us: int) -> float:
        before = t_us if self.last_us is None else self.last_us
        # A clock that was set back makes no negative pause.
        self.last_us = max(before, t_us)
        return (self.last_us - before) / 1_000_000

    def _add(self, t_us: int, shown: str, code: str, payload: str) -> None:
        self._line(self._interval(t_us), code, payload)
        self._line(0.0, "o", shown)

    def _line(self, interval: float, code: str, text: str) -> None:
        line = f'[{interval:.6f},"{code}",{quoted(text)}]\n'
        self._lines.append(line)
        self.size += len(line)


def cast_header(session: Session) -> bytes:
    """The first line of a session's recording."""
    header: dict[str, Any] = {
        "version": 3,
        "term": {"cols": COLUMNS, "rows": ROWS},
        "timestamp": session.opened_at // 1000,
        "title": f"{session.target}:{session.role}, session {session.id}",
    }
    return json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def cast_footer(session: Session) -> bytes:
    """The last lines: a mark where something is known to be missing, and the end of a session that is over."""
    return b"" if session.state in LIVE else ended_lines(session.recording, session.end_reason)


def ended_lines(recording: str, reason: str) -> bytes:
    """The last lines of a session that is over: what its recording is, and why it ended."""
    lines = []
    if recording != "complete":
        lines += [
            '[0.0,"m","gap"]',
            '[0.0,"o","-- this recording has a gap: something that happened is missing\\r\\n"]',
        ]
    lines += [f'[0.0,"m",{quoted(reason)}]', '[0.0,"x","0"]']
    return "".join(f"{line}\n" for line in lines).encode()


def payloads(content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The data of a chunk: each code with its payload. Raises ValueError for what is no chunk."""
    for line in content.split(b"\n"):
        if line:
            _, code, text = json.loads(line)
            if code in (QUESTION, DATA, RESULT):
                yield code, json.loads(text)


def _shown(text: str) -> str:
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[:SHOWN_CHARACTERS]} … ({len(text)} characters)"
    if text.isprintable():
        return text
    return text.replace("\r\n", "\n").translate(_ENDS).replace("\n", "\r\n")
