"""What may be due in a store: a part of `interface.Transaction`."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol as Interface

DEPARTING = "departing"
"""The setting that keeps whom to follow up as they are disabled or in other groups: a JSON object, empty if nobody."""


class Due(Enum):
    """What there may be to do because its time has come, or because it was left half-done."""

    ENDS = auto()
    """Grants that are over, and those whose end is not confirmed yet."""
    STARTS = auto()
    """Grants that nobody used in time, and those that are scheduled for now."""
    LOCKS = auto()
    """Locks that shut something."""
    DEPARTURES = auto()
    """Access of people who are disabled, and people to follow up."""
    REVOKED = auto()
    """Sessions whose token is revoked."""
    DOUBTS = auto()
    """Sessions whose end is to be looked at again."""
    DECISIONS = auto()
    """Requests that nobody decided in time."""
    ESCALATIONS = auto()
    """Requests that have waited for too long for those who could decide them first."""
    OBLIGATIONS = auto()
    """What somebody owed and did not do in time."""


class Dues(Interface):
    """All of that in one question, as it is asked every second and is hardly ever answered with anything."""

    async def due(self, now: int) -> frozenset[Due]:
        """What there is something of: what the questions for the things themselves would find, and nothing less."""
