"""A grant: the authority that an approved request gave.

It is `READY` until it is first used (or `SCHEDULED` until its start), `ACTIVE` from then to `expires_at`, which is
absolute and counted from activation; `ENDING` from the moment it must open nothing more; `ENDED` when it was shown
that nothing of it is left, `END_UNCONFIRMED` as long as that cannot be shown; `LAPSED` if `activate_by` passed first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class GrantState(StrEnum):
    SCHEDULED = "SCHEDULED"
    READY = "READY"
    ACTIVE = "ACTIVE"
    ENDING = "ENDING"
    ENDED = "ENDED"
    END_UNCONFIRMED = "END_UNCONFIRMED"
    LAPSED = "LAPSED"


class EndReason(StrEnum):
    """Why a grant or a session ended."""

    EXPIRED = "expired"
    HANDED_BACK = "handed back"
    REVOKED = "revoked"
    KILLED = "killed"
    IDLE = "idle"
    TICKET_CLOSED = "ticket closed"
    PERSON_DISABLED = "person disabled"
    POLICY_TIGHTENED = "policy tightened"
    CLIENT_LEFT = "client left"
    TARGET_LEFT = "target left"
    PROTOCOL_ERROR = "protocol error"
    TOO_LARGE = "too large"
    RECORD_FAILED = "record failed"
    SHUTDOWN = "shutdown"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Extension:
    """A deadline that moved: by how much, for which reason, at whose word."""

    by_ms: int
    at: int
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class Grant:
    """`ending` is the timeline of its end: step name to milliseconds since the end began, and the evidence."""

    id: str
    state: GrantState
    request: str
    person: str
    target: str
    role: str
    duration_ms: int
    start_at: int | None
    activate_by: int
    created_at: int
    policy: str
    rule: str
    activated_at: int | None = None
    expires_at: int | None = None
    ending_at: int | None = None
    ended_at: int | None = None
    end_reason: str = ""
    end_by: str | None = None
    end_note: str = ""
    ending: Mapping[str, object] | None = None
    extensions: tuple[Extension, ...] = ()
    owes: Mapping[str, object] = field(default_factory=dict)
    """What is owed after it, as its rule says (see `policy.Owes`)."""
