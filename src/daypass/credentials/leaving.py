"""Taking an ephemeral login away, and showing that it opens nothing more.

The order is what makes it true: nobody signs in with it any more; its backends are terminated, and none is left; what
it prepared is rolled back; what it owns is handed on, in each database, as a role that owns something cannot be
dropped; the role is dropped; and then the server is asked again, as a backend that outlives its role can still write.
Every step can be taken again: whoever finds a login half gone, after a crash, begins at the top.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from daypass.credentials.interface import Lease, Withdrawal
from daypass.credentials.logins import OPTIONS_SINCE, literal, login_name, quoted
from daypass.credentials.postgres_static import began_at, lasting
from daypass.credentials.roles import Role, changed_since, differences, find
from daypass.credentials.servers import PostgresServer
from daypass.domain.errors import Unavailable

SECONDS_MAX = 9.0
"""All steps together: an end has ten seconds to be shown, and is tried again after that."""

GONE_SECONDS_MAX = 5.0
"""How long terminated backends may take to be gone: they finish what cannot be interrupted, and roll back."""

LOOK_SECONDS = 0.01
LOOK_SECONDS_MAX = 0.25
"""Between two looks; doubles each time."""

LATE_SECONDS = 0.02
"""Somebody who had signed in and was not yet listed when the role was dropped is, after this."""

SHOWN_MAX = 20
"""Things that it owned, told of one by one."""

_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE usesysid = ANY($1::oid[])"
_TERMINATE = """SELECT s.pid, pg_terminate_backend(s.pid)
 FROM (SELECT pid FROM pg_stat_activity WHERE usesysid = ANY($1::oid[]) OFFSET 0) s"""
_PREPARED = "SELECT gid, database::text FROM pg_prepared_xacts WHERE owner = $1"
_BORROWED = """SELECT gid, owner::text, database::text FROM pg_prepared_xacts
 WHERE owner = ANY($1::text[]) AND prepared >= to_timestamp($2::int8 / 1000000.0) ORDER BY prepared"""
_OWNED = """SELECT DISTINCT coalesce(d.datname, current_database())::text FROM pg_shdepend s
 LEFT JOIN pg_database d ON d.oid = s.dbid
 WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1::oid"""
# What is in other databases can be named only there; what is in none (a database, a tablespace) everywhere.
_NAMED = """SELECT coalesce(pg_describe_object(s.classid, s.objid, s.objsubid), s.classid::regclass || ' ' || s.objid)
 || CASE WHEN f.prosecdef THEN ' (it runs with its owner''s rights)' ELSE '' END
 FROM pg_shdepend s LEFT JOIN pg_proc f ON s.classid = 'pg_proc'::regclass AND f.oid = s.objid
 WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1::oid AND s.deptype = 'o'
 AND (s.dbid = 0 OR s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))
 ORDER BY f.prosecdef DESC NULLS LAST, s.classid, s.objid"""


async def withdraw(server: PostgresServer, lease: Lease) -> Withdrawal:
    """Take this lease's login away. Never raises: what went wrong is the withdrawal's problem."""
    leaving = _Leaving(server, lease)
    problem = ""
    try:
        async with asyncio.timeout(SECONDS_MAX):
            problem = await leaving.run()
    except Unavailable as failed:
        problem = failed.message
    except TimeoutError:
        problem = f"it took longer than {SECONDS_MAX:g} s"
    if problem:
        problem = f"login {leaving.name} ({leaving.doing}): {problem}"
    return Withdrawal(leaving.steps, leaving.evidence, tuple(leaving.left), problem)


class _Leaving:
    """One attempt."""

    def __init__(self, server: PostgresServer, lease: Lease) -> None:
        self.name = login_name(lease.grant)
        self.steps: dict[str, float] = {}
        self.evidence: dict[str, int] = {}
        self.left: list[str] = []
        self.doing = "looking"
        self._server = server
        self._lease = lease
        self._keeper = server.login.user
        self._doubt = ""
        self._began = monotonic()
        self._ids = {int(mark["usesysid"]) for mark in lease.marks if mark.get("usesysid", "").isdecimal()}

    async def run(self) -> str:
        """All steps. Why it is not shown to be gone; empty: it is."""
        role = await find(self._server, self.name)
        if role is not None:
            self._ids.add(role.oid)
            if role.can_login:  # else it is our own second look
                self.left += [f"it was changed: {what}" for what in differences(role, self._lease, self._keeper)]
            await self._refuse_logins()
        if problem := await self._terminate():
            return problem
        if role is not None:
            await self._roll_back()
            await self._hand_on(role)
            await self._drop()
        return await self._read_back()

    def _done(self, step: str) -> None:
        self.steps[step] = round((monotonic() - self._began) * 1000, 3)

    async def _refuse_logins(self) -> None:
        self.doing = "refusing its sign-ins"
        await self._server.together([f"ALTER ROLE {quoted(self.name)} NOLOGIN"])
        self._done("logins_refused")

    async def _terminate(self) -> str:
        """Terminate its backends until none is left."""
        self.doing = "terminating its backends"
        pause, told = LOOK_SECONDS, set[int]()
        while found := await self._server.rows(_TERMINATE, list(self._ids)):
            told |= {pid for pid, _ in found}
            if monotonic() - self._began > GONE_SECONDS_MAX:
                return f"{len(found)} of its backends are still there (pid {found[0][0]})"
            await asyncio.sleep(pause)
            pause = min(pause * 2, LOOK_SECONDS_MAX)
        self.evidence["terminated"] = len(told)
        self._done("terminated")
        return ""

    async def _roll_back(self) -> None:
        """Roll back what it prepared: as itself, as only a transaction's owner or a superuser may."""
        self.doing = "rolling back what it prepared"
        prepared = await self._server.rows(_PREPARED, self.name)
        for gid, database in prepared:
            await self._server.apart(database, [f"SET ROLE {quoted(self.name)}", f"ROLLBACK PREPARED {literal(gid)}"])
        if left := await self._server.rows(_PREPARED, self.name):
            raise Unavailable(f"{len(left)} of its prepared transactions are still there")
        self.evidence["prepared_rolled_back"] = len(prepared)
        self.evidence["prepared_rolled_back"] += await self._roll_back_borrowed()
        self._done("prepared_rolled_back")

    async def _roll_back_borrowed(self) -> int:
        """Where it could become its roles (before version 16), it could prepare as them. Those that its sessions are on
        record for are rolled back. Of others nobody can tell who prepared them: they keep the end in doubt."""
        if not lasting(self._lease.target) or await self._server.version() >= OPTIONS_SINCE:
            return 0
        ours, asked = set(self._lease.prepared), (list(self._lease.role.member_of), began_at(self._lease))
        found = await self._server.rows(_BORROWED, *asked)
        for gid, owner, database in found:
            if gid in ours:
                await self._server.apart(database, [f"SET ROLE {quoted(owner)}", f"ROLLBACK PREPARED {literal(gid)}"])
        left = await self._server.rows(_BORROWED, *asked)
        if left:
            gid, owner, _ = left[0]
            self._doubt = f"a prepared transaction of {owner} that no session is on record for, or that stayed: {gid}"
        return len(found) - len(left)

    async def _hand_on(self, role: Role) -> None:
        """Hand on what it owns, and take back what it was given. Never to the maintenance login, unless the settings
        say so: a function that runs with its owner's rights would run with those."""
        self.doing = "handing on what it owns"
        heir = self._lease.target.reassign_to or next(iter(self._lease.role.member_of), None)
        if heir is None:
            raise Unavailable("nobody is named to get what it owns", hint="give the target reassign_to: ROLE")
        databases = [name for (name,) in await self._server.rows(_OWNED, role.oid)]
        owned: list[str] = []
        name = quoted(self.name)
        for database in databases:
            self.doing = f"handing on what it owns in {database}"
            moving = [f"REASSIGN OWNED BY {name} TO {quoted(heir)}", f"DROP OWNED BY {name} RESTRICT"]
            found = await self._server.apart(database, moving, _NAMED.replace("$1", str(role.oid)))
            where = "" if database == self._lease.target.database else f" in {database}"
            owned += [f"{what}{where} now belongs to {heir}" for (what,) in found]
        self.left += owned[:SHOWN_MAX]
        if len(owned) > SHOWN_MAX:
            self.left.append(f"{len(owned) - SHOWN_MAX} more now belong to {heir}")
        self.evidence["objects_reassigned"] = len(owned)
        self.evidence["databases"] = len(databases)
        self._done("reassigned")

    async def _drop(self) -> None:
        self.doing = "dropping it"
        await self._server.together([f"DROP ROLE IF EXISTS {quoted(self.name)}"])
        self._done("dropped")

    async def _read_back(self) -> str:
        """Ask again. What is seen now decides, not what was done."""
        self.doing = "reading back"
        if self._ids:
            await asyncio.sleep(LATE_SECONDS)
        roles = await self._server.rows("SELECT 1 FROM pg_roles WHERE rolname = $1", self.name)
        backends = await self._server.rows(_BACKENDS, list(self._ids))
        prepared = await self._server.rows(_PREPARED, self.name)
        if roles:
            return "the role is still there"
        if backends:
            return f"{len(backends)} of its backends outlived it (pid {backends[0][0]})"
        if prepared:
            return "something that it prepared is still there"
        if self._lease.role.dangerous and self._lease.before:
            self.left += await changed_since(self._server, self._lease.before)
        self.evidence["backends_left"] = 0
        self._done("credential_read_back")
        return self._doubt
