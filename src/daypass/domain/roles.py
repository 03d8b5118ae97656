"""Who may do what: one table of verbs and the roles that may, from which services decide and docs/roles.md is drawn.

A role is held over one thing: somebody is the requester of *this* request, an approver of it because policy named them
when it was asked, an owner of *its* target. Security, auditors and operators are who the settings say, and are that
over everything. Roles add up, with one exception: whoever is an operator reads no recording but of their own sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from daypass.domain.people import GROUP


class Role(StrEnum):
    """What somebody is to a thing."""

    REQUESTER = "requester"
    """Asked for it, holds it, or owns the agent that does."""
    APPROVER = "approver"
    """Policy named them: to decide, to be told of a broken glass, to sign off. Nobody is it in general."""
    OWNER = "target owner"
    """Stands under `owners` of its target."""
    SECURITY = "security"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    """Runs it. At the machine itself (settings, `people`, `erase`, `backup`) the operating system says who that is."""
    PROVISIONER = "provisioner"
    """The service account by which a directory says who there is (`identity.scim.account`)."""


class Verb(StrEnum):
    """What can be done, in the words of the table."""

    ASK = "ask"
    SEE = "see"
    DECIDE = "decide"
    ANSWER = "answer"
    USE = "use"
    END = "end"
    KILL = "kill"
    READ = "read"
    READ_LOG = "read the log"
    SEE_DUTY = "see what is owed"
    DO_DUTY = "do what is owed"
    LOCK = "lock"
    SEE_LOCKS = "see locks"
    KEEP_TOKENS = "keep tokens"
    SEE_TOKENS = "see tokens"
    REVOKE_TOKENS = "revoke tokens"
    KEEP_KEYS = "keep keys"
    VOUCH = "vouch"
    CHANGE_POLICY = "change policy"
    SEE_PROPOSALS = "see proposals"
    SURVEY = "see people, groups, targets and channels"
    SEE_FAILED = "see what was not told"
    RETRY = "tell again"
    PROVISION = "keep people and groups"


@dataclass(frozen=True, slots=True)
class Row:
    """One verb: what it is, on what, and who may. `changes`: it is no mere looking."""

    what: str
    may: frozenset[Role]
    changes: bool = True


_R, _P, _O, _S, _A, _M = Role.REQUESTER, Role.APPROVER, Role.OWNER, Role.SECURITY, Role.AUDITOR, Role.OPERATOR
_D = Role.PROVISIONER


def _row(what: str, *may: Role, changes: bool = True) -> Row:
    return Row(what, frozenset(may), changes)


TABLE: Mapping[Verb, Row] = {
    Verb.ASK: _row("ask for access, or break the glass, where policy lets them; keep favourites", _R),
    Verb.SEE: _row("see a request, its grant, its sessions and its entries", _R, _P, _O, _S, _A, changes=False),
    Verb.DECIDE: _row("approve, deny, ask a question", _P),
    Verb.ANSWER: _row("answer, edit, withdraw, ask again", _R),
    Verb.USE: _row(
        "activate a grant, connect, also with the console (and keep snippets for it), extend it, hand it back", _R
    ),
    Verb.END: _row("revoke a grant; close an end that is not confirmed", _P, _O, _S),
    Verb.KILL: _row("end one session", _R, _P, _O, _S),
    Verb.READ: _row(
        "read what was said and done: recordings, statements, bodies, search", _R, _P, _O, _S, _A, changes=False
    ),
    Verb.READ_LOG: _row("read every entry, and the published log where it is not public", _S, _A, changes=False),
    Verb.SEE_DUTY: _row("see what is owed for an access, with its receipt", _R, _P, _S, _A, changes=False),
    Verb.DO_DUTY: _row("sign off, flag, settle, ratify; never for oneself", _P),
    Verb.LOCK: _row("lock a person, a target or everything; unlock", _S),
    Verb.SEE_LOCKS: _row("list locks", _S, _A, _M, changes=False),
    Verb.KEEP_TOKENS: _row("make tokens for oneself and one's agents; list and sign out one's browsers", _R),
    Verb.SEE_TOKENS: _row("list somebody's tokens, never their secrets", _R, _S, _A, changes=False),
    Verb.REVOKE_TOKENS: _row("revoke somebody's tokens", _R, _S),
    Verb.KEEP_KEYS: _row("enrol, list and revoke one's keys and passkeys; show a passkey; change one's password", _R),
    Verb.VOUCH: _row("vouch for somebody who has lost their passkey, never for oneself", _S, _M),
    Verb.CHANGE_POLICY: _row("propose a policy; approve or reject somebody else's proposal", _S),
    Verb.SEE_PROPOSALS: _row(
        "read policies and proposals; try, simulate and explain one as anybody; who could get what",
        _S,
        _A,
        changes=False,
    ),
    Verb.SURVEY: _row(
        "see everybody, their groups, every target and channel, and how it goes; sign in to a target to see that it "
        "is there",
        _S,
        _A,
        _M,
        changes=False,
    ),
    Verb.SEE_FAILED: _row("list what nobody could be told", _S, _A, _M, changes=False),
    Verb.RETRY: _row("have something told again; send a test over a channel", _S, _M),
    Verb.PROVISION: _row("say over SCIM who there is and in which groups, with a token of the scope `scim`", _D),
}

STANDING = (Role.SECURITY, Role.AUDITOR, Role.OPERATOR)
"""The roles that the settings give (`identity.roles`), over everything."""

USUAL: Mapping[Role, tuple[str, ...]] = {
    Role.SECURITY: (f"{GROUP}security",),
    Role.AUDITOR: (f"{GROUP}auditors",),
    Role.OPERATOR: (f"{GROUP}operators",),
    Role.PROVISIONER: (),
}
"""Who has them unless the settings say otherwise."""


def permits(verb: Verb, held: frozenset[Role]) -> bool:
    """Whether somebody who holds these roles over a thing may do this to it."""
    if verb is Verb.READ and Role.OPERATOR in held and Role.REQUESTER not in held:
        return False
    return bool(TABLE[verb].may & held)


def spoken(of: Sequence[str]) -> str:
    """Who a role belongs to, for a sentence."""
    return " or ".join(name.removeprefix(GROUP) for name in of) or "nobody"
