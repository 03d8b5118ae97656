"""Deadlines: one absolute time for each grant with open sessions, kept by the clock that is given, and by nobody else.

That clock cannot be set while we run and counts a suspend (domain/clock.py); a loop's timers stand still in one. So the
next deadline is armed as a timer, and compared with the clock at least every second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence


class Deadlines:
    """Calls `due` with a grant once its time (ms since 1970) has come, and `soon` with a grant, the milliseconds that
    are left once these are no more than one of `warn_before_ms`, and by how many it may be extended (None: by none)."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        due: Callable[[str], None],
        clock_seconds: float,
        soon: Callable[[str, int, int | None], None] = lambda grant, left_ms, extend_ms: None,
        warn_before_ms: Sequence[int] = (),
    ) -> None:
        self._now_ms = now_ms
        self._due = due
        self._clock_seconds = clock_seconds
        self._soon = soon
        self._warn_before_ms = sorted(warn_before_ms)
        self._at: dict[str, int] = {}
        self._extend_ms: dict[str, int | None] = {}
        self._told: dict[str, int] = {}
        """By grant, the shortest time left that need not be told of any more."""
        self._timer: asyncio.TimerHandle | None = None

    def arm(self, grant: str, at: int, extend_ms: int | None = None) -> None:
        """This grant ends at `at`, and may be extended by so much, whatever was armed before."""
        self._extend_ms[grant] = extend_ms
        if self._at.get(grant) != at:
            self._at[grant] = at
            self._told[grant] = at - self._now_ms()  # whoever comes with four minutes left knows that it is not five
        self._wind()

    def move(self, grant: str, at: int, extend_ms: int | None) -> None:
        """As `arm`, but only for a grant that is armed."""
        if grant in self._at:
            self.arm(grant, at, extend_ms)

    def disarm(self, grant: str) -> None:
        self._forget(grant)
        self._wind()

    def at(self, grant: str) -> int | None:
        """The deadline that is armed for this grant."""
        return self._at.get(grant)

    def _forget(self, grant: str) -> None:
        for kept in (self._at, self._extend_ms, self._told):
            kept.pop(grant, None)

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._at:
            left = (min(self._at.values()) - self._now_ms()) / 1000
            seconds = max(0.0, min(left, self._clock_seconds))
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _warn(self, grant: str, left_ms: int) -> None:
        told = self._told[grant]
        due = [before for before in self._warn_before_ms if left_ms <= before < told]
        if due:
            self._told[grant] = due[0]
            self._soon(grant, left_ms, self._extend_ms[grant])

    def _look(self) -> None:
        self._timer = None
        now = self._now_ms()
        for grant in [grant for grant, at in self._at.items() if at <= now]:
            self._forget(grant)
            self._due(grant)
        for grant, at in list(self._at.items()):
            self._warn(grant, at - now)
        self._wind()
