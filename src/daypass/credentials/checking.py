"""Is a target's maintenance login good for what it is there for: lending logins safely, and ending the work of static
ones that keep their own ender out? What is wrong, and what the target's administrator has to write.

Asks the server with the maintenance login; changes nothing. docs/credentials.md tells how to set a target up.
"""

from __future__ import annotations

from dataclasses import dataclass

from daypass.credentials.logins import GATE, OPTIONS_SINCE, PREFIX, quoted
from daypass.credentials.postgres_roles import maintenance
from daypass.credentials.secrets.sources import Secrets
from daypass.credentials.servers import PostgresServer
from daypass.domain.target import Target, TargetRole

DANGERS = (
    "pg_signal_backend",
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_create_subscription",
)
"""Roles of the server whose members can reach past their own session (a subscription's worker outlives it)."""

_KEEPER = """SELECT r.rolsuper, r.rolcreaterole, pg_has_role(r.oid, 'pg_signal_backend', 'USAGE'),
 pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE'), host(inet_client_addr())
 FROM pg_roles r WHERE r.rolname = current_user"""
_BESIDE = """SELECT r.rolname::text FROM pg_roles r
 WHERE r.rolname = ANY($1::text[]) AND NOT pg_has_role(current_user, r.oid, 'USAGE')"""
_CLOSURE = """
WITH RECURSIVE closure(oid) AS (
 SELECT oid FROM pg_roles WHERE rolname = ANY($1::text[])
 UNION SELECT m.roleid FROM pg_auth_members m JOIN closure c ON m.member = c.oid)
SELECT r.rolname::text, concat_ws(', ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
 CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
 CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN r.rolname = ANY($2::text[]) THEN r.rolname::text END),
 r.rolcanlogin
FROM closure c JOIN pg_roles r ON r.oid = c.oid ORDER BY 1"""
_MAY = """SELECT r.rolname::text, pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION'),
 pg_has_role(current_user, r.oid, 'USAGE') FROM pg_roles r WHERE r.rolname = ANY($1::text[])"""


@dataclass(frozen=True, slots=True)
class TargetCheck:
    """What was found. `problems`: nothing is lent, or not safely, before these are gone; `warnings`: can be lived
    with; `pg_hba`: the lines for the server's pg_hba.conf, above all others."""

    target: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    pg_hba: tuple[str, ...]


async def check_target(target: Target, secrets: Secrets) -> TargetCheck:
    """Look at a target that has a maintenance login. Raises `Unavailable` if its server does not answer."""
    server = PostgresServer(target, await maintenance(target, secrets))
    try:
        version = await server.version()
        ((is_super, may_create, may_signal, may_see, address),) = await server.rows(_KEEPER)
        lends = any(role.member_of for role in target.roles.values())
        keeper = server.login.user
        problems, warnings = [], []
        if lends and not is_super and not may_create:
            problems.append(f"{keeper} cannot make roles: ALTER ROLE {quoted(keeper)} CREATEROLE")
        if lends and not is_super and not may_signal:
            grant = f"GRANT pg_signal_backend TO {quoted(keeper)}"
            warnings.append(f"{keeper} could not end a backend that outlives its role: {grant}")
        if not (may_signal and may_see):
            warnings += await _beside(server, target)
        for role in target.roles.values():
            if role.member_of:
                found, warned = await _role(server, target, role, is_super, version)
                problems += found
                warnings += warned
        if (
            lends
            and version < OPTIONS_SINCE
            and not await server.rows("SELECT 1 FROM pg_roles WHERE rolname = $1", GATE)
        ):
            problems.append(f"before version 16, pg_hba.conf needs a role to name: CREATE ROLE {GATE} NOLOGIN")
    finally:
        await server.close()
    return TargetCheck(
        target.name,
        tuple(dict.fromkeys(problems)),
        tuple(dict.fromkeys(warnings)),
        pg_hba_lines(version, address, tls=target.tls != "disable") if lends else (),
    )


def pg_hba_lines(version: int, address: str | None, *, tls: bool) -> tuple[str, ...]:
    """The lines that let only the gateway's address in as an ephemeral login. They go above all others."""
    who = f'"/^{PREFIX}"' if version >= OPTIONS_SINCE else f"+{GATE}"
    kind = "hostssl" if tls else "host"
    if address is None:
        allow = f"local   all  {who}  scram-sha-256"
    else:
        allow = f"{kind}  all  {who}  {address}/{128 if ':' in address else 32}  scram-sha-256"
    return allow, f"host  all  {who}  all  reject", f"local  all  {who}  reject"


async def _beside(server: PostgresServer, target: Target) -> list[str]:
    """Which static logins could keep their ender out, and the maintenance login as well."""
    users = [role.user for role in target.roles.values() if not role.lent]
    keeper = server.login.user
    return [
        f"{keeper} could not end the work of {user}, should that keep its own ender out: "
        f"GRANT pg_signal_backend, pg_read_all_stats TO {quoted(keeper)}"
        for (user,) in await server.rows(_BESIDE, users)
    ]


async def _role(
    server: PostgresServer, target: Target, role: TargetRole, is_super: bool, version: int
) -> tuple[list[str], list[str]]:
    """What is wrong with one role of the target, and what could be better."""
    problems, warnings = [], []
    closure = {str(name): (str(power), login) for name, power, login in await _closure(server, role)}
    for name in role.member_of:
        if name not in closure:
            problems.append(f"role {role.name}: there is no role {name} at {target.name}")
        elif closure[name][1] and version < OPTIONS_SINCE:
            warnings.append(
                f"role {role.name}: a session can become {name}, which has a login, and change its password; "
                f"ALTER ROLE {quoted(name)} NOLOGIN, or use version 16"
            )
    if not role.dangerous:
        powers = [f"{name} ({power})" for name, (power, _) in closure.items() if power]
        problems += [f"role {role.name}: a member of {', '.join(role.member_of)} can be {power}" for power in powers]
    heir = target.reassign_to or role.member_of[0]
    if not is_super:
        for name, admin, member in await server.rows(_MAY, [*role.member_of, heir]):
            missing = not member if name == heir else False
            if missing or (not admin and name in role.member_of and version >= OPTIONS_SINCE):
                grant = f"GRANT {quoted(name)} TO {quoted(server.login.user)} WITH ADMIN OPTION"
                problems.append(f"role {role.name}: {grant} is missing")
    return problems, warnings


async def _closure(server: PostgresServer, role: TargetRole) -> list[tuple[object, object, object]]:
    rows = await server.rows(_CLOSURE, list(role.member_of), list(DANGERS))
    return [(name, power, login) for name, power, login in rows]
