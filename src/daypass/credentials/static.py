"""Static credentials: one login a role, its password where the settings say. Makes and changes no login.

What can be shown at a grant's end is that the login still is what we know: a session may have changed its password,
and would then come back past us. So it is signed in with afresh, where a protocol gave us a way to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol as Interface

import structlog

from daypass.credentials.interface import Finding, Issued, Lease, Withdrawal
from daypass.credentials.postgres_roles import maintenance
from daypass.credentials.secrets.sources import Secrets
from daypass.domain.errors import NotFound, Unavailable
from daypass.domain.target import Credential, Target

log = structlog.get_logger(__name__)


class Afresh(Interface):
    """Signs in to the targets of one protocol with a static login, apart from any session."""

    async def remember(self, target: Target, credential: Credential) -> str:
        """The other logins there, for `look` to compare with (empty: cannot be told). Raises `Unavailable`."""

    async def look(self, lease: Lease, credential: Credential) -> Withdrawal:
        """Whether the login is what we know, and what is left of the lease's sessions. Raises `Unavailable`."""


class StaticCredentials:
    """Reads the secret anew for every session, so that a rotated file is used without a restart."""

    def __init__(self, afresh: Mapping[str, Afresh] | None = None, secrets: Secrets | None = None) -> None:
        """`afresh`: who signs in to the targets of a protocol, by its name; `secrets`: where passwords are."""
        self._afresh = afresh or {}
        self._secrets = secrets or Secrets()

    def lasting(self, target: Target) -> bool:
        """Nobody looks for it here where nobody signs in afresh."""
        return False

    async def resolve(self, target: Target, role: str) -> Credential:
        """The login that the settings name, with its password from where they say that it is."""
        found = target.roles.get(role)
        if found is None:
            raise NotFound(f"{target.name} has no role {role}", hint=f"it has {', '.join(sorted(target.roles))}")
        spare = await self._spare(target)
        if found.password is None:
            return Credential(found.user, spare=spare)
        try:
            return Credential(found.user, await self._secrets.read(found.password), spare=spare)
        except Unavailable as problem:
            raise Unavailable(f"the credential of {target.name}:{role} cannot be had: {problem.message}") from problem

    async def _spare(self, target: Target) -> Credential | None:
        """The maintenance login, where there is one: a session that keeps its own login's ender out is ended by it."""
        if target.maintenance is None:
            return None
        try:
            return await maintenance(target, self._secrets)
        except Unavailable as problem:  # it is not what access is given with
            log.error("no second way to end work at a target", target=target.name, problem=problem.message)
            return None

    async def issue(self, lease: Lease) -> Issued:
        """With a login that could make others, how the others are before its first session."""
        credential = await self.resolve(lease.target, lease.role.name)
        afresh = self._afresh.get(lease.target.protocol)
        if not lease.role.dangerous or lease.before or afresh is None:
            return Issued(credential, before=lease.before)
        return Issued(credential, before=await afresh.remember(lease.target, credential))

    async def extend(self, lease: Lease) -> None:
        """A static login has no deadline of its own."""

    async def withdraw(self, lease: Lease) -> Withdrawal:
        """Show that the login still is what we know. A login without a password has none that could be changed."""
        afresh = self._afresh.get(lease.target.protocol)
        if afresh is None or lease.role.password is None or not lease.marks:
            return Withdrawal()
        try:
            return await afresh.look(lease, await self.resolve(lease.target, lease.role.name))
        except Unavailable as problem:
            return Withdrawal(problem=f"whether its login still is what we know: {problem.message}")

    async def drift(self, target: Target, leases: Sequence[Lease], *, whole: bool) -> Sequence[Finding]:
        """Nothing of ours is there that could differ."""
        return ()

    async def close(self) -> None:
        """Nothing is open."""
