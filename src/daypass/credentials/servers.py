"""A PostgreSQL server as its maintenance login sees it: runs statements there, and says in one line what went wrong.

It knows no statement itself. Connections are few and short-lived; nothing here is on the data path.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from daypass.domain.errors import Unavailable
from daypass.domain.target import Credential, Target

CONNECTIONS_MAX = 4
"""Maintenance connections to one target at once: hundreds of grants may end in one second, and each needs a few
statements; a production server has no connections to spare for that."""

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 8.0
"""One step of a withdrawal: its end has ten seconds to be shown."""

LOCK_MS = 2000
"""How long a step waits for somebody else's lock; the whole is tried again later."""

IDLE_SECONDS = 60.0
"""How long a connection is kept for the next grant."""

LABEL = "daypass maintenance"

SETTINGS = {
    "application_name": LABEL,
    "role": "none",  # a session may have given its own login another one to start with
    "search_path": "pg_catalog",
    "lock_timeout": str(LOCK_MS),
    "statement_timeout": str(round(STATEMENT_SECONDS * 1000)),
}


class Failed(Unavailable):
    """A server said no, or nothing. `state` is its SQLSTATE (empty: it was not reached)."""

    def __init__(self, message: str, state: str = "") -> None:
        super().__init__(message)
        self.state = state


class PostgresServer:
    """One target's server."""

    def __init__(self, target: Target, login: Credential) -> None:
        self.login = login
        self._target = target
        self._pool: asyncpg.Pool | None = None

    async def version(self) -> int:
        """The server's major version."""
        async with self._connection() as connection:
            return int(connection.get_server_version().major)

    async def rows(self, sql: str, *values: Any) -> Sequence[Sequence[Any]]:
        """Run one statement in the target's database."""
        async with self._connection() as connection:
            return [tuple(row) for row in await connection.fetch(sql, *values)]

    async def together(self, statements: Sequence[str]) -> None:
        """Run these in one transaction in the target's database."""
        async with self._connection() as connection, connection.transaction():
            for statement in statements:
                await connection.execute(statement)

    async def apart(self, database: str, statements: Sequence[str], asked: str = "") -> Sequence[Sequence[Any]]:
        """Run these one by one, each its own transaction, on a connection to this database that is closed after.
        Returns the rows of the query `asked`, which comes before them."""
        async with faults(self._target, self.login):
            connection = await connected(self._target, self.login, database)
            try:
                rows = [tuple(row) for row in await connection.fetch(asked)] if asked else []
                for statement in statements:
                    await connection.execute(statement)
                return rows
            finally:
                await connection.close(timeout=CONNECT_SECONDS)

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        async with faults(self._target, self.login):
            if self._pool is None:
                self._pool = asyncpg.create_pool(
                    **_options(self._target, self.login, self._target.database),
                    min_size=0,
                    max_size=CONNECTIONS_MAX,
                    max_inactive_connection_lifetime=IDLE_SECONDS,
                )
            await self._pool  # connects nothing by itself
            async with self._pool.acquire(timeout=CONNECT_SECONDS) as connection:
                yield connection


async def sign_in(
    target: Target, credential: Credential, asked: str = "", *values: Any
) -> tuple[str, Sequence[Sequence[Any]]]:
    """Sign in afresh, and leave. Returns why the server turned this login down (empty: it let it in), and the rows of
    the query `asked`. Raises `Unavailable` when the server did not say."""
    rows: Sequence[Sequence[Any]] = ()
    try:
        async with faults(target, credential):
            connection = await connected(target, credential, target.database)
            try:
                if asked:
                    rows = [tuple(row) for row in await connection.fetch(asked, *values)]
            finally:
                await connection.close(timeout=CONNECT_SECONDS)
    except Failed as problem:
        if problem.state[:2] == "28":  # invalid authorization specification
            return problem.message, ()
        raise
    return "", rows


async def connected(target: Target, login: Credential, database: str) -> Any:
    """A connection of its own."""
    return await asyncpg.connect(**_options(target, login, database))


@asynccontextmanager
async def faults(target: Target, login: Credential) -> AsyncIterator[None]:
    """Whatever goes wrong inside, as `Failed`, in one line."""
    try:
        yield
    except asyncpg.PostgresError as problem:
        said = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise Failed(f"{target.name}, as {login.user}: {said}", problem.sqlstate or "") from problem
    except (asyncpg.InterfaceError, OSError, TimeoutError) as problem:
        said = str(problem).splitlines()[0] if str(problem) else "no answer in time"
        raise Failed(f"{target.name}, as {login.user}: {said}") from problem


def _options(target: Target, login: Credential, database: str) -> dict[str, Any]:
    return {
        "host": target.host,
        "port": target.port,
        "user": login.user,
        "password": login.password or "",
        "database": database,
        "ssl": _tls(target),
        "timeout": CONNECT_SECONDS,
        "command_timeout": STATEMENT_SECONDS,
        "statement_cache_size": 0,
        "server_settings": SETTINGS,
    }


def _tls(target: Target) -> ssl.SSLContext | bool:
    if target.tls == "disable":
        return False
    context = ssl.create_default_context(cafile=target.tls_ca)
    if target.tls != "verify-full":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
