"""One trip a statement: what SQLite answers arrives whole, and what it refuses is raised as it says it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daypass.store.one_trip import Connection, connect


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Connection]:
    opened = await connect(str(tmp_path / "file"), isolation_level=None)
    await opened.cursor().execute("create table things (id integer primary key, name text unique)")
    yield opened
    await opened.close()


async def test_rows_and_columns_and_counts_arrive_with_the_statement(connection: Connection) -> None:
    cursor = connection.cursor()
    await cursor.executemany("insert into things (name) values (?)", [("one",), ("two",), ("three",)])
    assert cursor.rowcount == 3
    await cursor.execute("insert into things (name) values ('four')")
    assert cursor.lastrowid == 4
    await cursor.execute("select id, name from things where id > ? order by id", (2,))
    assert [column[0] for column in cursor.description] == ["id", "name"]
    assert await cursor.fetchall() == [(3, "three"), (4, "four")]


async def test_what_is_refused_is_raised_and_the_next_statement_runs(connection: Connection) -> None:
    cursor = connection.cursor()
    await cursor.execute("insert into things (name) values ('one')")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        await cursor.execute("insert into things (name) values ('one')")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await cursor.execute("select * from elsewhere")
    await cursor.execute("select count(*) from things")
    assert await cursor.fetchall() == [(1,)]


async def test_letting_go_of_a_connection_that_is_being_closed_leaves_nobody_waiting() -> None:
    connection = await connect(":memory:")
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    stopped = connection.stop()
    async with asyncio.timeout(20):
        await closing
        assert stopped is not None
        await stopped
    assert connection.stop() is None
