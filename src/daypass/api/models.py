"""What goes over HTTP, as pydantic models. Times are ms since 1970 (UTC), lengths ms; things have `id` and `state`."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from daypass.api.strict import Strict
from daypass.domain.durations import LONGEST_MS
from daypass.domain.passkey_signature import PART_BYTES_MAX, Assertion, read_assertion
from daypass.domain.scope import NAME_CHARS_MAX, NAMES_MAX
from daypass.domain.vote_statement import STATEMENT_CHARS_MAX

T = TypeVar("T")

TEXT_MAX = 10_000
"""Longer than any reason, note or answer that services take; they say their own limits in words."""
NAME_MAX = 255
T_MAX = 253402300799999
"""The last millisecond of the year 9999."""
LIMITED = "What it is to be limited to in the target (PostgreSQL: `schema.table`, `schema.*`); empty: not limited."

ScopeName = Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX)]


class Noted(BaseModel):
    """What put something into the ledger: the entry, and where its receipt is."""

    entry: str | None = Field(default=None, description="The id of the ledger entry that tells of it.")
    receipt: str | None = Field(default=None, description="Where the receipt of that entry is; `?wait=2s` helps.")


class Someone(BaseModel):
    """A person, as others see them."""

    id: str
    email: str
    name: str


class Me(Someone):
    """Who the token belongs to."""

    state: Literal["ACTIVE"]
    groups: list[str]
    token: str = Field(description="The id of the token or visit used; not the token.")
    token_expires_at: int
    way: Literal["bearer", "token", "oidc", "password", "passkey"] = Field(
        description="`bearer`: the call brought a token; otherwise how the browser was signed in."
    )
    passkey_at: int | None = Field(description="When this browser showed a passkey last; null: never.")


class Page(BaseModel, Generic[T]):
    """A part of a list, newest first. `next` is the `before` of the following part; null: there is none."""

    items: list[T]
    next: str | None = None


class Role(BaseModel):
    """One way into a target, and what asking for it would take."""

    name: str
    effect: str = Field(description="The most that it can do: read, write, ddl or admin.")
    takes: str = Field(description="What asking takes, in words; alternatives are separated by `; `.")
    longest_ms: int | None = Field(description="The longest that may be asked for; null: no limit.")


class TargetView(BaseModel):
    """A target that I may ask for. Its `id` is its name."""

    id: str
    state: Literal["GRANTED", "ASKABLE"] = Field(description="GRANTED while I hold a live grant for it.")
    name: str
    protocol: str
    labels: dict[str, str]
    roles: list[Role]


class ConnectView(BaseModel):
    """Where a native client connects for a target. No secret is in it."""

    id: str = Field(description="The target's name.")
    state: Literal["GRANTED"]
    protocol: str
    host: str
    port: int
    person: str = Field(description="What the client signs in as.")
    target: str
    role: str | None
    ca: str | None = Field(description="The PEM certificate authority to trust; null: a public one.")


class Ask(Strict):
    """A request for access."""

    target: str = Field(min_length=1, max_length=NAME_MAX)
    role: str = Field(min_length=1, max_length=NAME_MAX)
    duration_ms: int = Field(gt=0, le=LONGEST_MS)
    reason: str = Field(min_length=1, max_length=TEXT_MAX)
    ticket: str = Field(default="", max_length=NAME_MAX)
    start_at: int | None = Field(default=None, ge=0, le=T_MAX, description="Not before this time.")
    scope: list[ScopeName] = Field(default=[], max_length=NAMES_MAX, description=LIMITED)


B64 = Annotated[str, Field(min_length=1, max_length=PART_BYTES_MAX * 2, description="base64url.")]


class AssertionBody(Strict):
    """What `navigator.credentials.get()` answered."""

    credential: B64
    authenticator_data: B64
    client_data: B64
    signature: B64

    def read(self) -> Assertion:
        """The same as bytes. Raises `Invalid`."""
        return read_assertion(self.model_dump())


class Signable(Strict):
    """A vote that may be signed: with an SSH key (`signature`), or with a passkey, whose challenge was the SHA-256 of
    the statement."""

    statement: str = Field(
        default="", max_length=STATEMENT_CHARS_MAX, description="What was signed, if the vote is signed."
    )
    signature: str = Field(default="", max_length=TEXT_MAX, description="The SSH signature of it, in its armour.")
    passkey: AssertionBody | None = Field(default=None, description="Or what a passkey of mine answered.")


class Approve(Signable):
    """Yes, to exactly what the digest stands for."""

    digest: str = Field(min_length=64, max_length=64, description="The request's `digest`, as the voter saw it.")
    duration_ms: int | None = Field(default=None, gt=0, le=LONGEST_MS, description="For less time than asked.")
    role: str | None = Field(
        default=None, min_length=1, max_length=NAME_MAX, description="For a role that can do less."
    )
    until: int | None = Field(default=None, ge=0, le=T_MAX, description="For a project that ends earlier.")
    scope: list[ScopeName] = Field(default=[], max_length=NAMES_MAX, description="For less of the target.")
    note: str = Field(default="", max_length=TEXT_MAX)


class Deny(Signable):
    """No, and why."""

    digest: str = Field(min_length=64, max_length=64, description="The request's `digest`, as the voter saw it.")
    note: str = Field(min_length=1, max_length=TEXT_MAX)


class Say(Strict):
    """A question or an answer."""

    text: str = Field(min_length=1, max_length=TEXT_MAX)


class Because(Strict):
    """Why something is ended."""

    reason: str = Field(min_length=1, max_length=TEXT_MAX)


class Extend(Strict):
    """More time, and why."""

    by_ms: int = Field(gt=0, le=LONGEST_MS)
    reason: str = Field(min_length=1, max_length=TEXT_MAX)


class StageView(BaseModel):
    """Who decides: `need` distinct people out of `of`."""

    need: int
    of: list[str]
    eligible: list[Someone]


class VoteView(BaseModel):
    """One person's decision."""

    id: str
    person: Someone
    approve: bool
    digest: str
    counts: bool = Field(description="False when what was asked has changed since.")
    at: int
    narrowed_ms: int | None
    narrowed_role: str | None
    narrowed_until: int | None = None
    narrowed_scope: list[str] = []
    signed: bool
    signed_by: Literal["", "key", "passkey"] = Field(default="", description="What it is signed with.")
    note: str


