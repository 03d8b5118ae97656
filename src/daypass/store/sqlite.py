"""The store in one SQLite file.

One connection writes, four others only read and see the state as of their beginning. Only the writer checkpoints:
SQLite before 3.51.3, which CPython often brings, can lose data when two connections checkpoint at once. One process
owns the file; `serve` and the operator's verbs see to that with a lock of their own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from daypass.domain.errors import Unavailable
from daypass.store.errors import translated
from daypass.store.one_trip import connect
from daypass.store.sql.store import SqlStore

READERS = 4
"""Reads that run at once; more would only take turns on the disk."""
BUSY_MS = 5_000
"""How long a lock held by another process is waited for before the store counts as locked."""
WAIT_SECONDS = 10
"""How long a transaction waits for its turn before the store counts as busy."""
PAGE_BYTES = 8192
CHECKPOINT_PAGES = 4000
"""The write-ahead log is folded back at 32 MB: at SQLite's own 4 MB the same hot pages were written several times over
while shipping (a fifth slower, measured)."""
CACHE_KIB = 64 * 1024

_WRITER = (
    # The size of pages is fixed by the first write, so it comes before everything.
    f"PRAGMA page_size = {PAGE_BYTES}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What is erased is overwritten in the file, not just forgotten.
    "PRAGMA secure_delete = ON",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
    f"PRAGMA cache_size = -{CACHE_KIB}",
    f"PRAGMA journal_size_limit = {PAGE_BYTES * CHECKPOINT_PAGES}",
)
_READER = ("PRAGMA query_only = ON", "PRAGMA wal_autocheckpoint = 0")


def open_sqlite(path: Path, *, busy_ms: int = BUSY_MS) -> SqlStore:
    """Open (or make, readable by its owner only) the store in this file. `migrate` comes next."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite gives its other files the mode of this one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as problem:
        raise Unavailable(f"cannot open the store {path}: {problem.strerror}") from problem
    busy = f"PRAGMA busy_timeout = {busy_ms}"
    writing = _engine(path, 1, "BEGIN IMMEDIATE", (busy, *_WRITER))
    return SqlStore(writing, _engine(path, READERS, "BEGIN", (busy, *_READER)))


def _engine(path: Path, connections: int, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        connect_args={"async_creator_fn": connect},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        # Otherwise the driver begins by itself, only at the first change, and never with IMMEDIATE.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.run_async(lambda driver, pragma=pragma: driver.execute_fetchall(pragma))

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        with translated():
            driver.run_async(lambda own: own.execute_fetchall(begin))

    return engine
