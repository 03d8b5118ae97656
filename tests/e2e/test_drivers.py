"""Drivers that programs use, unmodified: psycopg (sync and async), asyncpg, SQLAlchemy."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import asyncpg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from daypass.cli.demo.gateway import ANA
from tests.servers.daypass import Daypass


def test_psycopg_parameters_and_transactions(daypass: Daypass) -> None:
    with psycopg.connect(daypass.dsn()) as connection:
        row = connection.execute("select %s::int + 1, %s::text, %s::bytea", (41, "ä€", b"\x00\xff")).fetchone()
        assert row == (42, "ä€", b"\x00\xff")
        connection.execute("update orders set note = 'rolled back' where id = 23")
        connection.rollback()
        assert connection.execute("select note from orders where id = 23").fetchone() == (None,)


def test_psycopg_prepared_by_name(daypass: Daypass) -> None:
    with psycopg.connect(daypass.dsn(), autocommit=True, prepare_threshold=0) as connection:
        for n in range(20):
            assert connection.execute("select %s::int * 2", (n,)).fetchone() == (2 * n,)


def test_psycopg_pipeline_with_an_error_in_the_middle(daypass: Daypass) -> None:
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        with connection.pipeline() as pipeline:
            first = connection.execute("select 1")
            connection.execute("select 1/0")
            connection.execute("select 3")
            with pytest.raises(psycopg.errors.DivisionByZero):
                pipeline.sync()
        assert first.fetchone() == (1,)
        with connection.pipeline():
            cursors = [connection.execute("select %s::int", (n,)) for n in range(200)]
        assert [cursor.fetchone() for cursor in cursors] == [(n,) for n in range(200)]


def test_psycopg_copy_in_and_out(daypass: Daypass) -> None:
    rows = [(n, f"name {n}", f"copied{n}@shop.test", "DE") for n in range(100_001, 102_001)]
    with psycopg.connect(daypass.dsn()) as connection, connection.cursor() as cursor:
        with cursor.copy("copy customers (id, name, email, country, created_at) from stdin") as copy:
            for row in rows:
                copy.write_row((*row, "2026-01-01"))
        with cursor.copy("copy (select id from customers where id > 100000 order by id) to stdout") as copy:
            assert [int(row[0]) for row in copy.rows()] == [row[0] for row in rows]
        connection.rollback()


def _copy_half(cursor: psycopg.Cursor) -> None:
    with cursor.copy("copy customers from stdin") as copy:
        copy.write(b"half a")
        raise ZeroDivisionError


def test_psycopg_copy_that_the_client_breaks_off(daypass: Daypass) -> None:
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection, connection.cursor() as cursor:
        with pytest.raises(ZeroDivisionError):
            _copy_half(cursor)
        assert cursor.execute("select 1").fetchone() == (1,)


def test_psycopg_server_side_cursor(daypass: Daypass) -> None:
    with psycopg.connect(daypass.dsn()) as connection, connection.cursor(name="walk") as cursor:
        cursor.itersize = 777
        cursor.execute("select id from orders order by id")
        assert sum(1 for _ in cursor) == 30_000


def test_psycopg_notifications(daypass: Daypass) -> None:
    with (
        psycopg.connect(daypass.dsn(), autocommit=True) as hears,
        psycopg.connect(daypass.dsn(), autocommit=True) as tells,
    ):
        hears.execute("listen news")
        tells.execute("notify news, 'it works'")
        assert [note.payload for note in hears.notifies(timeout=10, stop_after=1)] == ["it works"]


def test_psycopg_large_objects_and_notices(daypass: Daypass) -> None:
    heard: list[str | None] = []
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: heard.append(notice.message_primary))
        connection.execute("do $$ begin raise notice 'look here'; end $$")
        assert heard == ["look here"]
        with connection.transaction(force_rollback=True):
            made = connection.execute("select lo_from_bytea(0, 'abc')").fetchone()
            assert made is not None
            assert connection.execute("select lo_get(%s)", made).fetchone() == (b"abc",)


async def test_psycopg_async_many_at_once(daypass: Daypass) -> None:
    async def one(n: int) -> int:
        async with await psycopg.AsyncConnection.connect(daypass.dsn()) as connection:
            row = await (await connection.execute("select %s::int", (n,))).fetchone()
            assert row is not None
            return int(row[0])

    assert await asyncio.gather(*(one(n) for n in range(20))) == list(range(20))


async def test_asyncpg(daypass: Daypass) -> None:
    connection = await asyncpg.connect(
        host="127.0.0.1", port=daypass.port, user=ANA.email, password=daypass.token(ANA), database="orders"
    )
    try:
        assert await connection.fetchval("select $1::numeric", Decimal("1.5")) == Decimal("1.5")
        assert len(await connection.fetch("select * from orders limit 500")) == 500
        async with connection.transaction():
            cursor = await connection.cursor("select id from orders order by id")
            assert [row["id"] for row in await cursor.fetch(10)] == list(range(1, 11))
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.fetch("select * from nothing_here")
        await connection.executemany("select $1::int", [(n,) for n in range(100)])
        moved = await connection.copy_from_table("orders", columns=["id"], output=_Nowhere().write)
        assert moved == "COPY 30000"
    finally:
        await connection.close()


class _Nowhere:
    async def write(self, data: bytes) -> None:
        assert data


async def test_sqlalchemy(daypass: Daypass) -> None:
    url = sqlalchemy.URL.create(
        "postgresql+psycopg", ANA.email, daypass.token(ANA), "127.0.0.1", daypass.port, "orders"
    )
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        tables = sqlalchemy.inspect(connection).get_table_names()
        assert {"customers", "orders", "payments"} <= set(tables)
        orders = sqlalchemy.Table("orders", sqlalchemy.MetaData(), autoload_with=connection)
        found = connection.execute(sqlalchemy.select(orders.c.id).where(orders.c.id.in_([1, 2, 3])))
        assert sorted(row.id for row in found) == [1, 2, 3]
    engine.dispose()

    later = create_async_engine(url.set(drivername="postgresql+asyncpg"))
    async with later.connect() as connection_:
        assert (await connection_.execute(sqlalchemy.text("select count(*) from orders"))).scalar() == 30_000
    await later.dispose()
