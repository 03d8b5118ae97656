"""What the gateway asks of `services`: the few verbs that a connection needs, so that it can be tested without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol as Interface

from daypass.domain.grant import EndReason
from daypass.domain.people import SignIn
from daypass.domain.scope import Scope
from daypass.domain.target import Credential, Target, TargetRole


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

    async def ended(
        self, session: str, reason: EndReason, note: str, statements: int, recording: str, last_number: int
    ) -> None:
        """The session is over and everything in the journal up to `last_number`, its last record, is in the store.
        `recording` is `complete` or `gap`."""

    async def refused(self, name: str, target: str, client: str, why: str) -> None:
        """A connection was refused before it was a session. Rate-limited there, so every refusal is told."""

    async def grant_due(self, grant: str) -> None:
        """The deadline of this grant has passed; its sessions here are already cut."""
