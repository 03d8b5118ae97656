"""Static logins of PostgreSQL at a grant's end: is each still what we know, and what outlives the grant's sessions?

It signs in with the login itself, afresh, and asks as that login: nobody else is needed. It rolls back what the grant's
sessions are on record to have prepared. It changes no login: what was changed is told, and put right by people.
"""

from __future__ import annotations

from time import monotonic

from daypass.credentials.interface import Lease, Withdrawal
from daypass.credentials.logins import literal
from daypass.credentials.roles import changed_since, remember
from daypass.credentials.servers import PostgresServer, sign_in
from daypass.domain.errors import Unavailable
from daypass.domain.target import Credential, Target
from daypass.protocols.postgres.session import ALLOW_PREPARE_TRANSACTION

_PREPARED = """SELECT gid, database::text FROM pg_prepared_xacts
 WHERE owner = current_user AND prepared >= to_timestamp($1::int8 / 1000000.0) ORDER BY prepared"""


def lasting(target: Target) -> bool:
    """Whether a session may leave a transaction there that outlives it."""
    return target.options.get(ALLOW_PREPARE_TRANSACTION) is True


class PostgresStatic:
    """`static.Afresh` for PostgreSQL."""

    async def remember(self, target: Target, credential: Credential) -> str:
        """All roles of the server as they are now, for `look` to compare with."""
        server = PostgresServer(target, credential)
        try:
            return await remember(server)
        finally:
            await server.close()

    async def look(self, lease: Lease, credential: Credential) -> Withdrawal:
        """Sign in afresh, and see what is left."""
        began = monotonic()
        said, prepared = await sign_in(lease.target, credential, _PREPARED, began_at(lease))
        steps = {"signed_in_afresh": _since(began)}
        if said:
            return Withdrawal(steps, problem=f"login {credential.user} is not what we know any more: {said}")
        compares = lease.role.dangerous and bool(lease.before)
        evidence, left = {"signed_in_afresh": 1}, list[str]()
        if not lasting(lease.target):
            # No session may have: what is there nevertheless is told of, whoever it is from.
            left += [f"prepared transaction {gid} in {database}" for gid, database in prepared]
            if not compares:
                return Withdrawal(steps, evidence, tuple(left))
        server = PostgresServer(lease.target, credential)
        try:
            if lasting(lease.target):
                evidence["prepared_rolled_back"] = await _roll_back(server, lease)
                steps["prepared_rolled_back"] = _since(began)
            if compares:
                left += await changed_since(server, lease.before)
                steps["roles_compared"] = _since(began)
        except Unavailable as problem:
            return Withdrawal(steps, problem=f"what login {credential.user} leaves: {problem.message}")
        finally:
            await server.close()
        return Withdrawal(steps, evidence, tuple(left))


async def _roll_back(server: PostgresServer, lease: Lease) -> int:
    """Roll back what the sessions prepared. What the same login prepared since, and they are not on record for, may be
    an application's, and is left alone. Raises `Unavailable` as long as either is there: nobody can tell them apart."""
    ours = set(lease.prepared)
    found = await server.rows(_PREPARED, began_at(lease))
    for gid, database in found:
        if gid in ours:
            await server.apart(database, [f"ROLLBACK PREPARED {literal(gid)}"])
    if left := await server.rows(_PREPARED, began_at(lease)):
        gid = left[0][0]
        why = "could not be rolled back" if gid in ours else "that no session is on record for"
        raise Unavailable(f"{len(left)} prepared transactions, the first one {why}: {gid}")
    return len(found)


def began_at(lease: Lease) -> int:
    """When the first of a lease's sessions began at the server, in microseconds since 1970 there (0: not known)."""
    starts = [mark.get("backend_start", "") for mark in lease.marks]
    return min((int(start) for start in starts if start.isdecimal()), default=0)


def _since(began: float) -> float:
    return round((monotonic() - began) * 1000, 3)
