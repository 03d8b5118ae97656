"""A session: one connection of one person to one target under one grant.

`OPENING` once admitted and registered, `OPEN` when the target answered, `ENDED` when either side left, `CUT` when
Daypass ended it. Its recording is `complete`, or has a `gap` when something that happened is known to be missing.
That it is over is one thing, that its work at the target was seen to be gone another: until then it has a time at which
it is looked at again (`look_at`).
A session is registered before its target is dialled, so that an ending grant finds it; it opens only once, and only
while its grant is still active.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from daypass.domain.errors import Conflict
from daypass.domain.grant import EndReason


class SessionState(StrEnum):
    OPENING = "OPENING"
    OPEN = "OPEN"
    ENDED = "ENDED"
    CUT = "CUT"


class SessionAction(StrEnum):
    """What can happen to a session."""

    OPEN = "open"
    END = "end"
    CUT = "cut"


_S, _A = SessionState, SessionAction

TRANSITIONS: Mapping[tuple[SessionState, SessionAction], SessionState] = {
    (_S.OPENING, _A.OPEN): _S.OPEN,
    (_S.OPENING, _A.END): _S.ENDED,
    (_S.OPENING, _A.CUT): _S.CUT,
    (_S.OPEN, _A.END): _S.ENDED,
    (_S.OPEN, _A.CUT): _S.CUT,
}

LIVE = (SessionState.OPENING, SessionState.OPEN)
"""The states in which work may be running at the target."""

TERMINAL = tuple(state for state in SessionState if not any(start is state for start, _ in TRANSITIONS))
"""The states that nothing leads out of."""

NOT_CONFIRMED = "not confirmed"
"""What `ending` says as `read_back` where an end is an alarm."""

LEFT = (EndReason.CLIENT_LEFT, EndReason.TARGET_LEFT)
"""The reasons for which a session ends by itself; for every other one Daypass cut it."""


@dataclass(frozen=True, slots=True)
class Session:
    """`mark` is what identifies its work at the target (for PostgreSQL: pid, backend_start, usesysid). `ending` is what
    was seen of its end; `look_at` is when it is looked again whether its work is gone (None: there is no need to)."""

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
    ending: Mapping[str, object] | None = None
    look_at: int | None = None

    @property
    def in_doubt(self) -> bool:
        """Whether its end is an alarm: what was to be over was not seen to be."""
        return self.look_at is not None and (self.ending or {}).get("read_back") == NOT_CONFIRMED


@dataclass(frozen=True, slots=True)
class Over:
    """What whoever carried a session tells when it is over. `note` is for the record; `recording`: `complete` or `gap`;
    `last_number` is that of its last record in the journal; `at` when it was over, in ms since 1970 (0: only now is it
    known), as a store that is away hears of it late."""

    session: str
    reason: EndReason
    note: str = ""
    statements: int = 0
    recording: str = "complete"
    last_number: int = 0
    at: int = 0


def step(session: Session, action: SessionAction) -> Session:
    """The session after `action`, by the table. Raise `Conflict` where the table has no such step."""
    after = TRANSITIONS.get((session.state, action))
    if after is None:
        raise Conflict(f"session {session.id} is {session.state}: nothing can {action} it")
    return replace(session, state=after)


def opened(session: Session, mark: Mapping[str, str], now: int) -> Session:
    """The session once its target let it in."""
    return replace(step(session, SessionAction.OPEN), mark=dict(mark), opened_at=now)


def ended(session: Session, told: Over, now: int) -> Session:
    """The session when it is over: ENDED if a side left, CUT if Daypass ended it."""
    over = step(session, SessionAction.END if told.reason in LEFT else SessionAction.CUT)
    return replace(
        over,
        ended_at=told.at or now,
        end_reason=told.reason.value,
        statements=told.statements,
        recording=told.recording,
    )


def looked_at(session: Session, ending: Mapping[str, object] | None, again_at: int | None) -> Session:
    """The session that is over, with what was seen of that; `again_at`: when to look again, None once it was seen."""
    if session.state in LIVE:
        raise Conflict(f"session {session.id} is {session.state}: its end cannot have been seen")
    return replace(session, ending=ending, look_at=again_at)
