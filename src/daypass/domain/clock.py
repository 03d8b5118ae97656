"""A clock that deadlines can be kept by: it says what time of day it is, and cannot be set while it runs.

A deadline is an absolute time of day, and the machine's time of day can be stepped: by an administrator, by a virtual
machine's host, by a time service that was wrong. So the time of day is read once, at the start; from there a counter
that nobody can set, and that counts while the machine is suspended (Linux: CLOCK_BOOTTIME), says how much later it is.
A step of an hour, either way, then neither ends nor extends anything that is running; after a restart the time of day
rules again. Small differences are followed, as the counter is no better than the machine's oscillator.

Pure: both sources are given to it, in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

FOLLOW_NS: Final = 1_000_000_000
"""A difference that is smaller is taken as the oscillator's, or a time service's correction of it; a larger one is a
step. A second's worth of deadline is what a step can gain at most."""

FOLLOW_RATE: Final = 1000
"""It is followed by at most a thousandth of the time that passes: nothing runs backwards, and even steps of just under
a second, one after another, gain no more than four seconds an hour."""


FOLLOW_EVERY_NS: Final = 1_000_000
"""The time of day is looked at after as much as this has passed: it is asked for with every statement."""


class SteadyClock:
    """Time since 1970 by a counter. `wall` is the machine's time of day, `counter` the clock that cannot be set."""

    def __init__(self, wall: Callable[[], int], counter: Callable[[], int]) -> None:
        self._wall = wall
        self._counter = counter
        self._counted: i64 = counter()
        self._ns: i64 = wall()
        self._said: i64 = self._ns

    def now_ns(self) -> int:
        """Nanoseconds since 1970. Never less than it said before."""
        counted: i64 = self._counter()
        passed: i64 = counted - self._counted
        if not 0 <= passed < FOLLOW_EVERY_NS:
            if passed > 0:
                self._follow(passed)
            self._counted = counted
            passed = 0
        now: i64 = self._ns + passed
        if now > self._said:
            self._said = now
        return self._said

    def _follow(self, passed: i64) -> None:
        self._ns += passed
        wall: i64 = self._wall()
        off: i64 = wall - self._ns
        if -FOLLOW_NS < off < FOLLOW_NS:
            most: i64 = passed // FOLLOW_RATE
            self._ns += max(-most, min(off, most))

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return self.now_ns() // 1000

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.now_ns() // 1_000_000

    def stepped_ms(self) -> int:
        """How far the machine's time of day is ahead of this (negative: behind), if it was stepped; otherwise 0."""
        off = self._wall() - self.now_ns()
        return off // 1_000_000 if abs(off) >= FOLLOW_NS else 0
