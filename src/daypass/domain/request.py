"""A request: the decision. Who asks for what, why, for how long; who may decide; who did.

A request waits (`PENDING`) until enough people have approved exactly what it says, one denied, its decide-by time
passed, or the requester took it back. A question (`NEEDS_INFO`) stops nothing but the requester's patience: the answer
may change what is asked, which changes the content digest and so voids every vote. The end states are final.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class RequestState(StrEnum):
    PENDING = "PENDING"
    NEEDS_INFO = "NEEDS_INFO"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    BROKEN_GLASS = "BROKEN_GLASS"
    RATIFIED = "RATIFIED"
    NOT_RATIFIED = "NOT_RATIFIED"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing asked for."""

    target: str
    role: str


@dataclass(frozen=True, slots=True)
class Stage:
    """`need` distinct people out of the eligible ones, frozen when the request was made (person ids)."""

    need: int
    of: tuple[str, ...]
    eligible: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's decision on one exact content digest. A vote for another digest than the request's is void."""

    id: str
    person: str
    approve: bool
    digest: str
    at: int
    narrowed_ms: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A question from a decider or an answer from the requester."""

    person: str
    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """`digest` is of what was asked (see `content_digest`); `policy_digest`, `rule` and `stages` are how it is decided,
    frozen at the time of asking. `digest_salt` keeps the digest from being guessed from the ledger."""

    id: str
    state: RequestState
    requester: str
    on_behalf_of: str | None
    items: tuple[Item, ...]
    reason: str
    ticket: str
    duration_ms: int
    start_at: int | None
    digest: str
    digest_salt: str
    policy: str
    policy_digest: str
    rule: str
    stages: tuple[Stage, ...]
    automatic: bool
    owes: Mapping[str, object]
    created_at: int
    decide_by: int
    decided_at: int | None = None
    decided_because: str = ""
    votes: tuple[Vote, ...] = ()
    messages: tuple[Message, ...] = ()
    grant: str | None = None
