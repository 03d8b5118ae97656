"""Every kind of credential behind one interface: static logins for any protocol, ephemeral ones where we make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daypass.credentials.interface import Credentials, Finding, Issued, Lease, Withdrawal
from daypass.credentials.postgres_roles import PostgresRoles
from daypass.credentials.postgres_static import PostgresStatic, lasting
from daypass.credentials.static import StaticCredentials
from daypass.domain.errors import Invalid, NotFound, Unavailable
from daypass.domain.target import Credential, Target, TargetRole
from daypass.protocols.postgres import POSTGRES


class AllCredentials:
    """Asks whoever makes a role's logins."""

    def __init__(self, static: Credentials, ephemeral: Mapping[str, Credentials]) -> None:
        """`ephemeral`: who makes logins at the targets of a protocol, by its name."""
        self._static = static
        self._ephemeral = ephemeral

    async def resolve(self, target: Target, role: str) -> Credential:
        found = target.roles.get(role)
        if found is None:
            raise NotFound(f"{target.name} has no role {role}", hint=f"it has {', '.join(sorted(target.roles))}")
        return await self._of(target, found).resolve(target, role)

    def lasting(self, target: Target) -> bool:
        return target.protocol == POSTGRES.name and lasting(target)

    async def issue(self, lease: Lease) -> Issued:
        return await self._of(lease.target, lease.role).issue(lease)

    async def extend(self, lease: Lease) -> None:
        await self._of(lease.target, lease.role).extend(lease)

    async def withdraw(self, lease: Lease) -> Withdrawal:
        try:
            kind = self._of(lease.target, lease.role)
        except Unavailable as problem:
            return Withdrawal(problem=problem.message)
        return await kind.withdraw(lease)

    async def drift(self, target: Target, leases: Sequence[Lease], *, whole: bool) -> Sequence[Finding]:
        if not lends(target):
            return ()
        kind = self._ephemeral.get(target.protocol)
        return await kind.drift(target, leases, whole=whole) if kind is not None else ()

    async def close(self) -> None:
        for kind in (self._static, *self._ephemeral.values()):
            await kind.close()

    def _of(self, target: Target, role: TargetRole) -> Credentials:
        if not role.member_of:
            return self._static
        kind = self._ephemeral.get(target.protocol)
        if kind is None:
            raise Unavailable(f"{target.name}: no logins can be made for {target.protocol}")
        return kind

    def check(self, target: Target) -> None:
        """Raise `Invalid` for a target whose roles ask for logins that nobody here can make."""
        if lends(target) and target.protocol not in self._ephemeral:
            raise Invalid(
                f"target {target.name}: member_of cannot be used with {target.protocol}",
                hint="Give the role user and password.",
            )


def all_credentials() -> AllCredentials:
    """Every kind there is."""
    return AllCredentials(StaticCredentials({POSTGRES.name: PostgresStatic()}), {POSTGRES.name: PostgresRoles()})


def lends(target: Target) -> bool:
    """Whether any of the target's roles has logins of its own for each grant."""
    return any(role.member_of for role in target.roles.values())
