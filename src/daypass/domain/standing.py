"""What is kept beside requests and grants: keys that votes are signed with, sealed codes, and what people are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from daypass.domain.errors import Conflict


@dataclass(frozen=True, slots=True)
class EnrolledKey:
    """A person's public SSH key. `public` is its one line (`ssh-ed25519 …`), `fingerprint` as ssh-keygen shows it."""

    id: str
    person: str
    public: str
    fingerprint: str
    enrolled_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class SealedCode:
    """A one-time code that breaks the glass of one target: what checks a proof of it, and whether it was used."""

    id: str
    target: str
    stored_key: bytes
    server_key: bytes
    made_at: int
    expires_at: int
    used_at: int | None = None
    used_by: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A changed policy file that waits for a second person. `was` and `digest` are of the file's text before and after
    (SHA-256, hex); `state` is PROPOSED, APPROVED or REJECTED."""

    id: str
    state: str
    policy: str
    text: str
    was: str
    digest: str
    note: str
    made_by: str
    made_at: int
    decided_by: str = ""
    decided_at: int | None = None
    decided_note: str = ""


@dataclass(frozen=True, slots=True)
class Favourite:
    """Something that a person asks for again and again. `wish` is what they ask, as plain values."""

    person: str
    name: str
    wish: Mapping[str, object]
    made_at: int


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text that a person keeps for the SQL console."""

    person: str
    name: str
    text: str
    saved_at: int


def check_room(kept: Iterable[Favourite | Snippet], name: str, most: int, *, what: str, hint: str) -> None:
    """Raise `Conflict` unless a person who keeps these may keep one more, or another one under a name that is taken."""
    if len({one.name for one in kept} - {name}) >= most:
        raise Conflict(f"you have {most} {what}", hint=hint)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that one person is to be told over one channel (a shared channel: `person` is empty). `about` holds ids
    and words, never what people wrote.

    `next_at` is when it may be tried (again); while somebody sends it, until when nobody else does; 0: it is over.
    Over without `sent_at` it was given up (`problem` says why), or nobody wanted it any more. Notices of one `thread`
    (a request) go out in order. `receipt` is what the channel calls the message, by which it finds it again.
    """

    id: str
    channel: str
    person: str
    kind: str
    about: Mapping[str, object]
    made_at: int
    next_at: int
    attempts: int = 0
    sent_at: int | None = None
    problem: str = ""
    thread: str = ""
    receipt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlet:
    """A channel that people are told over. `shared`: a room that many read, told once and not person by person;
    `only`: the kinds of notices that it takes, as patterns (none: all)."""

    name: str
    shared: bool = False
    only: tuple[str, ...] = ()
    callback: str = ""
    """The URL by which other systems may have themselves called back here; empty: they may not."""

    def takes(self, kind: str) -> bool:
        """Whether notices of this kind go there."""
        return not self.only or any(fnmatchcase(kind, pattern) for pattern in self.only)
