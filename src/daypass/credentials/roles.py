"""Ephemeral logins as rows of a PostgreSQL server: reads what is there, and says how it differs from what we made.

Refuses to change anything: `postgres_roles` makes, `leaving` takes away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.credentials.interface import Lease
from daypass.credentials.logins import GATE, NAME
from daypass.credentials.servers import PostgresServer

CONNECTIONS_MAX = 200
"""Connections that one ephemeral login may have at once: more than a person opens, fewer than a server has."""

DEADLINE_SLACK_MS = 1000
"""A deadline is kept in milliseconds by us and in microseconds there."""

ROLES_MAX = 5000
"""Roles of a server that are remembered to see which changed; with more, none are, and it says so."""

OTHERS_SHOWN_MAX = 50
"""Differences told of one by one."""

_SEEN = """
SELECT r.rolname::text, r.oid::int8, r.rolcanlogin, r.rolconnlimit,
 CASE WHEN r.rolvaliduntil IS NULL OR r.rolvaliduntil = 'infinity' THEN NULL
 ELSE (date_part('epoch', r.rolvaliduntil) * 1000)::int8 END,
 concat_ws(',', CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolcreaterole THEN 'createrole' END,
 CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolreplication THEN 'replication' END,
 CASE WHEN r.rolbypassrls THEN 'bypassrls' END),
 array(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid),
 array(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.member WHERE m.roleid = r.oid)
FROM pg_roles r WHERE {where} ORDER BY r.rolname"""
_ONE = _SEEN.format(where="r.rolname = $1")
_ALL = _SEEN.format(where="r.rolname ~ $1")

_OTHERS = """
SELECT r.rolname::text, concat_ws(' ', CASE WHEN r.rolcanlogin THEN 'login' END,
 CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolcreaterole THEN 'createrole' END,
 CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolreplication THEN 'replication' END,
 CASE WHEN r.rolbypassrls THEN 'bypassrls' END, 'until ' || r.rolvaliduntil::text,
 'in ' || (SELECT string_agg(g.rolname, '+' ORDER BY g.rolname) FROM pg_auth_members m
 JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid))
FROM pg_roles r WHERE r.rolname !~ $1 LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Role:
    """One role of the server."""

    name: str
    oid: int
    can_login: bool
    connections: int
    valid_until: int | None
    powers: tuple[str, ...]
    member_of: frozenset[str]
    members: frozenset[str]


async def find(server: PostgresServer, name: str) -> Role | None:
    """The role with this name, if there is one."""
    found = await server.rows(_ONE, name)
    return _role(found[0]) if found else None


async def find_all(server: PostgresServer) -> Mapping[str, Role]:
    """All ephemeral logins there, by name."""
    return {role.name: role for role in map(_role, await server.rows(_ALL, NAME))}


def _role(row: Sequence[object]) -> Role:
    name, oid, can_login, connections, valid_until, powers, member_of, members = row
    assert isinstance(oid, int) and isinstance(connections, int) and isinstance(powers, str)
    assert isinstance(member_of, list) and isinstance(members, list)
    return Role(
        str(name),
        oid,
        bool(can_login),
        connections,
        valid_until if isinstance(valid_until, int) else None,
        tuple(power for power in powers.split(",") if power),
        frozenset(member_of),
        frozenset(members),
    )


def differences(role: Role, lease: Lease, keeper: str) -> tuple[str, ...]:
    """How a role is more than, or other than, what was made for this lease. An earlier deadline is none: it moves when
    the next session comes."""
    wanted = frozenset(lease.role.member_of)
    found = [f"it has {power}" for power in role.powers]
    if not role.can_login:
        found.append("it cannot log in")
    if role.connections != CONNECTIONS_MAX:
        found.append(f"its connection limit is {role.connections}")
    if role.valid_until is None or role.valid_until > lease.expires_at + DEADLINE_SLACK_MS:
        found.append("it is valid after its deadline")
    found += [f"it is a member of {name}" for name in sorted(role.member_of - wanted - {GATE})]
    found += [f"it is no member of {name}" for name in sorted(wanted - role.member_of)]
    found += [f"{name} is a member of it" for name in sorted(role.members - {keeper})]
    return tuple(found)


async def remember(server: PostgresServer) -> str:
    """All other roles as they are now, as a text to compare with later."""
    rows = await server.rows(_OTHERS, NAME, ROLES_MAX + 1)
    return json.dumps({str(name): str(what) for name, what in rows}) if len(rows) <= ROLES_MAX else ""


async def changed_since(server: PostgresServer, before: str) -> tuple[str, ...]:
    """Which other roles are new or have changed since `remember` said this. Who did that, the server does not say."""
    if not before:
        return (f"the server has more than {ROLES_MAX} roles: not compared",)
    known: Mapping[str, str] = json.loads(before)
    now = {str(name): str(what) for name, what in await server.rows(_OTHERS, NAME, ROLES_MAX + 1)}
    new = [f"role {name} was made: {what or 'no login'}" for name, what in now.items() if name not in known]
    changed = [
        f"role {name} was changed: {known[name] or 'no login'}, now {what or 'no login'}"
        for name, what in now.items()
        if name in known and known[name] != what
    ]
    return tuple((*new, *changed)[:OTHERS_SHOWN_MAX])
