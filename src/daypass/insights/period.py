"""The time that a question is about, the one before it, and the parts of it that a chart shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from daypass.domain.durations import DAY_MS
from daypass.domain.errors import Invalid

USUAL_MS = 30 * DAY_MS
LONGEST_MS = 400 * DAY_MS
"""A year and the same month of the one before."""
DAYS_SINGLE_MAX = 45
"""Up to so many days a chart has a point a day, beyond it one a week."""
T_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to before `until` (ms since 1970)."""

    since: int
    until: int

    @classmethod
    def of(cls, since: int | None, until: int | None, now: int) -> Period:
        """By what was asked: up to now, and thirty days. Raise `Invalid` for one that ends before it begins."""
        end = now if until is None else until
        start = end - USUAL_MS if since is None else since
        if not 0 <= start < end <= T_MAX:
            raise Invalid("since has to be before until", hint="times are milliseconds since 1970")
        if end - start > LONGEST_MS:
            raise Invalid(f"a period has at most {LONGEST_MS // DAY_MS} days", hint="choose a shorter one")
        return cls(start, end)

    @property
    def former(self) -> Period:
        """As long, right before."""
        return Period(max(0, 2 * self.since - self.until), self.since)

    def holds(self, t: int | None) -> bool:
        return t is not None and self.since <= t < self.until

    @property
    def step(self) -> int:
        """How long a part is (ms)."""
        return DAY_MS if self.until - self.since <= DAYS_SINGLE_MAX * DAY_MS else 7 * DAY_MS

    @property
    def parts(self) -> list[int]:
        """When its parts begin: whole days (UTC), or seven of them, from the day it begins on."""
        start = self.since // DAY_MS * DAY_MS
        return list(range(start, self.until, self.step))

    def part(self, t: int) -> int:
        """When the part begins that `t` is in."""
        start = self.since // DAY_MS * DAY_MS
        return start + (t - start) // self.step * self.step
