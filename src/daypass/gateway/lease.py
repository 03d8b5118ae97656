"""The lease by which a node may carry sessions: it has to hear from its store.

Where other nodes use the store as well, it lasts so long from when its renewal was *sent*: what was revoked after that,
we may not have heard. It reads a clock that goes on while the machine is suspended, so that a node that slept knows it.
Where the store is this node's alone, nothing can be missed; but while it takes no changes, nobody can revoke anything,
and what is recorded gets no further than the journal. So the same time runs from the first change that it refused.

When it has run out, the gateway cuts what it carries and opens nothing until the store is back.
"""

from __future__ import annotations

from collections.abc import Callable

LEASE_SECONDS = 15.0
"""How long a node may go on without a word from its store."""


class Lease:
    """Neither renewed nor refused: it binds nobody."""

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

    def refused(self, sent: float) -> None:
        """A store of one node did not take a change that was sent then."""
        if self._until is None:
            self._until = sent + self._seconds

    def taken(self) -> None:
        """A store of one node takes changes: it binds nobody."""
        self._until = None

    @property
    def over(self) -> bool:
        """Whether it has run out."""
        return self._until is not None and self._clock() >= self._until
