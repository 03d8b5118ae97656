"""SQLite's connection in its thread, with one trip there and back for a statement.

As the driver has it a statement takes four (make a cursor, execute, fetch, close), and each of them waits for the
interpreter's lock twice: while the event loop is busy that was most of what a small transaction took.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import aiosqlite

CHUNK_ROWS = 64
"""What the driver's own cursors (nobody here uses them) fetch at a time."""


class Connection(aiosqlite.Connection):
    """What SQLAlchemy's adapter for asyncio wants of a connection; its cursors are `Cursor`."""

    def cursor(self) -> Cursor:  # type: ignore[override]  # not awaited: making one is no trip
        return Cursor(self)

    def stop(self) -> asyncio.Future[Any] | None:
        """Have the thread end, once. Who closes a connection that is let go of meanwhile (its user was cancelled) would
        else wait for a thread that is gone, and the process with it when it ends."""
        if not self._running:
            return None
        return super().stop()

    async def run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Do this in the connection's thread."""
        return await self._execute(work, self._conn)  # type: ignore[no-untyped-call]


class Cursor:
    """A statement's whole answer, fetched as it was executed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.arraysize = 1
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Run it. Raises what `sqlite3` does."""
        return await self._take(lambda own: own.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run it for each of these."""
        return await self._take(lambda own: own.executemany(statement, parameters))

    async def fetchall(self) -> Sequence[Any]:
        """The rows, once."""
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """Nothing is left to be closed: all rows were fetched."""

    async def _take(self, work: Callable[[sqlite3.Connection], sqlite3.Cursor]) -> Self:
        self._rows, self.description, self.rowcount, self.lastrowid = await self._connection.run(partial(_whole, work))
        return self


def connect(path: str, **options: Any) -> Connection:
    """As `aiosqlite.connect`; its thread does not keep the process alive."""
    connection = Connection(partial(sqlite3.connect, path, **options), CHUNK_ROWS)
    connection._thread.daemon = True
    return connection


def _whole(work: Callable[[sqlite3.Connection], sqlite3.Cursor], own: sqlite3.Connection) -> tuple[Any, ...]:
    cursor = work(own)
    try:
        return cursor.fetchall(), cursor.description, cursor.rowcount, cursor.lastrowid
    finally:
        cursor.close()
