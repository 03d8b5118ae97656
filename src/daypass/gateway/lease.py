"""The lease by which a node may carry sessions of a store that other nodes use as well.

It lasts so long from when its renewal was *sent*: what was revoked after that, we may not have heard. When it has run
out, the gateway cuts what it carries and opens nothing until it is renewed. It reads a clock that goes on while the
machine is suspended, so that a node that slept knows it.
"""

from __future__ import annotations

from collections.abc import Callable

LEASE_SECONDS = 15.0
"""How long a node may go on without a word from its store."""


class Lease:
    """Never renewed: nothing was said of a lease, and it binds nobody (a store of one node)."""

    def __init__(self, clock: Callable[[], float], seconds: float = LEASE_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._until: float | None = None

    def sending(self) -> float:
        """The time of now, to be given to `renewed` once the store has answered."""
        return self._clock()

    def renewed(self, sent: float) -> None:
        """A renewal that was sent then has arrived."""
        self._until = max(self._until or 0.0, sent + self._seconds)

    @property
    def over(self) -> bool:
        """Whether it has run out."""
        return self._until is not None and self._clock() >= self._until
