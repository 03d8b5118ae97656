"""Tokens, and what may be asked of a store about signing in: a part of `interface.Transaction`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

from daypass.domain.passkey import Passkey
from daypass.domain.visit import Visit


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: verifiers only."""

    id: str
    person: str
    sha256: bytes
    stored_key: bytes
    server_key: bytes
    created_at: int
    expires_at: int
    label: str = ""
    revoked_at: int | None = None
    last_used_at: int | None = None
    last_used_from: str = ""
    scopes: tuple[str, ...] = ()
    """What it is good for (domain/token_scopes.py); none: for everything."""
    visit: str = ""
    """The visit in which it was made, and with which it ends; empty: it was made otherwise."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Something begun that is over in minutes: a sign-in at the provider, a device that waits, a challenge.

    `id` is the SHA-256 (hex) of the secret that continues it; `code` what a person types (empty: nothing)."""

    id: str
    kind: str
    person: str
    code: str
    about: Mapping[str, object]
    made_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Password:
    """What is kept of a local person's password: its argon2id hash, with parameters and salt."""

    person: str
    hash: str = field(repr=False)
    set_at: int


class Visiting(Interface):
    """Visits, flows, passkeys and passwords, inside one commit."""

    async def visit_by_verifier(self, verifier: bytes) -> Visit | None: ...
    async def visit_for_change(self, id: str) -> Visit | None: ...
    async def visits(
        self, *, person: str | None = None, issuer: str = "", subject: str = "", sid: str = "", live_at: int
    ) -> Sequence[Visit]:
        """Those that are not over at this time, newest first; `issuer`, `subject`, `sid`: as the provider calls them
        (empty: any)."""

    async def visits_born(self, *, issuer: str, subject: str = "", sid: str = "") -> Sequence[Visit]:
        """As `visits`, but also those that are over: a token that was got in them may live."""

    async def tokens_of_visits(self, visits: Sequence[str], *, live_at: int) -> Sequence[str]:
        """The ids of the live tokens that were made in these visits."""

    async def save_visit(self, visit: Visit) -> None: ...
    async def note_visit(self, id: str, at: int, client: str) -> None:
        """Note when and from where it was seen last, and nothing else of it: it may end at the same time."""

    async def prune_visits(self, before: int) -> int:
        """Delete those whose time ran out before then. Returns how many."""

    async def flow_for_change(self, id: str) -> Flow | None: ...
    async def flow_by_code(self, kind: str, code: str) -> Flow | None:
        """The flow that a person typed the code of; its row is locked."""

    async def save_flow(self, flow: Flow) -> None: ...
    async def drop_flow(self, id: str) -> bool:
        """Whether it was there: of two that use one flow up, one gets True."""

    async def flow_of(self, kind: str, person: str, *, live_at: int) -> Flow | None:
        """The newest flow of this kind that this person has."""

    async def drop_flows(self, kind: str, person: str) -> int:
        """Delete a person's flows of this kind. Returns how many."""

    async def flows(self, kind: str, *, live_at: int) -> Sequence[Flow]:
        """All of this kind that wait, the oldest first."""

    async def count_flows(self, kind: str, *, person: str = "", live_at: int) -> int:
        """How many of this kind wait (of this person; empty: of all)."""

    async def prune_flows(self, before: int) -> int:
        """Delete those whose time ran out before then. Returns how many."""

    async def passkeys(self, person: str) -> Sequence[Passkey]:
        """A person's, the removed too, newest first."""

    async def passkey_for_change(self, credential: str) -> Passkey | None: ...
    async def save_passkey(self, passkey: Passkey) -> None: ...

    async def password(self, person: str) -> Password | None: ...
    async def password_for_change(self, person: str) -> Password | None: ...
    async def save_password(self, password: Password) -> None: ...
    async def drop_password(self, person: str) -> bool:
        """Whether there was one."""
