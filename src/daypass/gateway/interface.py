"""What the gateway asks of `services`: the few verbs that a connection needs, so that it can be tested without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol as Interface

from daypass.domain.people import SignIn
from daypass.domain.scope import Scope
from daypass.domain.session import Over
from daypass.domain.target import Credential, Target, TargetRole
from daypass.services.interface import SessionEnd


class Admission(Interface):
    """Somebody may go on to a target: the session is registered, its grant is active."""

    @property
    def session(self) -> str: ...
    @property
    def person(self) -> str: ...
    @property
    def grant(self) -> str: ...
    @property
    def target(self) -> Target: ...
    @property
    def role(self) -> TargetRole: ...
    @property
    def credential(self) -> Credential: ...
    @property
    def label(self) -> str:
        """Names person and session at the target."""

    @property
    def expires_at(self) -> int:
        """The absolute deadline, ms since 1970."""

    @property
    def duration_ms(self) -> int:
        """How long its grant was given for."""

    @property
    def extend_ms(self) -> int | None:
        """By how much it may be extended at most; None: not at all."""

    @property
    def scope(self) -> Scope:
        """What it is limited to."""

    @property
    def idle_ms(self) -> int | None:
        """How long the client may say nothing; None: as long as it likes."""


class Desk(Interface):
    """Where a connection asks. Answers no by raising `Unauthenticated`, `Refused`, `NotFound` or `Unavailable`."""

    async def look_up(self, name: str) -> SignIn:
        """How this name signs in; looks the same for a name that nobody has."""

    async def admit(self, token_id: str, target: str, role: str | None, client: str, node: str) -> Admission:
        """Register a session for the holder of this token, activating the grant on its first use."""

    async def opened(self, session: str, mark: Mapping[str, str]) -> None:
        """The target let the session in; `mark` identifies its work there."""

    async def ended(self, told: Over, end: SessionEnd | None = None) -> None:
        """A session is over, and everything in the journal up to its last record is in the store. `end` is what was
        seen where we ended it."""

    async def refused(self, name: str, target: str, client: str, why: str) -> None:
        """A connection was refused before it was a session. Rate-limited there, so every refusal is told."""

    async def grant_due(self, grant: str) -> None:
        """The deadline of this grant has passed; its sessions here are already cut."""
