"""What a console tells of its statements, and how much of it: part of `console`."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Any

from daypass.protocols.console import Cells, Columns, Dropped, Finished, Remark, Said

Line = dict[str, Any]
"""Something that is told, as the API writes it."""


@dataclass(frozen=True, slots=True)
class ConsoleBounds:
    """Every limit of a console. The defaults serve; tests bring smaller ones."""

    consoles_max: int = 4
    """Of one person at once: each is a session at a target, and a person reads one screen."""
    consoles_here_max: int = 100
    """On this node at once."""
    rows_max: int = 100_000
    """Rows of one statement that are handed on; a page can still scroll so many."""
    bytes_max: int = 64 * 1024 * 1024
    """Bytes of rows of one statement that are handed on: what a browser holds without trouble."""
    passed_over_bytes_max: int = 256 * 1024 * 1024
    """Bytes of rows beyond that are read and dropped before the statement is stopped. To stop it at once would undo a
    change that only returned too many rows."""
    statement_seconds: float = 600.0
    """How long one statement may run before it is stopped: what takes longer is no work for a page."""
    stopping_seconds: float = 10.0
    """How long a statement that was stopped may take to end before the console is closed over it."""
    opening_seconds: float = 60.0
    """From connecting to the first answer: the gateway's own limits are shorter."""
    idle_seconds: float = 900.0
    """How long nothing may be asked: an open transaction holds locks, and who comes back opens a new one."""
    away_seconds: float = 15.0
    """How long a console stays when the page that followed it is gone: a broken connection comes back sooner."""
    waiting_bytes: int = 1024 * 1024
    """Bytes of rows that wait to be taken before reading stops."""
    standing_seconds: float = 1.0
    """How often it is looked whether who opened it still stands, besides before each statement."""
    kept_seconds: float = 300.0
    """How long one that is over can still be asked why."""


class Result:
    """What one statement gives: rows within the limits, the rest counted."""

    def __init__(self, rows_max: int, bounds: ConsoleBounds) -> None:
        self._rows_max = rows_max
        self._bytes_max = bounds.bytes_max
        self._over_max = bounds.passed_over_bytes_max
        self._rows = self._dropped = self._bytes = self._over = 0

    @property
    def endless(self) -> bool:
        return self._over > self._over_max

    def lines(self, said: Said, start: int, began: float) -> list[Line]:
        match said:
            case Columns(columns):
                self._rows = self._dropped = 0
                return [{"kind": "columns", "columns": [{"name": name, "type": type} for name, type in columns]}]
            case Cells(rows, size):
                return self._cells(list(rows), size)
            case Dropped(size):
                self._dropped += 1
                self._over += size
            case Finished(tag):
                took = round((monotonic() - began) * 1000, 1)
                return [{"kind": "done", "tag": tag, "rows": self._rows, "dropped": self._dropped, "ms": took}]
            case Remark(error=True):
                line = {"kind": "error", **told(said)}
                return [{**line, "position": start + said.position - 1 if said.position else None}]
            case Remark():
                return [{"kind": "notice", **told(said)}]
            case _:
                pass
        return []

    def _cells(self, rows: list[Any], size: int) -> list[Line]:
        room = self._rows_max - self._rows if self._bytes < self._bytes_max else 0
        kept = rows[: max(0, room)]
        self._rows += len(kept)
        self._dropped += len(rows) - len(kept)
        if kept:
            self._bytes += size
            return [{"kind": "rows", "rows": kept}]
        self._over += size
        return []


def told(said: Remark) -> Line:
    """A remark, as it is told."""
    return {
        "severity": said.severity,
        "code": said.code,
        "message": said.message,
        "detail": said.detail,
        "hint": said.hint,
    }


def limit(message: str, hint: str = "") -> Line:
    return {"kind": "notice", "severity": "LIMIT", "code": "", "message": message, "detail": "", "hint": hint}
