"""Ephemeral logins of PostgreSQL: for each grant a role of its own, good until the deadline, gone at the end.

A role is made in one transaction by the target's maintenance login, which joins it, as only a member may signal its
backends, hand on what it owns and drop it. It inherits from the configured roles; where the server can say so (from
version 16 on) it cannot become them, so that what it makes is its own and their passwords are out of its reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from daypass.credentials import leaving, watching
from daypass.credentials.interface import Finding, Issued, Lease, Withdrawal
from daypass.credentials.logins import GATE, OPTIONS_SINCE, literal, login_name, password, quoted, verifier
from daypass.credentials.postgres_static import lasting
from daypass.credentials.roles import CONNECTIONS_MAX, Role, differences, find, remember
from daypass.credentials.secrets.sources import Secrets
from daypass.credentials.servers import Failed, PostgresServer
from daypass.domain.errors import NotFound, Unavailable
from daypass.domain.target import Credential, Target

TRIES = 3
"""Two nodes may make or change one role at the same moment; the loser sees what the other did and goes on."""

AT_ONCE = ("42710", "23505", "XX000", "40001")
"""What the loser is told: duplicate_object, unique_violation, "tuple concurrently updated", serialization_failure."""

KNOWN_MAX = 10_000
"""Roles that this process knows it made: asked for again by their next session, without asking the server."""

Serve = Callable[[Target, Credential], PostgresServer]


class PostgresRoles:
    """`interface.Credentials` for roles with `member_of`."""

    def __init__(self, serve: Serve = PostgresServer, secrets: Secrets | None = None) -> None:
        self._serve = serve
        self._secrets = secrets or Secrets()
        self._servers: dict[str, PostgresServer] = {}
        self._known: dict[str, Issued] = {}
        self._until: dict[str, int] = {}

    async def resolve(self, target: Target, role: str) -> Credential:
        if role not in target.roles:
            raise NotFound(f"{target.name} has no role {role}", hint=f"it has {', '.join(sorted(target.roles))}")
        return await maintenance(target, self._secrets)

    def lasting(self, target: Target) -> bool:
        return lasting(target)

    async def issue(self, lease: Lease) -> Issued:
        known = self._known.get(lease.grant)
        if known is not None and self._until[lease.grant] == lease.expires_at:
            return known
        server = await self._server(lease.target)
        credential = Credential(login_name(lease.grant), password(lease.key), ender=server.login)
        before = await remember(server) if lease.role.dangerous else ""
        made, changed = await self._made(server, lease)
        self._know(lease, Issued(credential))
        return Issued(credential, made, changed, before)

    async def extend(self, lease: Lease) -> None:
        server = await self._server(lease.target)
        if await find(server, login_name(lease.grant)) is not None:
            await self._made(server, lease)

    async def withdraw(self, lease: Lease) -> Withdrawal:
        self._forget(lease.grant)
        try:
            server = await self._server(lease.target)
        except Unavailable as problem:
            return Withdrawal(problem=problem.message)
        return await leaving.withdraw(server, lease)

    async def drift(self, target: Target, leases: Sequence[Lease], *, whole: bool) -> Sequence[Finding]:
        found = await watching.look(await self._server(target), target, leases, whole)
        for finding in found:
            if finding.grant is not None and finding.kind in ("changed", "missing"):
                self._forget(finding.grant)  # so that the next session has it put right
        return found

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()
        self._servers.clear()

    async def _server(self, target: Target) -> PostgresServer:
        login = await maintenance(target, self._secrets)
        server = self._servers.get(target.name)
        if server is None or server.login != login:  # its secret may have been rotated
            server = self._servers[target.name] = self._serve(target, login)
        return server

    def _know(self, lease: Lease, issued: Issued) -> None:
        self._known[lease.grant] = issued
        self._until[lease.grant] = lease.expires_at
        while len(self._known) > KNOWN_MAX:
            self._forget(next(iter(self._known)))

    def _forget(self, grant: str) -> None:
        self._known.pop(grant, None)
        self._until.pop(grant, None)

    async def _made(self, server: PostgresServer, lease: Lease) -> tuple[bool, tuple[str, ...]]:
        """Make the role, or make it again what it should be. Whether it is new, and what was changed about it."""
        name = login_name(lease.grant)
        version = await server.version()
        gated = "SELECT 1 FROM pg_roles WHERE rolname = $1"
        gate = version < OPTIONS_SINCE and bool(await server.rows(gated, GATE))
        for left in reversed(range(TRIES)):
            role = await find(server, name)
            try:
                if role is None:
                    await server.together(making(lease, server.login.user, version, gate=gate))
                    return True, ()
                changed = differences(role, lease, server.login.user)
                await server.together(righting(role, lease, server.login.user, version))
                return False, changed
            except Failed as problem:
                if problem.state not in AT_ONCE or not left:
                    raise
        raise AssertionError("the last try returns or raises")


async def maintenance(target: Target, secrets: Secrets) -> Credential:
    """The target's maintenance login. Raises `Unavailable`."""
    found = target.maintenance
    if found is None:
        raise Unavailable(f"{target.name} has no maintenance login", hint="give the target maintenance: { user, … }")
    try:
        return Credential(found.user, await secrets.read(found.password) if found.password else None)
    except Unavailable as problem:
        raise Unavailable(f"the maintenance login of {target.name} cannot be had: {problem.message}") from problem


def making(lease: Lease, keeper: str, version: int, *, gate: bool) -> list[str]:
    """The statements that make a lease's role."""
    name = quoted(login_name(lease.grant))
    groups = [*lease.role.member_of, *([GATE] if gate else [])]
    return [
        f"CREATE ROLE {name} WITH NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS {_attributes(lease)}",
        f"GRANT {name} TO {quoted(keeper)}{_options(version, become=True)}",
        *(f"GRANT {quoted(group)} TO {name}{_options(version, become=False)}" for group in groups),
    ]


def righting(role: Role, lease: Lease, keeper: str, version: int) -> list[str]:
    """The statements that make a role again what was made for its lease."""
    name = quoted(role.name)
    wanted = set(lease.role.member_of)
    powers = "".join(f" NO{power.upper()}" for power in role.powers)
    return [
        f"ALTER ROLE {name} WITH {_attributes(lease)}{powers}",
        *(f"REVOKE {quoted(group)} FROM {name}" for group in sorted(role.member_of - wanted - {GATE})),
        *(f"REVOKE {name} FROM {quoted(member)}" for member in sorted(role.members - {keeper})),
        *(f"GRANT {quoted(group)} TO {name}{_options(version, become=False)}" for group in sorted(wanted)),
    ]


def _attributes(lease: Lease) -> str:
    until = datetime.fromtimestamp(lease.expires_at / 1000, UTC).isoformat(timespec="milliseconds")
    secret = literal(verifier(lease.key))
    return f"LOGIN INHERIT CONNECTION LIMIT {CONNECTIONS_MAX} PASSWORD {secret} VALID UNTIL '{until}'"


def _options(version: int, *, become: bool) -> str:
    return f" WITH INHERIT TRUE, SET {become}" if version >= OPTIONS_SINCE else ""
