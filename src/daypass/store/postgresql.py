"""The store in a PostgreSQL database, which several gateways may share.

Rows that are read to be changed are locked by the database. Everything has a time limit there, so that a gateway that
hangs holds nobody else up.
"""

from __future__ import annotations

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from daypass.domain.errors import Invalid
from daypass.store.news import News
from daypass.store.sql.nodes import called
from daypass.store.sql.store import SqlStore

WRITERS = 8
READERS = 4
"""Connections of one gateway; PostgreSQL allows 100 in all unless configured."""
CONNECT_SECONDS = 10
WAIT_SECONDS = 10
"""How long a transaction waits for a connection before the store counts as busy."""
LOCK_MS = 10_000
"""How long one transaction waits for another's row."""
STATEMENT_MS = 60_000
"""Longer than any batch takes; a statement that takes more has met something broken."""
IDLE_MS = 5_000
"""How long a transaction may hold its rows while it says nothing. A node that hangs in the middle of one must not keep
the others waiting for longer than they wait for a row."""

SCHEME = "postgresql"


def open_postgresql(url: str, *, node: str = "", lock_ms: int = LOCK_MS) -> SqlStore:
    """Open the store in the database that the URL names. `migrate` comes next."""
    limits = {
        "application_name": called(node),
        "lock_timeout": str(lock_ms),
        "statement_timeout": str(STATEMENT_MS),
        "timezone": "UTC",
    }

    def engine(connections: int, idle_ms: int) -> AsyncEngine:
        settings = {**limits, "idle_in_transaction_session_timeout": str(idle_ms)}
        return create_async_engine(
            _driver_url(url),
            connect_args={"timeout": CONNECT_SECONDS, "server_settings": settings},
            pool_size=connections,
            max_overflow=0,
            pool_timeout=WAIT_SECONDS,
            pool_pre_ping=True,
        )

    reading = engine(READERS, STATEMENT_MS)  # it holds nothing that others wait for
    reading = reading.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return SqlStore(engine(WRITERS, IDLE_MS), reading, News(make_url(url).render_as_string(hide_password=False)))


def _driver_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as problem:
        raise Invalid("the store is not a URL", hint="write postgresql://user:password@host/database") from problem
    if parsed.drivername != SCHEME:
        raise Invalid(
            f"no store is called {parsed.drivername}", hint="write sqlite or postgresql://user:password@host/database"
        )
    query = dict(parsed.query)
    if "sslmode" in query:  # what libpq calls the driver's `ssl`
        query["ssl"] = query.pop("sslmode")
    return parsed.set(drivername="postgresql+asyncpg", query=query)
