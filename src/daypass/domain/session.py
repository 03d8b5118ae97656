"""A session: one connection of one person to one target under one grant.

`OPENING` once admitted and registered, `OPEN` when the target answered, `ENDED` when either side left, `CUT` when
Daypass ended it. Its recording is `complete`, or has a `gap` when something that happened is known to be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class SessionState(StrEnum):
    OPENING = "OPENING"
    OPEN = "OPEN"
    ENDED = "ENDED"
    CUT = "CUT"


@dataclass(frozen=True, slots=True)
class Session:
    """`mark` is what identifies its work at the target (for PostgreSQL: pid, backend_start, usesysid)."""

    id: str
    state: SessionState
    grant: str
    request: str
    person: str
    token: str
    target: str
    protocol: str
    role: str
    node: str
    client: str
    opened_at: int
    mark: Mapping[str, str]
    ended_at: int | None = None
    end_reason: str = ""
    recording: str = "complete"
    statements: int = 0
