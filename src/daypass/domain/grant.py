"""A grant: the authority that an approved request gave.

It is `READY` until it is first used (or `SCHEDULED` until its start), `ACTIVE` from then to `expires_at`, which is
absolute and counted from activation; `ENDING` from the moment it must open nothing more; `ENDED` when it was shown
that nothing of it is left, `END_UNCONFIRMED` as long as that cannot be shown; `LAPSED` if `activate_by` passed first.

Every way out of `ACTIVE` leads through `ENDING`, and out of `ENDING` only what was seen at the target leads on.
`END_UNCONFIRMED` is an alarm and not an end: it is tried again until it is confirmed, or until a person closes it, who
then answers for it. No step leads back to `ACTIVE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from daypass.domain.errors import Conflict
from daypass.domain.scope import WHOLE, Scope


class GrantState(StrEnum):
    SCHEDULED = "SCHEDULED"
    READY = "READY"
    ACTIVE = "ACTIVE"
    ENDING = "ENDING"
    ENDED = "ENDED"
    END_UNCONFIRMED = "END_UNCONFIRMED"
    LAPSED = "LAPSED"


class GrantAction(StrEnum):
    """What can happen to a grant."""

    OPEN = "open"
    ACTIVATE = "activate"
    LAPSE = "lapse"
    END = "end"
    CONFIRM = "confirm the end of"
    MISS = "miss the end of"
    DISMISS = "close by hand"


_S, _A = GrantState, GrantAction

TRANSITIONS: Mapping[tuple[GrantState, GrantAction], GrantState] = {
    (_S.SCHEDULED, _A.OPEN): _S.READY,
    (_S.SCHEDULED, _A.LAPSE): _S.LAPSED,
    (_S.SCHEDULED, _A.END): _S.ENDING,
    (_S.READY, _A.ACTIVATE): _S.ACTIVE,
    (_S.READY, _A.LAPSE): _S.LAPSED,
    (_S.READY, _A.END): _S.ENDING,
    (_S.ACTIVE, _A.END): _S.ENDING,
    (_S.ENDING, _A.CONFIRM): _S.ENDED,
    (_S.ENDING, _A.MISS): _S.END_UNCONFIRMED,
    (_S.END_UNCONFIRMED, _A.CONFIRM): _S.ENDED,
    (_S.END_UNCONFIRMED, _A.MISS): _S.END_UNCONFIRMED,
    (_S.END_UNCONFIRMED, _A.DISMISS): _S.ENDED,
}

LIVE = (GrantState.SCHEDULED, GrantState.READY, GrantState.ACTIVE)
"""The states in which a grant can, or may yet, open something."""

UNUSED = (GrantState.SCHEDULED, GrantState.READY)
"""Those of them in which it never did."""

UNFINISHED = (GrantState.ENDING, GrantState.END_UNCONFIRMED)
"""The states in which its end is not shown yet."""

TERMINAL = tuple(state for state in GrantState if not any(start is state for start, _ in TRANSITIONS))
"""The states that nothing leads out of."""


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
    NOT_RATIFIED = "not ratified"
    LOCKED = "locked"
    TOKEN_REVOKED = "token revoked"
    CLIENT_LEFT = "client left"
    TARGET_LEFT = "target left"
    PROTOCOL_ERROR = "protocol error"
    TOO_LARGE = "too large"
    RECORD_FAILED = "record failed"
    SHUTDOWN = "shutdown"
    RECOVERED = "recovered"
    CUT_OFF = "cut off"
    """Its node could not reach the store for longer than its lease."""
    REFUSED = "refused"


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
    scope: Scope = WHOLE
    """What it is limited to inside the target; empty: everything that the role can do."""

    @property
    def in_doubt(self) -> bool:
        """Whether its end is an alarm: authority may still be there."""
        return self.state is GrantState.END_UNCONFIRMED


def step(grant: Grant, action: GrantAction) -> Grant:
    """The grant after `action`, by the table. Raise `Conflict` where the table has no such step."""
    after = TRANSITIONS.get((grant.state, action))
    if after is None:
        raise Conflict(f"grant {grant.id} is {grant.state}: nothing can {action} it", hint=f"daypass show {grant.id}")
    return replace(grant, state=after)


def started(grant: Grant, now: int) -> Grant:
    """A SCHEDULED grant whose start has come, READY; any other as it is."""
    if grant.state is GrantState.SCHEDULED and grant.start_at is not None and now >= grant.start_at:
        return step(grant, GrantAction.OPEN)
    return grant


def activate(grant: Grant, now: int) -> Grant:
    """The grant with its clock running: it expires its own length from now. Raise `Conflict` if it may not start."""
    grant = started(grant, now)
    if grant.state in LIVE and grant.state is not GrantState.ACTIVE and now >= grant.activate_by:
        raise Conflict(
            f"grant {grant.id} was not used in time and has lapsed", hint="ask again: daypass request --help"
        )
    active = step(grant, GrantAction.ACTIVATE)
    return replace(active, activated_at=now, expires_at=now + grant.duration_ms)


def lapse(grant: Grant, now: int) -> Grant:
    """The grant after its activate-by time, unused."""
    if now < grant.activate_by:
        raise Conflict(f"grant {grant.id} can still be used")
    return replace(step(grant, GrantAction.LAPSE), ended_at=now)


def begin_end(grant: Grant, reason: EndReason, by: str, note: str, now: int) -> Grant:
    """The grant from which on nothing opens any more."""
    ending = step(grant, GrantAction.END)
    return replace(ending, ending_at=now, end_reason=reason.value, end_by=by, end_note=note)


def close(grant: Grant, timeline: Mapping[str, object], confirmed: bool, now: int) -> Grant:
    """The grant after its end was looked for at the target: ENDED if confirmed, else END_UNCONFIRMED."""
    after = step(grant, GrantAction.CONFIRM if confirmed else GrantAction.MISS)
    return replace(after, ending=timeline, ended_at=now if confirmed else None)


def dismiss(grant: Grant, timeline: Mapping[str, object], now: int) -> Grant:
    """The grant after a person closed its end although it could not be confirmed."""
    return replace(step(grant, GrantAction.DISMISS), ending=timeline, ended_at=now)


def extended(grant: Grant, extension: Extension, times: int, now: int) -> Grant:
    """The grant with its deadline moved, counted from the present one. Raise `Conflict` for one that does not run, or
    was extended `times` already."""
    if grant.state is not GrantState.ACTIVE or grant.expires_at is None or now >= grant.expires_at:
        raise Conflict(f"grant {grant.id} is not active: nothing is left to extend", hint=f"daypass show {grant.id}")
    if len(grant.extensions) >= times:
        raise Conflict(f"grant {grant.id} was extended {len(grant.extensions)} times; its policy allows no more")
    extensions = (*grant.extensions, extension)
    return replace(grant, expires_at=grant.expires_at + extension.by_ms, extensions=extensions)


def opens(grant: Grant, now: int) -> bool:
    """Whether a session may be opened on it now, without or with activating it first."""
    grant = started(grant, now)
    if grant.state is GrantState.ACTIVE:
        return grant.expires_at is not None and now < grant.expires_at
    return grant.state is GrantState.READY and now < grant.activate_by
