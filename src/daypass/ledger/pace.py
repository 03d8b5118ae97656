"""How fast the journal is shipped: at once as long as there is time for it, and behind live traffic when there is not.

Up to `CALM_FACTS_PER_SECOND` facts are in the store some tens of milliseconds after they happened. A burst beyond that
is served first: shipping then takes `BUSY_SHARE` of the time, the facts wait on disk where they are safe, and the rest
of the burst is shipped when it is over. It never waits so long that the journal fills: above half of the backlog's
limit shipping goes at full speed again, and at the limit clients are paused. Pure: times are arguments.
"""

from __future__ import annotations

CALM_FACTS_PER_SECOND = 5_000
"""Two facts a statement, so 2,500 statements a second."""
BUSY_SHARE = 0.1
"""What shipping takes of the event loop's time during a burst."""
PAUSE_SECONDS_MAX = 1.0
"""However slow a step was, the next one is not further away than this."""
WINDOW_SECONDS = 0.25
"""Over how long the arrival of facts is counted."""


class Pace:
    """Tells how long to wait before the next batch."""

    def __init__(self, rest_seconds: float) -> None:
        """`rest_seconds` is the wait after a batch that was not full."""
        self._rest = rest_seconds
        self._since = 0.0
        self._number = 0
        self.busy = False

    def arrived(self, number: int, now: float) -> None:
        """The newest durable fact has this number at `now` (seconds, monotonic)."""
        elapsed = now - self._since
        if elapsed >= WINDOW_SECONDS:
            self.busy = (number - self._number) > CALM_FACTS_PER_SECOND * elapsed
            self._since, self._number = now, number

    def pause(self, *, full: bool, crowded: bool, spent: float) -> float:
        """Seconds to wait after a batch that took `spent` seconds. `full`: there is more; `crowded`: too much more."""
        if self.busy and not crowded:
            return min(max(self._rest, spent * (1 / BUSY_SHARE - 1)), PAUSE_SECONDS_MAX)
        return 0.0 if full else self._rest
