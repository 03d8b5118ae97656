"""Looking whether a PostgreSQL server's ephemeral logins are as our leases have them, and whether only we use them.

A connection under such a login that no gateway opened is terminated here, and reported. Everything else is only
reported: whoever asked decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daypass.credentials.interface import Finding, Lease
from daypass.credentials.logins import NAME, grant_of, login_name, password
from daypass.credentials.roles import Role, differences, find_all
from daypass.credentials.servers import PostgresServer, sign_in
from daypass.domain.target import Credential, Target
from daypass.protocols.postgres.upstream import start_time

SETTLE_SECONDS = 5
"""A backend younger than this may be one whose gateway has not yet said so."""

OPENING_SECONDS = 60
"""One this old is not being opened any more: the gateway gives up earlier."""

_BACKENDS = f"""
SELECT a.usename::text, a.pid, {start_time("a")}, a.usesysid::int8,
 date_part('epoch', clock_timestamp() - a.backend_start)::int8, coalesce(host(a.client_addr), 'its own machine')
FROM pg_stat_activity a WHERE a.usename ~ $1"""
_TERMINATE = f"""SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
 WHERE a.pid = $1 AND a.usesysid = $2::oid AND {start_time("a")} = $3"""


async def look(server: PostgresServer, target: Target, leases: Sequence[Lease], whole: bool) -> list[Finding]:
    """See `Credentials.drift`."""
    by_name = {login_name(lease.grant): lease for lease in leases}
    roles = await find_all(server)
    found = [Finding("orphan", name, grant_of(name), "no grant is for it") for name in roles if name not in by_name]
    for name, lease in by_name.items():
        found += await _compare(server, target, roles.get(name), lease, whole)
    return found + await _strangers(server, by_name)


async def _compare(
    server: PostgresServer, target: Target, role: Role | None, lease: Lease, whole: bool
) -> list[Finding]:
    name = login_name(lease.grant)
    if role is None:
        # It is made when the first session comes; with sessions there, somebody took it away.
        gone = bool(lease.marks)
        return [Finding("missing", name, lease.grant, "its sessions are open and it is gone")] if gone else []
    found = list(differences(role, lease, server.login.user))
    if whole and not found and (await sign_in(target, Credential(name, password(lease.key))))[0]:
        found.append("its password is not ours")
    return [Finding("changed", name, lease.grant, "; ".join(found))] if found else []


async def _strangers(server: PostgresServer, by_name: Mapping[str, Lease]) -> list[Finding]:
    """Terminate, and tell of, what no gateway opened. Logins without a lease are taken away whole by others."""
    found = []
    for name, pid, start, sysid, age, address in await server.rows(_BACKENDS, NAME):
        lease = by_name.get(name)
        if lease is None or _ours(lease, pid, start) or age < SETTLE_SECONDS:
            continue
        if lease.opening and age < OPENING_SECONDS:
            continue
        await server.rows(_TERMINATE, pid, sysid, start)
        found.append(Finding("stranger", name, lease.grant, f"pid {pid} from {address} was terminated"))
    return found


def _ours(lease: Lease, pid: int, start: int) -> bool:
    return any(mark.get("pid") == str(pid) and mark.get("backend_start") == str(start) for mark in lease.marks)
