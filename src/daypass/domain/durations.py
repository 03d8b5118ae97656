"""Lengths of time and instants as people write and read them. Pure: it never asks what time it is.

A length is written as `30m`, `4h`, `1h30m`, `2d`, `1w`; inside the program it is an integer of milliseconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from daypass.domain.errors import Invalid

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

DURATION_MAX = 366 * DAY
"""The longest length anything here may have: temporary access, deadlines and retentions all fit into a year."""

_UNITS = {"w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}
_NAMES = {"w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second"}
_SHAPE = re.compile(r"(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
HINT = "write a length of time like 30m, 4h, 1h30m or 2d"


def parse_duration(text: str) -> int:
    """Return the milliseconds that `text` stands for; raise `Invalid` if it is none, is zero, or is over a year."""
    found = _SHAPE.fullmatch(text.strip())
    if not text.strip() or found is None:
        raise Invalid(f"{text!r} is not a length of time", hint=HINT)
    total = sum(int(number) * _UNITS[unit] for number, unit in zip(found.groups(), "wdhms", strict=True) if number)
    if not 0 < total <= DURATION_MAX:
        raise Invalid(f"{text!r} is not between a second and a year", hint=HINT)
    return total


def _parts(ms: int) -> list[tuple[int, str]]:
    """Split into days, hours, minutes and seconds, without those that are zero; parts of a second are dropped."""
    parts = []
    for unit in "dhms":
        count, ms = divmod(ms, _UNITS[unit])
        if count:
            parts.append((count, unit))
    return parts


def short_duration(ms: int) -> str:
    """`1h30m`: what `parse_duration` reads back (`0s` below a second)."""
    return "".join(f"{count}{unit}" for count, unit in _parts(ms)) or "0s"


def spoken_duration(ms: int) -> str:
    """`1 hour 30 minutes`, for sentences."""
    parts = [f"{count} {_NAMES[unit]}{'' if count == 1 else 's'}" for count, unit in _parts(ms)]
    return " ".join(parts) or "less than a second"


def as_datetime(t: int) -> datetime:
    """The instant `t` (ms since 1970) in UTC."""
    return datetime.fromtimestamp(t / 1000, UTC)


def spoken_time(t: int) -> str:
    """`2026-11-23 14:05:00 UTC`."""
    return as_datetime(t).strftime("%Y-%m-%d %H:%M:%S UTC")
