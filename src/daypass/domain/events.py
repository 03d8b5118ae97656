"""What can stand in the ledger: the envelope of an entry and the catalogue of its types.

The envelope's keys are fixed (docs/audit-format.md): v, id, t, type, actor, request, grant, session, chains, target,
decision, body, commit, blob. A key without a value is left out, except chains, body, commit and blob, which are
always there. Values are strings, integers, lists and objects of these; never floats, never null.
Content that a person wrote (reasons, statements, names) never stands in `body`: it goes into `secret`, of which the
entry holds salted commitments and the blob holds the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daypass.domain.people import Actor

CATALOGUE: Mapping[str, str] = {
    "request.created": "Somebody asked for access.",
    "request.asked": "A decider asked the requester a question.",
    "request.answered": "The requester answered a question.",
    "request.edited": "The requester changed what is asked for; earlier votes are void.",
    "request.escalated": "Nobody decided for a while: further people may decide.",
    "request.voted": "A decider approved or denied, for one exact content digest.",
    "request.approved": "Enough people approved, or a rule did, and a grant exists.",
    "request.denied": "A decider denied, or nobody could decide.",
    "request.refused": "Policy refused the request when it was made.",
    "request.expired": "Nobody decided in time.",
    "request.withdrawn": "The requester took the request back.",
    "grant.renewed": "A project's next day has its grant.",
    "grant.started": "A scheduled grant can be used from here on.",
    "grant.activated": "The clock of a grant started.",
    "grant.extended": "A grant's deadline moved.",
    "grant.ending": "A grant began to end: from here it opens nothing.",
    "grant.ended": "A grant ended, with how long each step took and what the read-back saw.",
    "grant.lapsed": "A grant was not used by its activate-by time.",
    "grant.end_unconfirmed": "A grant's end could not be shown: authority may still exist.",
    "session.registered": "A session was admitted and is about to dial its target.",
    "session.opened": "A session reached its target and can work.",
    "session.killed": "Somebody ordered one session to end; its grant stays.",
    "session.ended": "A session ended, by itself or cut.",
    "session.end_unconfirmed": "A session's work could not be shown to be gone: it may go on.",
    "session.end_settled": "What could not be shown of a session's end was seen after all, or a person answers for it.",
    "session.refused": "A connection was refused.",
    "console.opened": "Somebody opened a session in the SQL console of the web app.",
    "console.closed": "A console was closed, with why; its session ends with it.",
    "statement.prepared": "A text was prepared under a name.",
    "statement.submitted": "A statement is about to be sent to the target.",
    "statement.completed": "What came of a statement.",
    "statement.refused": "A statement was not sent to the target.",
    "recording.kept": "A part of a session's recording was stored that no statement's entry names.",
    "recording.read": "Somebody read what was said and done in sessions.",
    "policy.proposed": "Somebody proposed a changed policy file; it waits for a second person.",
    "policy.approved": "A second person approved a proposed policy file, which was written.",
    "policy.rejected": "A proposed policy file was rejected, or taken back.",
    "policy.changed": "The policies in force changed.",
    "groups.changed": "Who owns which group changed.",
    "settings.changed": "Other settings changed.",
    "targets.changed": "The targets or their roles changed.",
    "glass.broken": "Somebody took access without a decision.",
    "glass.ratified": "Break-glass access was ratified or refused.",
    "glass.drilled": "Breaking the glass was exercised, with how long each step took.",
    "glass.codes_made": "Sealed one-time codes for a target were made.",
    "obligation.due": "Something is owed.",
    "obligation.done": "Something owed was done.",
    "obligation.flagged": "Something owed was looked at, and a follow-up is needed.",
    "obligation.overdue": "Something owed was not done in time; further people may do it.",
    "obligation.settled": "The follow-up of something flagged is over.",
    "secret.changed": "A secret that is kept encrypted was set, replaced or removed.",
    "lock.set": "Security shut a person, a target or everything for a while.",
    "lock.lifted": "A lock was taken away before its time.",
    "key.enrolled": "An SSH key or a passkey was enrolled.",
    "key.revoked": "A key was revoked or a passkey removed: what it signs from here on counts no more.",
    "key.renamed": "A passkey has another name.",
    "key.suspected": "A passkey's counter went back, so that it may have been copied; it was refused.",
    "key.vouched": "Somebody vouched for a person who has nothing to enrol or remove a passkey by.",
    "password.invited": "A link was made by which somebody sets their password, once.",
    "password.changed": "A local person's password was set or changed.",
    "password.removed": "A local person's password was removed.",
    "person.changed": "A person was added, changed or disabled.",
    "group.changed": "A directory added, changed or removed a group, or who is in it.",
    "channel.tested": "Somebody sent a test message over a channel.",
    "notice.failed": "Somebody could not be told over a channel; it was given up.",
    "token.issued": "A token was made for a person.",
    "token.revoked": "A token was revoked.",
    "visit.opened": "Somebody signed in with a browser.",
    "visit.ended": "A browser was signed out.",
    "credential.issued": "A login was made at a target for one grant.",
    "credential.withdrawn": "A grant's login was taken away, with how long each step took and what was seen.",
    "credential.changed": "Somebody else changed a grant's login; it was put right.",
    "credential.drift": "A login that no grant is for, one that is gone, or a connection that no gateway opened.",
    "blob.erased": "A body was erased; its commitment stays.",
    "ledger.started": "The gateway started on this ledger.",
    "ledger.heartbeat": "A node goes on; one every minute, whatever else happens.",
    "ledger.recovered": "The ledger was rebuilt from what had been published.",
}


@dataclass(frozen=True, slots=True)
class TargetRef:
    """The target as it stands in an entry."""

    name: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, before it is sealed into an entry.

    `body` holds what may be public; `secret` holds what people wrote, committed to field by field.
    """

    type: str
    t: int
    actor: Actor
    request: str | None = None
    grant: str | None = None
    session: str | None = None
    target: TargetRef | None = None
    decision: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blob:
    """A body apart from its entry: zstd of a 32-byte salt and the content. `sha256` is of the stored bytes, in hex."""

    sha256: str
    media: str
    content: bytes
    session: str | None = None


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What search may find an entry by."""

    text: str
    tables: str = ""
    kind: str = ""
    effect: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has no place in the log yet: canonical JSON in which `"chains":[]` is still empty.

    `chains` names the chains that it will stand in (`session:<id>`, `target:<name>`). `node` and `number` are its
    place in a node's journal (a draft from the control plane has none), by which shipping is idempotent.
    """

    id: str
    type: str
    t: int
    actor: str
    entry: bytes
    chains: tuple[str, ...]
    blobs: tuple[Blob, ...] = ()
    index: IndexRow | None = None
    request: str | None = None
    grant: str | None = None
    session: str | None = None
    target: str | None = None
    statement: int | None = None


@dataclass(frozen=True, slots=True)
class Unsequenced:
    """A committed draft that waits for its index, as the sequencer sees it."""

    row: int
    entry: bytes
    chains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sequenced:
    """The sequencer's answer for one `Unsequenced`: its place, its final bytes, its leaf hash (hex)."""

    row: int
    index: int
    entry: bytes
    leaf: str


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last link of a chain: how many entries stand in it, and the newest one's leaf hash (hex)."""

    name: str
    n: int
    leaf: str