class MessageView(BaseModel):
    """A question or an answer."""

    person: Someone
    at: int
    text: str


class RequestView(Noted):
    """A request and everything that was said about it."""

    id: str
    state: str
    requester: Someone
    on_behalf_of: Someone | None
    target: str
    role: str
    reason: str
    ticket: str
    duration_ms: int
    granted_ms: int = Field(description="How long the access lasts, as approved so far.")
    start_at: int | None
    digest: str = Field(description="Of what was asked; a vote names it.")
    policy: str
    rule: str
    takes: str = Field(description="How it is decided, in words.")
    signed_by: Literal["", "key", "passkey"] = Field(
        default="", description="What votes have to be signed with: an SSH key or a passkey, or a passkey."
    )
    stages: list[StageView]
    created_at: int
    decide_by: int
    decided_at: int | None
    decided_because: str
    votes: list[VoteView]
    messages: list[MessageView]
    grant: str | None
    extends: str | None = Field(description="The grant that is to last longer; null: access is asked for.")
    asked_by: Someone | None = Field(default=None, description="Who asked in the requester's place.")
    bundle: str | None = Field(default=None, description="What it was asked for together with.")
    until: int | None = Field(default=None, description="A project: a grant for each day until then.")
    scope: list[str] = Field(default=[], description="What it is limited to in the target; empty: not limited.")


class ExtensionView(BaseModel):
    """A deadline that moved."""

    by_ms: int
    at: int
    person: Someone
    reason: str


