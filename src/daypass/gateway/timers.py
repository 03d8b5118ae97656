"""Deadlines: one absolute time for each grant with open sessions, kept by the clock that is given, and by nobody else.

That clock cannot be set while we run and counts a suspend (domain/clock.py); a loop's timers stand still in one. So the
next deadline is armed as a timer, and compared with the clock at least every second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadlines:
    """Calls `due` with a grant once its time (ms since 1970) has come."""

    def __init__(self, now_ms: Callable[[], int], due: Callable[[str], None], clock_seconds: float) -> None:
        self._now_ms = now_ms
        self._due = due
        self._clock_seconds = clock_seconds
        self._at: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def arm(self, grant: str, at: int) -> None:
        """This grant ends at `at`, whatever was armed before."""
        self._at[grant] = at
        self._wind()

    def move(self, grant: str, at: int) -> None:
        """As `arm`, but only for a grant that is armed."""
        if grant in self._at:
            self.arm(grant, at)

    def disarm(self, grant: str) -> None:
        self._at.pop(grant, None)
        self._wind()

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._at:
            left = (min(self._at.values()) - self._now_ms()) / 1000
            seconds = max(0.0, min(left, self._clock_seconds))
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._now_ms()
        for grant in [grant for grant, at in self._at.items() if at <= now]:
            del self._at[grant]
            self._due(grant)
        self._wind()
