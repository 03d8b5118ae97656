"""A passkey: somebody's key on an authenticator, for one relying party at one origin. What is kept signs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAME_CHARS_MAX = 100

FRESH_MS = 10 * 60_000
"""How long after somebody has shown what they have they may enrol or remove a passkey by it."""

Proof = Literal["passkey", "password", "provider", "vouched"]
"""By what somebody could enrol or remove a passkey: one they had, a password or the identity provider a moment ago, or
the word of two other people."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """`credential` is its id in base64url, `public` its COSE key, `counter` the highest that its authenticator told,
    `entry` the id of the entry `key.enrolled`. `name` is what its person calls it."""

    id: str
    person: str
    credential: str
    public: bytes
    rp_id: str
    origin: str
    name: str
    counter: int
    transports: tuple[str, ...]
    entry: str
    enrolled_at: int
    last_used_at: int | None = None
    removed_at: int | None = None


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """What passkeys are for: this Daypass's host, and the origin of its pages."""

    id: str
    origin: str
    name: str
