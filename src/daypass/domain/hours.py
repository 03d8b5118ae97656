"""Hours of the week, as a wall clock in some place shows them: when a rule holds, and when people are there to decide.

A window belongs to the day that it begins on: `22:00` to `06:00` on Fridays holds on Saturday at 03:00 and not on
Friday at 03:00. What a wall clock shows in a place is the place's own business, summer time included. Pure: the
instant is an argument.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from daypass.domain.durations import MINUTE_MS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60

WINDOWS_MAX = 4000
"""Days that are walked over to count open hours: ten years. Nothing waits that long."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From minute `start` of each of `days` (0: Monday) to minute `end`, which is on the next day unless it is later
    than `start`. `zone` is an IANA name."""

    start: int
    end: int
    days: frozenset[int]
    zone: str

    def holds(self, t: int) -> bool:
        """Whether the instant `t` (ms since 1970) is within."""
        local = datetime.fromtimestamp(t / 1000, zone_of(self.zone))
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        # Right after midnight it is still the window of the day before.
        return (today in self.days and minute >= self.start) or ((today - 1) % 7 in self.days and minute < self.end)

    def after(self, t: int, ms: int) -> int:
        """The instant at which `ms` within these hours have passed since `t`. Nobody is there at other times. Where
        that is more than `WINDOWS_MAX` days away, it is the end of the last of these: years from now, never sooner."""
        left, end = ms, t + ms
        for begin, end in self._windows(t):
            begin = max(begin, t)
            if begin >= end:
                continue
            if left <= end - begin:
                return begin + left
            left -= end - begin
        return max(end, t + ms)

    def _windows(self, t: int) -> Iterator[tuple[int, int]]:
        zone = zone_of(self.zone)
        first = datetime.fromtimestamp(t / 1000, zone).date() - timedelta(days=1)
        for n in range(WINDOWS_MAX):
            day = first + timedelta(days=n)
            if day.weekday() in self.days:
                end_day = day if self.start < self.end else day + timedelta(days=1)
                yield _instant(day, self.start, zone), _instant(end_day, self.end, zone)

    def __str__(self) -> str:
        """For a sentence: `mon, fri from 22:00 to 06:00 (Europe/Berlin)`."""
        days = "every day" if len(self.days) == 7 else ", ".join(DAYS[day] for day in sorted(self.days))
        return f"{days} from {_clock(self.start)} to {_clock(self.end)} ({self.zone})"


def zone_of(name: str) -> tzinfo:
    """The time zone of this IANA name. Raise ValueError for one that there is not."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone's name, like Europe/Berlin") from None


def zone_name(text: str) -> str:
    """The text, if it is the name of a time zone. Otherwise ValueError."""
    zone_of(text)
    return text


def minute_of_day(text: str) -> int:
    """The minute of the day that `08:30` says; `24:00` is the end of it. Anything else: ValueError."""
    hour, colon, minute = text.partition(":")
    if colon and len(minute) == 2 and f"{hour}{minute}".isdecimal() and text.isascii() and 1 <= len(hour) <= 2:
        found = int(hour) * 60 + int(minute)
        if int(minute) < 60 and found <= DAY_MINUTES:
            return found
    raise ValueError("a time of day, like 08:30")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _instant(day: date, minute: int, zone: tzinfo) -> int:
    if minute == DAY_MINUTES:
        day, minute = day + timedelta(days=1), 0
    local = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return int(local.timestamp()) * 1000 // MINUTE_MS * MINUTE_MS
