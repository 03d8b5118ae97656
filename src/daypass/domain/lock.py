"""Locks: what security shuts for a while, with a reason and an end. A person, a target, or everything.

While it lasts nothing that it covers opens, whatever was approved. It ends by itself at `until`, or when it is lifted.
A lock on a person covers every account of that human being, and their agents; one on an agent covers that agent alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from daypass.domain.crowd import Crowd
from daypass.domain.durations import DAY_MS, SECOND_MS, spoken_time
from daypass.domain.errors import Conflict, Invalid
from daypass.domain.people import Person

LASTS_MIN_MS = SECOND_MS
LASTS_MAX_MS = 366 * DAY_MS
"""What is to be shut for longer is taken out of the settings."""


class LockScope(StrEnum):
    """What a lock shuts."""

    PERSON = "person"
    TARGET = "target"
    EVERYTHING = "everything"


class LockState(StrEnum):
    LOCKED = "LOCKED"
    LIFTED = "LIFTED"
    OVER = "OVER"


@dataclass(frozen=True, slots=True)
class Lock:
    """`name` is the id of the person or the name of the target (everything: empty). Times in ms since 1970."""

    id: str
    scope: LockScope
    name: str
    reason: str
    made_by: str
    made_at: int
    until: int
    lifted_at: int | None = None
    lifted_by: str = ""
    lifted_reason: str = ""


def check_length(lasts_ms: int) -> None:
    """Raise `Invalid` for a lock without an end that anybody will see."""
    if not LASTS_MIN_MS <= lasts_ms <= LASTS_MAX_MS:
        raise Invalid("a lock lasts from a second to a year", hint="--for 4h")


def state_at(lock: Lock, now: int) -> LockState:
    """What has become of it."""
    if lock.lifted_at is not None:
        return LockState.LIFTED
    return LockState.LOCKED if now < lock.until else LockState.OVER


def lifted(lock: Lock, by: str, reason: str, now: int) -> Lock:
    """The lock when it was taken away before its time. Raise `Conflict` for one that is over."""
    state = state_at(lock, now)
    if state is not LockState.LOCKED:
        raise Conflict(f"lock {lock.id} is {state} already")
    return replace(lock, lifted_at=now, lifted_by=by, lifted_reason=reason)


def covered_people(lock: Lock, crowd: Crowd) -> frozenset[str]:
    """The ids of the accounts that a lock on a person shuts."""
    if lock.scope is not LockScope.PERSON:
        return frozenset()
    locked = next((one for one in crowd.people if one.id == lock.name), None)
    if locked is None or locked.agent_of:
        return frozenset({lock.name})
    return crowd.selves(lock.name)


def on_person(locks: Sequence[Lock], person: Person, crowd: Crowd) -> Lock | None:
    """The lock that shuts this person out, the one that lasts longest."""
    found = [one for one in locks if one.scope is LockScope.PERSON and person.id in covered_people(one, crowd)]
    return max(found, key=lambda one: one.until, default=None)


def on_access(locks: Sequence[Lock], target: str) -> Lock | None:
    """The lock that shuts this target, alone or with everything else, the one that lasts longest."""
    found = [
        one
        for one in locks
        if one.scope is LockScope.EVERYTHING or (one.scope is LockScope.TARGET and one.name == target)
    ]
    return max(found, key=lambda one: one.until, default=None)


def spoken(lock: Lock) -> str:
    """What somebody is told who comes to it."""
    what = {
        LockScope.PERSON: "you are locked",
        LockScope.TARGET: f"{lock.name} is locked",
        LockScope.EVERYTHING: "all access is locked",
    }[lock.scope]
    reason = f": {lock.reason}" if lock.reason else ""
    return f"{what} until {spoken_time(lock.until)}{reason}"
