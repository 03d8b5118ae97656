"""A visit: a browser in which somebody is signed in. What is kept of its cookie opens nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from daypass.domain.durations import HOUR_MS

Way = Literal["token", "oidc", "password", "passkey"]
"""How somebody signed in."""

LASTS_MS = 12 * HOUR_MS
"""A working day: nobody is signed in for longer without proving again who they are."""

IDLE_MS = 2 * HOUR_MS
"""A browser that nobody touched for so long is signed out."""

SEEN_MS = 60_000
"""`seen_at` is this exact; writing it for each call would cost a commit each."""


@dataclass(frozen=True, slots=True)
class Visit:
    """`verifier` is the SHA-256 of the cookie. `token`: the token that it was opened with, which it never outlives.
    `issuer`, `subject` and `sid` are what the identity provider calls it, for its sign-outs; `hint` the ID token that
    it is told of ours. `passkey_at`: when a passkey was shown last."""

    id: str
    person: str
    verifier: bytes
    way: Way
    opened_at: int
    expires_at: int
    seen_at: int
    seen_from: str
    token: str = ""
    issuer: str = ""
    subject: str = ""
    sid: str = ""
    hint: str = ""
    passkey_at: int | None = None
    ended_at: int | None = None


def lives(visit: Visit, now: int) -> bool:
    """Whether it is good for anything now."""
    return visit.ended_at is None and now < visit.expires_at and now - visit.seen_at < IDLE_MS


def ended(visit: Visit, now: int) -> Visit:
    """The visit, over; what the provider said goes with it."""
    return replace(visit, ended_at=now, hint="")
