"""Static credentials: one login a role, its password in the environment or a file. Makes and changes no login.

What can be shown at a grant's end is that the login still is what we know: a session may have changed its password,
and would then come back past us. So it is signed in with afresh, where a protocol gave us a way to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic

from daypass.config import read_secret
from daypass.credentials.interface import Finding, Issued, Lease, Withdrawal
from daypass.domain.errors import ConfigError, NotFound, Unavailable
from daypass.domain.target import Credential, Target

SignIn = Callable[[Target, Credential], Awaitable[str]]
"""Signs in afresh and leaves; returns why the target turned the login down (empty: it did not)."""


class StaticCredentials:
    """Reads the secret anew for every session, so that a rotated file is used without a restart."""

    def __init__(self, sign_in: Mapping[str, SignIn] | None = None) -> None:
        self._sign_in = sign_in or {}

    async def resolve(self, target: Target, role: str) -> Credential:
        """The login that the settings name. The files are small and local, so that reading them does not wait."""
        found = target.roles.get(role)
        if found is None:
            raise NotFound(f"{target.name} has no role {role}", hint=f"it has {', '.join(sorted(target.roles))}")
        if found.password is None:
            return Credential(found.user)
        try:
            return Credential(found.user, read_secret(found.password))
        except ConfigError as problem:
            raise Unavailable(f"the credential of {target.name}:{role} cannot be had: {problem.message}") from problem

    async def issue(self, lease: Lease) -> Issued:
        return Issued(await self.resolve(lease.target, lease.role.name))

    async def extend(self, lease: Lease) -> None:
        """A static login has no deadline of its own."""

    async def withdraw(self, lease: Lease) -> Withdrawal:
        """Show that the login still is what we know. A login without a password has none that could be changed."""
        sign_in = self._sign_in.get(lease.target.protocol)
        if sign_in is None or lease.role.password is None or not lease.marks:
            return Withdrawal()
        began = monotonic()
        try:
            credential = await self.resolve(lease.target, lease.role.name)
            said = await sign_in(lease.target, credential)
        except Unavailable as problem:
            return Withdrawal(problem=f"whether its login still is what we know: {problem.message}")
        steps = {"signed_in_afresh": round((monotonic() - began) * 1000, 3)}
        if said:
            return Withdrawal(steps, problem=f"login {credential.user} is not what we know any more: {said}")
        return Withdrawal(steps, {"signed_in_afresh": 1})

    async def drift(self, target: Target, leases: Sequence[Lease], *, whole: bool) -> Sequence[Finding]:
        """Nothing of ours is there that could differ."""
        return ()

    async def close(self) -> None:
        """Nothing is open."""
