"""How things look in the terminal: tables, times, lengths. Text of others loses its control characters first."""

from __future__ import annotations

import datetime
import json
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from daypass.domain.durations import duration_text

CELL_CHARACTERS_MAX = 60
"""Wider cells make a table wrap, and then nothing lines up."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def clean(text: object) -> str:
    """`text` in one line, with everything that could steer a terminal made visible."""
    return _CONTROL.sub(lambda found: _visible(found[0]), str(text))


def clean_lines(text: str) -> str:
    """The same, but line ends and tabs stay. `\\r\\n` becomes `\\n`."""
    return _CONTROL_IN_LINES.sub(lambda found: _visible(found[0]), text.replace("\r\n", "\n"))


def _visible(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else ("␡" if code == 0x7F else f"\\u{code:04x}")


def when(t: int | None) -> str:
    """A time in UTC, to the second."""
    if t is None:
        return "-"
    return datetime.datetime.fromtimestamp(t / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def until(t: int | None) -> str:
    """How far `t` is from now: `in 12m`, `3h ago`."""
    if t is None:
        return "-"
    away = t - int(time.time() * 1000)
    return f"in {brief(away)}" if away > 0 else f"{brief(-away)} ago"


def brief(ms: int) -> str:
    """A length of time in its two largest units."""
    return "".join(re.findall(r"\d+[dhms]", duration_text(ms))[:2])


def short(id: str | None) -> str:
    """The end of an id: enough to name it again, as its beginning is the time and so much alike."""
    return id[-8:] if id else "-"


def as_json(value: Any) -> None:
    """Print as JSON: one object, or a list of them."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=True)
    print()


def table(head: Sequence[str], rows: Iterable[Sequence[object]], empty: str, *, whole: bool = False) -> None:
    """Print aligned columns, or the sentence `empty`. `whole`: nothing is cut, as it is what somebody came for."""
    cells = [[clean(cell) if whole else _cut(clean(cell)) for cell in row] for row in rows]
    if not cells:
        print(empty)
        return
    widths = [max(_width(row[n]) for row in [list(head), *cells]) for n in range(len(head))]
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    print(bold + _line([name.upper() for name in head], widths) + plain)
    for row in cells:
        print(_line(row, widths))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cut(text: str) -> str:
    return text if len(text) <= CELL_CHARACTERS_MAX else text[: CELL_CHARACTERS_MAX - 1] + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)
