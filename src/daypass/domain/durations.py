"""Lengths of time and sizes as people write them (`30m`, `64MiB`), and back. Refuses to guess: numbers need a unit."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

LONGEST_MS = 3660 * DAY_MS
"""Ten years: what is longer is a slip, and would overflow what prints dates."""

_UNITS = {"d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS, "s": SECOND_MS}
_NAMES = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_SIZE = re.compile(r"(\d{1,9})\s?(B|KiB|MiB|GiB)", re.ASCII)
_SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def duration_ms(text: str) -> int:
    """Return the milliseconds that `text` says: `90s`, `30m`, `1h30m`, `2d`. Anything else, or zero: ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise ValueError("a length of time with its unit, like 30m, 1h30m or 2d")
    total = sum(int(count) * unit for count, unit in zip(found.groups(), _UNITS.values(), strict=True) if count)
    if not 0 < total <= LONGEST_MS:
        raise ValueError("a length of time between 1s and 3660d")
    return total


def duration_text(ms: int) -> str:
    """Return `ms` in the form that `duration_ms` reads, its seconds rounded down; `0s` when less than one."""
    return "".join(f"{count}{unit}" for count, unit in _parts(ms)) or "0s"


def spoken_duration(ms: int) -> str:
    """Return `ms` for a sentence: `1 hour 30 minutes`."""
    parts = [f"{count} {_NAMES[unit]}{'' if count == 1 else 's'}" for count, unit in _parts(ms)]
    return " ".join(parts) or "less than a second"


def as_datetime(t: int) -> datetime:
    """The instant `t` (ms since 1970) in UTC."""
    return datetime.fromtimestamp(t / 1000, UTC)


def instant_ms(text: str) -> int:
    """The instant that an ISO 8601 text with a zone names, in ms since 1970. Anything else: ValueError."""
    try:
        found = datetime.fromisoformat(text.strip())
        if found.tzinfo is not None and found.year >= 1970:
            return round(found.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise ValueError("an instant with its zone, like 2026-11-23T14:05:00Z")


def spoken_time(t: int) -> str:
    """Return the instant `t` for a sentence: `2026-11-23 14:05:00 UTC`."""
    return as_datetime(t).strftime("%Y-%m-%d %H:%M:%S UTC")


def _parts(ms: int) -> list[tuple[int, str]]:
    """Days, hours, minutes and seconds, without those that are zero; parts of a second are dropped."""
    left, parts = max(ms, 0), []
    for name, unit in _UNITS.items():
        count, left = divmod(left, unit)
        if count:
            parts.append((count, name))
    return parts


def size_bytes(text: str) -> int:
    """Return the bytes that `text` says: `512KiB`, `64MiB`. Raises ValueError on anything else, zero too."""
    found = _SIZE.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise ValueError("a size with its unit, like 512KiB or 64MiB")
    return int(found[1]) * _SIZES[found[2]]
