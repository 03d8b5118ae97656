"""A request: the decision. Who asks for what, why, for how long; who may decide; who did.

A request waits (`PENDING`) until enough people have approved exactly what it says, one denied, its decide-by time
passed, or the requester took it back. A question (`NEEDS_INFO`) stops nothing but the requester's patience: deciders
may still decide, and time still runs. The answer, or an edit at any time, may change what is asked, which changes the
content digest and so voids every vote: a vote counts only for the digest that it names. Time never approves. The end
states are final, and nothing outside this table changes a state: clients send actions, never states.

Break-glass starts at `BROKEN_GLASS`, where access exists and the decision is owed: it is ratified or it is not.

Pure: this file holds the values and the table; `deciding.py` holds who may do what.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from daypass.domain.errors import Conflict
from daypass.domain.scope import WHOLE, Scope

MESSAGES_MAX = 100
"""Questions and answers on one request; a longer talk belongs elsewhere, and each show would carry it."""

VOTES_MAX = 200
"""Votes kept on one request, void ones included; who changes their mind more often than this is not deciding."""

REASON_CHARS_MAX = 2000
"""Reasons, notes, questions and answers: what a decider reads in a minute."""

TICKET_CHARS_MAX = 200
"""A ticket's key or link."""


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


class RequestAction(StrEnum):
    """What can happen to a request. `vote` is an approval that is not yet enough, `approve` the one that is."""

    VOTE = "vote"
    APPROVE = "approve"
    DENY = "deny"
    ASK = "ask"
    ANSWER = "answer"
    EDIT = "edit"
    ESCALATE = "escalate"
    EXPIRE = "expire"
    WITHDRAW = "withdraw"
    RATIFY = "ratify"
    NOT_RATIFY = "not ratify"


_S, _A = RequestState, RequestAction

TRANSITIONS: Mapping[tuple[RequestState, RequestAction], RequestState] = {
    (_S.PENDING, _A.VOTE): _S.PENDING,
    (_S.PENDING, _A.APPROVE): _S.APPROVED,
    (_S.PENDING, _A.DENY): _S.DENIED,
    (_S.PENDING, _A.ASK): _S.NEEDS_INFO,
    (_S.PENDING, _A.EDIT): _S.PENDING,
    (_S.PENDING, _A.ESCALATE): _S.PENDING,
    (_S.PENDING, _A.EXPIRE): _S.EXPIRED,
    (_S.PENDING, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.NEEDS_INFO, _A.VOTE): _S.NEEDS_INFO,
    (_S.NEEDS_INFO, _A.APPROVE): _S.APPROVED,
    (_S.NEEDS_INFO, _A.DENY): _S.DENIED,
    (_S.NEEDS_INFO, _A.ASK): _S.NEEDS_INFO,
    (_S.NEEDS_INFO, _A.ESCALATE): _S.NEEDS_INFO,
    (_S.NEEDS_INFO, _A.ANSWER): _S.PENDING,
    (_S.NEEDS_INFO, _A.EDIT): _S.PENDING,
    (_S.NEEDS_INFO, _A.EXPIRE): _S.EXPIRED,
    (_S.NEEDS_INFO, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.BROKEN_GLASS, _A.RATIFY): _S.RATIFIED,
    (_S.BROKEN_GLASS, _A.NOT_RATIFY): _S.NOT_RATIFIED,
}

OPEN = (RequestState.PENDING, RequestState.NEEDS_INFO)
"""The states in which a request still waits for a decision."""

