"""How often one person may do a thing: so many times in a while, counted for them alone, so that nobody is shut out by
somebody else. In memory; a node that starts again has forgotten."""

from __future__ import annotations

from collections import OrderedDict

from daypass.domain.errors import TooMany

WINDOW_MS = 60_000
VOTES_MAX = 300
"""Votes of one person in a minute. People read before they decide; what decides faster than this is a stolen token."""
PEOPLE_MAX = 10_000
"""People counted at once; the oldest are forgotten."""


class Pace:
    """Counts. The clock is an argument."""

    def __init__(self, most: int = VOTES_MAX, what: str = "votes") -> None:
        self._most = most
        self._what = what
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def step(self, person: str, now: int) -> None:
        """They do it once more. Raise `TooMany` where that is too often."""
        until, times = self._counts.get(person, (0, 0))
        if now >= until:
            until, times = now + WINDOW_MS, 0
        if times >= self._most:
            raise TooMany(
                f"at most {self._most} {self._what} in a minute",
                hint=f"wait {-(-(until - now) // 1000)} s",
                wait_ms=until - now,
            )
        self._counts[person] = (until, times + 1)
        self._counts.move_to_end(person)
        while len(self._counts) > PEOPLE_MAX:
            self._counts.popitem(last=False)
