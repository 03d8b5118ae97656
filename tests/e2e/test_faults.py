"""Something breaks: the error is clear, the session ends, and nothing goes to the target unrecorded."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from time import time_ns

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA, Setup
from daypass.protocols.postgres import messages
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres


def test_target_down(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    own_postgres.stop()
    done = daypass.psql("select 1")
    assert done.returncode == 2
    assert "the target failed: Connection refused" in done.stderr
    address = f"127.0.0.1:{own_postgres.port}"
    assert address not in done.stderr and str(own_postgres.port) not in done.stderr
    assert address in daypass.log.read_text(), "where it is stands in the operator's log"
    own_postgres.start()
    assert daypass.psql("select 1").stdout.strip() == "1"


def test_target_killed_in_the_middle(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    client = daypass.start_client(*daypass.psql_argv("select pg_sleep(60)"))
    own_postgres.wait_at_work("select pg_sleep(60)")
    own_postgres.kill()
    _, said = client.communicate(timeout=30)
    assert client.returncode == 2, said
    (ended,) = daypass.wait_entries("session.ended")
    assert ended["body"]["reason"] == "target left"
    own_postgres.start()
    assert daypass.psql("select 1").stdout.strip() == "1"


def test_target_that_ends_one_backend(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        row = connection.execute("select pg_backend_pid()").fetchone()
        assert row is not None
        own_postgres.terminate(row[0])
        with pytest.raises(psycopg.OperationalError) as caught:
            connection.execute("select 1")
        assert "terminating connection due to administrator command" in str(caught.value)


def test_client_killed_in_the_middle(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    statement = "update orders set note = 'rewritten' where pg_sleep(0.01) is not null"
    client = daypass.start_client(*daypass.psql_argv(statement))
    own_postgres.wait_at_work(statement)
    client.kill()
    client.communicate()
    until(lambda: True if not own_postgres.backends("app_rw") else None, "the backend to be gone")
    (ended,) = daypass.wait_entries("session.ended")
    assert ended["body"]["reason"] == "client left"
    assert own_postgres.execute("select count(*) from orders where note = 'rewritten'", database="orders") == [(0,)]


@contextmanager
def raw(daypass: Daypass) -> Iterator[socket.socket]:
    """The socket of a client that has signed in."""
    with (
        psycopg.connect(daypass.dsn(sslmode="disable")) as connection,
        socket.socket(fileno=os.dup(connection.fileno())) as wire,
    ):
        wire.settimeout(20)
        yield wire


def test_a_client_that_shuts_its_half_of_the_connection_is_answered(postgres: Postgres, starting: Starting) -> None:
    daypass = starting(postgres)
    daypass.grant()
    with raw(daypass) as wire:
        wire.sendall(messages.query(b"select pg_sleep(0.5)") + messages.query(b"select 'the ' || 'answer'"))
        wire.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: wire.recv(65536), b""))
    assert messages.data_row([b"the answer"]) + messages.command_complete("SELECT 1") + messages.ready() in said
    assert [one["body"]["rows"] for one in daypass.wait_entries("statement.completed", 2)] == [1, 1]
    (ended,) = daypass.wait_entries("session.ended")
    assert ended["body"]["reason"] == "client left"


def test_a_client_that_is_killed_after_it_has_shut_its_half(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    with raw(daypass) as wire:
        wire.sendall(messages.query(b"select pg_sleep(60)"))
        own_postgres.wait_at_work("select pg_sleep(60)")
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(1) == b"S"  # it is looked after
        assert own_postgres.backends("app_rw")
    until(lambda: True if not own_postgres.backends("app_rw") else None, "the backend to be gone")
    (completed,) = daypass.wait_entries("statement.completed")
    assert completed["body"]["error"]


def test_clients_that_send_garbage(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        with psycopg.connect(daypass.dsn(sslmode="disable")) as spoiled:
            os.write(spoiled.fileno(), b"\xff\xff\xff\xff\xff\xff\xff\xff")
            with pytest.raises(psycopg.OperationalError):
                spoiled.execute("select 1")
        assert connection.execute("select 1").fetchone() == (1,)
    assert "Traceback" not in daypass.log.read_text()


def test_a_message_over_the_limit_ends_the_session(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres, Setup(limits=", message: 1MiB"))
    daypass.grant()
    for dsn in (daypass.dsn(), daypass.dsn(sslmode="disable")):
        with psycopg.connect(dsn, autocommit=True) as connection, pytest.raises(psycopg.OperationalError) as caught:
            connection.execute("select length(%s)", ("x" * (32 << 20),))
        assert "a message is longer than the limit of 1048576 bytes" in str(caught.value)
    assert not [text for text in own_postgres.statements(user="app_rw") if text.startswith("select length")]
    assert daypass.psql("select 1").stdout.strip() == "1"


@contextmanager
def store_locked(daypass: Daypass) -> Iterator[list[int]]:
    """A writer holds SQLite's lock until nobody is connected. When that was over, in ms since 1970."""
    over: list[int] = []
    with sqlite3.connect(daypass.data / "store.sqlite", isolation_level=None) as lock:
        lock.execute("begin immediate")
        yield over
        until(lambda: True if "daypass_sessions_open 0.0" in metrics(daypass) else None, "everybody to be gone")
        over.append(time_ns() // 1_000_000)
        lock.execute("rollback")


def metrics(daypass: Daypass) -> list[str]:
    with urllib.request.urlopen(f"{daypass.web}/metrics", timeout=10) as answer:
        return str(answer.read().decode()).splitlines()


def check_told_when_it_was(daypass: Daypass, unlocked_at: int) -> None:
    """What the store hears of a session later is told with the time when it was over."""
    (ended,) = daypass.wait_entries("session.ended")
    (session,) = daypass.sessions()
    assert session["opened_at"] + ended["body"]["duration_ms"] == session["ended_at"] <= unlocked_at < ended["t"]


def test_store_locked(own_postgres: Postgres, starting: Starting) -> None:
    """Nobody new comes in; who is in may end; the deadline holds, and its story begins with it."""
    daypass = starting(own_postgres)
    daypass.token(ANA)  # made before the clock runs
    granted = daypass.grant("write", "4s")
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        with store_locked(daypass) as over:
            until(lambda: True if not own_postgres.backends("app_rw") else None, "the deadline", 10)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    grant = daypass.object(ANA, "show", granted.grant)["grant_object"]
    began_at, steps = grant["ending"]["began_at"], grant["ending"]["steps"]
    assert steps == ended["body"]["steps_ms"]
    assert grant["expires_at"] <= began_at <= began_at + steps["client_told"] <= over[0]
    assert over[0] <= grant["ending_at"] <= began_at + steps["refused_new"], "from when on the store knew"
    check_told_when_it_was(daypass, over[0])
    daypass.verify()


def test_who_leaves_while_the_store_is_locked_has_left_then(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    connection = psycopg.connect(daypass.dsn(), autocommit=True)
    with store_locked(daypass) as over:
        connection.close()
    check_told_when_it_was(daypass, over[0])


def test_who_is_in_while_the_store_is_locked_is_recorded_and_cut_off(
    own_postgres: Postgres, starting: Starting
) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    connection = psycopg.connect(daypass.dsn(), autocommit=True)
    with store_locked(daypass) as over:
        connection.execute("select 41 + 1")
        (told,) = until(lambda: warned(daypass) or None, "somebody to say so", 20)
        assert told.startswith("the store takes no records: ")
        until(lambda: True if lag_seconds(daypass) > 3 else None, "the lag to grow")
        until(lambda: cut_off(daypass), "the lease to run out", 30)
        until(lambda: True if not own_postgres.backends("app_rw") else None, "the session to be cut")
        with pytest.raises(psycopg.OperationalError, match="cut off from its store"):
            connection.execute("select 42 + 1")
        assert "cut off from its store" in daypass.psql("select 1").stderr
    check_told_when_it_was(daypass, over[0])
    (ended,) = daypass.entries("session.ended")
    assert ended["body"]["reason"] == "cut off"
    reached = [text for text in own_postgres.statements(user="app_rw") if text.startswith("select 4")]
    assert reached == ["select 41 + 1"]
    assert len(daypass.entries("statement.submitted")) == 1
    until(lambda: True if cut_off(daypass) is None else None, "it to come back")
    until(lambda: True if not warned(daypass) else None, "nobody to say so any more")
    assert lag_seconds(daypass) > 3, "of the batch that had to wait"
    assert daypass.psql("select 1").stdout.strip() == "1"
    daypass.verify()


def cut_off(daypass: Daypass) -> bool | None:
    """Whether it says that it is."""
    return True if daypass.health()["state"] == "CUT_OFF" else None


def warned(daypass: Daypass) -> list[str]:
    return [line for line in daypass.health()["warnings"] if "store" in line]


def lag_seconds(daypass: Daypass) -> float:
    name = "daypass_ship_lag_seconds "
    (found,) = (line for line in metrics(daypass) if line.startswith(name))
    return float(found.removeprefix(name))


def test_a_paused_target_delays_nobody_else(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        own_postgres.pause()
        waiting = threading.Thread(target=lambda: connection.execute("select 1"))
        waiting.start()
        assert daypass.healthy()
        own_postgres.resume()
        waiting.join(20)
        assert not waiting.is_alive()


def test_dangerous_logins_are_refused(own_postgres: Postgres, starting: Starting) -> None:
    own_postgres.psql("alter role app_rw createrole")
    daypass = starting(own_postgres)
    daypass.grant()
    done = daypass.psql("select 1")
    assert done.returncode == 2
    assert "dangerous" in done.stderr


def test_a_reading_login_that_can_write_is_refused(own_postgres: Postgres, starting: Starting) -> None:
    own_postgres.psql("grant update on orders to app_ro", database="orders")
    daypass = starting(own_postgres)
    daypass.grant("read")
    done = daypass.psql("select 1")
    assert done.returncode == 2
    assert "write" in done.stderr


def test_replication_connections_are_refused(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    with pytest.raises(psycopg.OperationalError, match="replication"):
        psycopg.connect(daypass.dsn(replication="database"))


@pytest.mark.parametrize("names", [{"user": b"ana\xff"}, {"database": b"orders:\xff"}], ids=["user", "role"])
def test_names_that_are_not_utf8_are_refused(
    own_postgres: Postgres, starting: Starting, names: dict[str, bytes]
) -> None:
    daypass = starting(own_postgres)
    asked = {"user": b"ana@acme.test", "database": b"orders"} | names
    packet = messages.startup(messages.PROTOCOL_3_0, {name: messages.decode(value) for name, value in asked.items()})
    with socket.create_connection(("127.0.0.1", daypass.port), timeout=30) as stranger:
        stranger.sendall(packet)
        answer = b"".join(iter(lambda: stranger.recv(4096), b""))
    assert b"is not UTF-8" in answer and answer[:1] == b"E"
    log = daypass.log.read_text()
    assert "UnicodeEncodeError" not in log and "refusal not told" not in log


def test_strangers_look_the_same(own_postgres: Postgres, starting: Starting) -> None:
    daypass = starting(own_postgres)
    said = set()
    for person, token in (("nobody%40acme.test", "dp_wrong"), ("ana%40acme.test", "dp_wrong")):
        with pytest.raises(psycopg.OperationalError) as caught:
            psycopg.connect(f"postgresql://{person}:{token}@127.0.0.1:{daypass.port}/orders?sslmode=disable")
        said.add(str(caught.value).replace("nobody@", "ana@"))
    assert len(said) == 1
    assert "password authentication failed" in said.pop()
