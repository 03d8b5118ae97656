"""How fast the journal is shipped: at once as long as there is time for it, and behind live traffic when there is not.

Shipping shares two cores with the traffic whose record it ships. So it takes a share of the time and no more: up to
`CALM_FACTS_PER_SECOND` one that keeps up with them, in a burst beyond that next to none, in small batches: it could
ship but a small part of it meanwhile, and the facts wait on disk, where they are safe. The rest of the burst is shipped
when it is over, and still gives way to whoever uses the store then (a new session takes some twenty steps in it, each
of which would wait for a slice of shipping). It never waits so long that the journal fills: above half of the backlog's
limit shipping goes at full speed again, and at the limit clients are paused. Pure: times are arguments.
"""

from __future__ import annotations

LIVELY_FACTS_PER_SECOND = 500
"""Below this there is nobody whom shipping could hold up."""
LIVELY_SHARE = 0.3
"""Enough for `CALM_FACTS_PER_SECOND` on the machine that docs/performance.md was measured on."""
CALM_FACTS_PER_SECOND = 5_000
"""Two facts a statement, so 2,500 statements a second."""
BUSY_SHARE = 0.005
"""What shipping takes of the time during a burst. A twentieth cost a burst of 64 clients a tenth of its statements, as
all of them wait for the one thread, and shipped a fortieth of them."""
BATCH_FACTS = 1000
"""Facts of one commit. Behind by more than that, one batch follows the other without a pause."""
BUSY_FACTS = 100
"""The same during a burst: ten milliseconds of work."""
PAUSE_SECONDS_MAX = 2.0
"""However slow a step was, the next one is not further away than this."""
WINDOW_SECONDS = 0.05
"""Over how long the arrival of facts is counted, at least: a burst is noticed before the second batch of it."""


class Pace:
    """Tells how long to wait before the next batch."""

    def __init__(self, rest_seconds: float) -> None:
        """`rest_seconds` is the wait after a batch that was not full."""
        self._rest = rest_seconds
        self._since = 0.0
        self._number = 0
        self.share = 1.0
        """How much of the time shipping may take now."""

    def arrived(self, number: int, now: float) -> None:
        """The newest durable fact has this number at `now` (seconds, monotonic)."""
        elapsed = now - self._since
        if elapsed >= WINDOW_SECONDS:
            rate = (number - self._number) / elapsed
            self.share = BUSY_SHARE if rate > CALM_FACTS_PER_SECOND else LIVELY_SHARE
            if rate < LIVELY_FACTS_PER_SECOND:
                self.share = 1.0
            self._since, self._number = now, number

    def facts(self, *, crowded: bool) -> int:
        """How many facts the next batch may have at most."""
        return BUSY_FACTS if self.share == BUSY_SHARE and not crowded else BATCH_FACTS

    def pause(self, *, full: bool, crowded: bool, busy: bool, worked: float) -> float:
        """Seconds to wait after a batch that was work of `worked` seconds. `full`: there is more; `crowded`: too much
        more; `busy`: somebody waits for the store."""
        rest = 0.0 if full else self._rest
        share = min(self.share, LIVELY_SHARE) if busy else self.share
        if share == 1.0 or crowded:
            return rest
        return min(max(rest, worked * (1 / share - 1)), PAUSE_SECONDS_MAX)
