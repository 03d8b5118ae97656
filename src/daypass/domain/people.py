"""Who there is: people with an address, a name and groups; and who is acting in one call."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["person", "system", "operator"]


@dataclass(frozen=True, slots=True)
class Person:
    """`id` is opaque and stands in the ledger; `email` and `name` never do, so that they can be erased."""

    id: str
    email: str
    name: str
    groups: frozenset[str]
    disabled: bool = False
    subject: str = ""
    """What the identity provider calls the human being behind this account; two accounts may share it."""
    agent_of: str = ""
    """The id of the person whose agent this is; empty: a person."""
    source: str = ""
    """Who keeps this account: `oidc` or `scim`; empty: the settings."""


_UNSEEN = (
    r"\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
ADDRESS = re.compile(rf"[^\s@:/{_UNSEEN}]{{1,64}}@[A-Za-z0-9.-]{{1,190}}")
"""What an address may be. No sign in it shows nothing or turns the reading direction: whoever decides on what somebody
asks for reads it, and takes what looks like a colleague's address for it."""

GROUP = "group:"
"""What a group's name follows where people are named; anything else is an address."""


def selected(person: Person, of: Sequence[str]) -> bool:
    """Whether `of` (each `group:NAME` or an e-mail address) names this person. A disabled person is nobody."""
    if person.disabled:
        return False
    return any(
        name.removeprefix(GROUP) in person.groups if name.startswith(GROUP) else name == person.email for name in of
    )


def canonical_email(email: str) -> str:
    """The address without what makes several of one mailbox: case, other forms of the same letters (full-width ones,
    ligatures, combining accents), a `+tag`, and a dot behind the domain."""
    plain = email.strip()
    same = plain.lower() if plain.isascii() else unicodedata.normalize("NFKC", plain).casefold()
    local, _, domain = same.rpartition("@")
    return f"{local.partition('+')[0]}@{domain.rstrip('.')}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, the operator at the machine, or Daypass itself."""

    id: str
    kind: ActorKind
    on_behalf_of: str | None = None


GLASS = "glass"
"""What a name begins with (`glass:EMAIL`) that signs in with a sealed code."""

SYSTEM = Actor("daypass", "system")
OPERATOR = Actor("operator", "operator")


@dataclass(frozen=True, slots=True)
class Verifier:
    """What is kept of a token for SCRAM-SHA-256 (RFC 5803): enough to check a proof, not enough to make one."""

    token_id: str
    stored_key: bytes
    server_key: bytes


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a listener needs to check a name's proof. For an unknown name it looks the same, with verifiers that
    nothing proves."""

    salt: bytes
    iterations: int
    verifiers: tuple[Verifier, ...]
