"""Every kind of credential behind one interface: static logins for any protocol, ephemeral ones where we make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daypass.credentials.interface import Credentials, Finding, Issued, Lease, Withdrawal
from daypass.credentials.postgres_roles import PostgresRoles
from daypass.credentials.postgres_static import PostgresStatic, lasting
from daypass.credentials.secrets.sources import Secrets
from daypass.credentials.static import StaticCredentials
from daypass.credentials.vault_logins import VaultLogins
from daypass.domain.errors import Invalid, NotFound, Unavailable
from daypass.domain.target import Credential, Target, TargetRole
from daypass.protocols.postgres import POSTGRES


class AllCredentials:
    """Asks whoever makes a role's logins."""

    def __init__(
        self, static: Credentials, ephemeral: Mapping[str, Credentials], lending: Credentials, secrets: Secrets
    ) -> None:
        """`ephemeral`: who makes logins at the targets of a protocol, by its name; `lending`: who has them lent."""
        self._static = static
        self._ephemeral = ephemeral
        self._lending = lending
        self._secrets = secrets

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
        if not makes(target):
            return ()
        kind = self._ephemeral.get(target.protocol)
        return await kind.drift(target, leases, whole=whole) if kind is not None else ()

    async def close(self) -> None:
        for kind in (self._static, self._lending, *self._ephemeral.values()):
            await kind.close()
        await self._secrets.close()

    def _of(self, target: Target, role: TargetRole) -> Credentials:
        if role.login is not None:
            return self._lending
        if not role.member_of:
            return self._static
        kind = self._ephemeral.get(target.protocol)
        if kind is None:
            raise Unavailable(f"{target.name}: no logins can be made for {target.protocol}")
        return kind

    def check(self, target: Target) -> None:
        """Raise `Invalid` for a target whose roles ask for logins that nobody here can make."""
        if makes(target) and target.protocol not in self._ephemeral:
            raise Invalid(
                f"target {target.name}: member_of cannot be used with {target.protocol}",
                hint="Give the role user and password.",
            )


def all_credentials(secrets: Secrets | None = None) -> AllCredentials:
    """Every kind there is, with passwords from these stores."""
    stores = secrets or Secrets()
    return AllCredentials(
        StaticCredentials({POSTGRES.name: PostgresStatic()}, stores),
        {POSTGRES.name: PostgresRoles(secrets=stores)},
        VaultLogins(stores),
        stores,
    )


def makes(target: Target) -> bool:
    """Whether logins are made here for any of the target's roles."""
    return any(role.member_of for role in target.roles.values())