class GrantView(Noted):
    """A grant. `ending` is the timeline of its end, with the measured milliseconds."""

    id: str
    state: str
    request: str
    person: Someone
    target: str
    role: str
    duration_ms: int
    start_at: int | None
    activate_by: int
    created_at: int
    policy: str
    rule: str
    activated_at: int | None
    expires_at: int | None
    ending_at: int | None
    ended_at: int | None
    end_reason: str
    end_by: Someone | None
    end_note: str
    ending: dict[str, Any] | None = Field(
        description="The timeline of its end, null before that: `began_at` (ms since 1970), `ms` that it took, "
        "`attempts`, `steps` (each with its ms since `began_at`), `sessions`, `doubtful` of them, `problems`, "
        "and where they apply `credential`, `elsewhere` and `retry_at`."
    )
    extensions: list[ExtensionView]
    scope: list[str] = Field(default=[], description="What it is limited to in the target; empty: not limited.")


class ValueView(BaseModel):
    """A bind value: `text`, or `base64` where its type is not text-like; neither: NULL."""

    text: str | None = None
    base64: str | None = None


Outcome = Literal["SUBMITTED", "COMPLETED", "FAILED", "REFUSED"]


class StatementView(BaseModel):
    """A statement and what came of it. `text` is null when its body was erased, or cannot be read."""

    id: str = Field(description="The id of its ledger entry.")
    state: Outcome
    n: int
    t: int
    via: str
    text: str | None
    values: list[ValueView]
    kind: str
    effect: str
    reads: list[str]
    writes: list[str]
    tags: list[str]
    rows: int | None
    duration_us: int | None
    error: str


class SessionView(Noted):
    """A session: one connection of one person to one target under one grant."""

    id: str
    state: str
    grant: str
    request: str
    person: Someone
    target: str
    protocol: str
    role: str
    node: str
    client: str
    opened_at: int
    ended_at: int | None
    end_reason: str
    recording: str = Field(description="`complete`, or `gap` when something that happened is known to be missing.")
    statements: int = Field(description="Counted when it is over: 0 while it is open.")
    ending: dict[str, Any] | None = Field(description="What was seen of its end; null: it left by itself, or is open.")
    look_at: int | None = Field(description="When it is looked at again whether its work is gone; null: it is.")
    current: StatementView | None = Field(
        default=None,
        description="What an open one does, or did last, where asked for and mine to read; a long text is cut.",
    )


class EntryView(BaseModel):
    """An entry of the ledger, in its place. `entry` is the canonical text that `leaf` is the hash of."""

    id: str
    state: Literal["SEALED"]
    index: int
    type: str
    t: int
    leaf: str
    entry: str
    actor: Someone | None = Field(default=None, description="Who did it; null: the gateway, or whoever runs it.")
    said: dict[str, str] = Field(default={}, description="What was said, where that was asked for and I may read it.")


class HitView(BaseModel):
    """Something that search found, checked: DAMAGED is what is not as it stands in the log."""

    id: str
    state: Literal["SEALED", "DAMAGED"]
    index: int
    type: str
    t: int
    leaf: str
    person: Someone | None
    target: str | None
    session: str | None
    request: str | None
    kind: str
    effect: str
    tables: list[str]
    body: Literal["KEPT", "ERASED", "ENCRYPTED", "DAMAGED", "NOT_OPENED", "NONE"] = Field(
        description="What there is of what was said; NONE: nothing was."
    )
    said: dict[str, str] = Field(description="What was said, field by field; only what the entry commits to.")
    entry: str


class BodyView(BaseModel):
    """A body as it is stored, in base64. Its id is its SHA-256, as entries name it."""

    id: str
    state: Literal["KEPT"]
    media: str
    content: str


class OpenedView(HitView):
    """An entry with the bodies that belong to it."""

    bodies: list[BodyView]


class Health(BaseModel):
    """Whether this gateway can do its work."""

    id: str = Field(description="The node's name.")
    state: Literal["HEALTHY", "CUT_OFF", "DRAINING", "READ_ONLY", "FAILED"]
    problem: str = ""
    warnings: list[str] = Field(default=[], description="What is wrong and stops nothing yet.")