TERMINAL = tuple(state for state in RequestState if not any(start is state for start, _ in TRANSITIONS))
"""The states that nothing leads out of."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing asked for."""

    target: str
    role: str
    scope: Scope = WHOLE
    """What it is limited to inside the target; empty: everything that the role can do."""

    def plain(self) -> dict[str, object]:
        """As JSON; no scope is left out."""
        found: dict[str, object] = {"target": self.target, "role": self.role}
        return found | ({"scope": list(self.scope)} if self.scope else {})


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
    narrowed_role: str | None = None
    """A role that can do less than the one asked for."""
    statement: str = ""
    """What the decider signed (see `vote_statement.py`); empty: the vote is not signed."""
    signature: str = ""
    """Their SSH signature of it, in its armour."""
    narrowed_until: int | None = None
    """A project goes on until then at most."""
    narrowed_scope: Scope = WHOLE
    """What the access is limited to, within the scope that was asked for; empty: to that."""
    passkey: Mapping[str, str] = field(default_factory=dict)
    """Their passkey's signature of it (see `passkey_signature.py`), with the entry that enrolled it; empty: none."""

    @property
    def signed(self) -> bool:
        return bool(self.signature or self.passkey)


@dataclass(frozen=True, slots=True)
class Route:
    """How a request is decided beside its stages, frozen when it was made.

    `deny`: so many denials deny. `signed`: only signed votes are taken; `step_up`: only those that a passkey signed.
    From `escalate_at` on those of `escalate_to` may decide in every stage as well. `tell`: who is told. `excluded`: the
    accounts (ids) that are the requester, or act for them. `bypassed`: who would have been asked, had the glass not
    been broken; `drill`: as an exercise. `ends_with_ticket`: a closed ticket ends what it gave.
    """

    deny: int = 1
    signed: bool = False
    step_up: str = ""
    escalate_at: int | None = None
    escalate_to: tuple[str, ...] = ()
    escalated_at: int | None = None
    tell: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    bypassed: tuple[str, ...] = ()
    drill: bool = False
    ends_with_ticket: bool = False


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
    extends: str | None = None
    """The grant that is to last longer by `duration_ms`; None: access is asked for."""
    asked_by: str | None = None
    """Who asked for it in the requester's place, as for the others of a project; None: the requester."""
    bundle: str | None = None
    """What was asked for together has one bundle (an id); each is decided and ends by itself."""
    until: int | None = None
    """Until when the requester gets a grant of `duration_ms` for each day; None: one grant."""
    route: Route = field(default_factory=Route)


def content_digest(
    *,
    requester: str,
    on_behalf_of: str | None,
    items: tuple[Item, ...],
    reason: str,
    ticket: str,
    duration_ms: int,
    start_at: int | None,
    salt: str,
    extends: str | None = None,
    more: Mapping[str, object] | None = None,
) -> str:
    """SHA-256, in hex, over the salt (32 bytes, in hex) and what is asked in canonical JSON (sorted keys, compact).

    Everything that a decider decides on is in it; whatever changes it voids every vote.
    """
    content = {
        "requester": requester,
        "on_behalf_of": on_behalf_of or "",
        "items": [item.plain() for item in items],
        "reason": reason,
        "ticket": ticket,
        "duration_ms": duration_ms,
        "start_at": start_at or 0,
    }
    if extends is not None:
        content["extends"] = extends
    content |= {name: value for name, value in (more or {}).items() if value is not None}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(bytes.fromhex(salt) + canonical.encode()).hexdigest()


def sealed(request: Request) -> Request:
    """The request with the digest of what it asks now."""
    digest = content_digest(
        requester=request.requester,
        on_behalf_of=request.on_behalf_of,
        items=request.items,
        reason=request.reason,
        ticket=request.ticket,
        duration_ms=request.duration_ms,
        start_at=request.start_at,
        salt=request.digest_salt,
        extends=request.extends,
        more={"asked_by": request.asked_by, "bundle": request.bundle, "until": request.until},
    )
    return replace(request, digest=digest)


def step(request: Request, action: RequestAction) -> Request:
    """The request after `action`, by the table. Raise `Conflict` where the table has no such step."""
    after = TRANSITIONS.get((request.state, action))
    if after is None:
        raise Conflict(
            f"request {request.id} is {request.state}: nothing can {action} it any more"
            if request.state in TERMINAL
            else f"request {request.id} is {request.state}: that does not allow to {action} it",
            hint=f"daypass show {request.id}",
        )
    return replace(request, state=after)
