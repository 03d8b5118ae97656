"""The test servers do what their methods say, as a fault that does not happen proves nothing."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from tests.servers.postgres import Postgres, paused


def test_the_sample_is_there(postgres: Postgres) -> None:
    counts = "select (select count(*) from customers), (select count(*) from orders), count(*) > 20000 from payments"
    assert postgres.execute(counts, database="orders") == [(5_000, 30_000, True)]


def test_versions(postgres_15: Postgres, postgres_18: Postgres) -> None:
    versions = [
        server.execute("select current_setting('server_version_num')::int")[0][0]
        for server in (postgres_15, postgres_18)
    ]
    assert versions[0] >= 150000
    assert versions[1] >= 180000


def test_the_log_tells_what_reached_it(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url("app_ro", "orders"), autocommit=True) as connection:
        pid = connection.info.backend_pid
        connection.execute("select 'simple'")
        connection.execute("select %s::text", ("extended",))
    assert postgres.statements(pid=pid) == ["select 'simple'", "select $1::text"]
    assert postgres.statements(user="app_ro", pid=pid) == postgres.statements(pid=pid)


def test_stop_and_start_keep_data_and_port() -> None:
    with Postgres.wheel() as server:
        server.execute("create table kept as select 1 as one")
        port = server.port
        for fault in (server.stop, server.kill):
            fault()
            with pytest.raises(psycopg.OperationalError):
                server.execute("select 1")
            server.start()
            assert (server.port, server.execute("select one from kept")) == (port, [(1,)])
    assert not server.home.exists()


def test_paused_servers_answer_when_resumed() -> None:
    with Postgres.wheel() as server:
        answered = threading.Event()

        def ask() -> None:
            server.execute("select 1")
            answered.set()

        with paused(server):
            asking = threading.Thread(target=ask)
            asking.start()
            time.sleep(0.3)
            assert not answered.is_set()
        asking.join(10)
        assert answered.is_set()
