"""Opening, migrating, and what a store that cannot be used says."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from daypass.domain.errors import Invalid, Unavailable
from daypass.store import migrations
from daypass.store.interface import Store
from daypass.store.migrating import newest
from daypass.store.opening import open_store
from daypass.store.postgresql import open_postgresql
from daypass.store.schema import metadata
from daypass.store.sql.store import SqlStore
from daypass.store.sqlite import open_sqlite
from tests.servers.postgres import Postgres
from tests.store.conftest import Opener
from tests.store.test_objects import save_all
from tests.store.things import ANA, REQUEST

OWN = {"alembic_version", "entry_text"}
"""Tables that only migrations know of."""


async def test_migrations_make_exactly_the_schema(store: Store) -> None:
    def differences(connection: Connection) -> list[Any]:
        def ours(thing: Any, name: str | None, kind: str, *_: Any) -> bool:
            return kind != "table" or not str(name).startswith(tuple(OWN))

        context = MigrationContext.configure(connection, opts={"include_object": ours})
        return list(compare_metadata(context, metadata))

    assert isinstance(store, SqlStore)
    async with store._writing.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_twice_or_at_once_changes_nothing(bare: Opener) -> None:
    stores = [bare(), bare()]
    try:
        await asyncio.gather(*(store.migrate() for store in stores))
        await stores[0].migrate()
        await save_all(stores[0])
        async with stores[1].reading() as t:
            assert await t.request(REQUEST.id) == REQUEST
    finally:
        for store in stores:
            await store.close()


def test_the_newest_version_is_where_alembic_would_lead() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [newest()]


async def test_the_store_of_a_newer_version_is_left_alone(store: Store) -> None:
    assert isinstance(store, SqlStore)
    async with store._writing.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'v9999'"))
    with pytest.raises(Unavailable, match="v9999"):
        await store.migrate()


async def test_two_changes_of_one_request_take_turns(opener: Opener, store: Store) -> None:
    await save_all(store)
    other = opener()
    order: list[str] = []

    async def first() -> None:
        async with store.begin() as t:
            assert await t.request_for_change(REQUEST.id) is not None
            order.append("first has it")
            entered.set()
            await asyncio.sleep(0.1)
            order.append("first is done")

    async def second() -> None:
        await entered.wait()
        async with other.begin() as t:
            await t.request_for_change(REQUEST.id)
            order.append("second has it")

    entered = asyncio.Event()
    try:
        await asyncio.gather(first(), second())
    finally:
        await other.close()
    assert order == ["first has it", "first is done", "second has it"]


async def test_reading_waits_for_no_writer_and_sees_one_moment(store: Store) -> None:
    async with store.begin() as writing:
        await writing.save_person(ANA)
        async with store.reading() as reading:
            assert await reading.people() == []
    async with store.reading() as reading:
        assert await reading.people() == [ANA]


async def test_reading_changes_nothing(store: Store) -> None:
    with pytest.raises(Unavailable):
        async with store.reading() as t:
            await t.save_person(ANA)
    async with store.reading() as t:
        assert await t.people() == []


async def test_a_locked_file_is_said_to_be_locked(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "s.sqlite", busy_ms=50)
    await store.migrate()
    locker = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Unavailable, match="locked"):
            async with store.begin():
                raise AssertionError("got in")
        with pytest.raises(Unavailable, match="locked"):
            await store.ship("one", 1, 1, [])
        locker.execute("COMMIT")
        await store.ship("one", 1, 1, [])
    finally:
        locker.close()
        await store.close()


async def test_a_locked_row_is_said_to_be_locked(postgres_15: Postgres) -> None:
    url = postgres_15.create_database("store_locked")
    one, two = open_postgresql(url), open_postgresql(url, lock_ms=50)
    await one.migrate()
    await save_all(one)
    try:
        async with one.begin() as t:
            await t.request_for_change(REQUEST.id)
            with pytest.raises(Unavailable, match="lock"):
                async with two.begin() as other:
                    await other.request_for_change(REQUEST.id)
    finally:
        await one.close()
        await two.close()


async def test_who_hangs_in_the_middle_of_a_transaction_gives_way(postgres_15: Postgres) -> None:
    url = postgres_15.create_database("store_hung")
    hung, other = open_postgresql(url), open_postgresql(url)
    await hung.migrate()

    async def hang() -> None:
        async with hung.begin() as t:
            await t.save_setting("a", "of who hangs")
            async with other.begin() as o:
                await o.save_setting("a", "of the other")

    try:
        with pytest.raises(Unavailable):
            await hang()
        async with other.reading() as t:
            assert await t.setting("a") == "of the other"
        async with hung.begin() as t:
            await t.save_setting("a", "of who is back")
    finally:
        await hung.close()
        await other.close()


async def test_a_node_that_hangs_while_it_ships_is_cut_off(postgres_15: Postgres) -> None:
    """It has prepared a statement and does not run it: for PostgreSQL it is at work, as long as a statement may be."""
    url = postgres_15.create_database("store_fenced")
    other = open_postgresql(url, node="one")
    await other.migrate()
    await other.ship("two", 1, 1, [])
    hung = await asyncio.to_thread(psycopg.connect, url, application_name="daypass store two")
    try:
        hung.execute("update shipped set number = number where node = 'two'")
        hung.pgconn.enter_pipeline_mode()
        hung.pgconn.send_prepare(b"", b"select 1")
        hung.pgconn.send_flush_request()
        hung.pgconn.flush()
        async with other.begin() as t:
            assert await t.shipped_for_change("two") == 1
        await other.ship("two", 2, 2, [])
    finally:
        hung.close()
        await other.close()


async def test_a_server_that_is_gone_is_unavailable_and_comes_back() -> None:
    with Postgres.debian() as server:
        store = open_postgresql(server.create_database("gone"))
        await store.migrate()
        server.stop()
        try:
            with pytest.raises(Unavailable):
                async with store.begin():
                    raise AssertionError("got in")
            with pytest.raises(Unavailable):
                await store.shipped("one")
            server.start()
            assert await store.shipped("one") == 0
        finally:
            await store.close()


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = open_store("sqlite", tmp_path / "var")
    await store.migrate()
    await save_all(store)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "var").iterdir()}
    await store.close()
    assert modes.pop("store.sqlite") == 0o600
    assert set(modes.values()) <= {0o600}


async def test_a_commit_of_sqlite_is_on_the_disk_before_it_is_told(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "s.sqlite")
    await store.migrate()
    for engine, synced in ((store._writing, 2), (store._reading, None)):
        async with engine.connect() as connection:
            assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
            found = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar()
            assert synced in (None, found), "2 is FULL"
    await store.close()


async def test_a_broken_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(os.urandom(100_000))
    store = open_store("sqlite", tmp_path)
    with pytest.raises(Unavailable, match="not a database"):
        await store.migrate()
    await store.close()


def test_only_two_kinds_of_store_exist(tmp_path: Path) -> None:
    for setting in ("oracle://x/y", "nonsense", ""):
        with pytest.raises(Invalid):
            open_store(setting, tmp_path)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot open"):
        open_store("sqlite", tmp_path / "file")
