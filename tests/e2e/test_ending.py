"""Access ends, and the end reaches the work: deadline, hand-back, revocation, kill, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA, BEN
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, Granted, until
from tests.servers.postgres import Postgres

LONG_UPDATE = "update orders set note = 'rewritten' where pg_sleep(0.01) is not null"
"""Five minutes of work."""


@pytest.fixture
def daypass(postgres: Postgres, starting: Starting) -> Daypass:
    """A gateway of the test's own, without a grant."""
    return starting(postgres)


def running(daypass: Daypass, statement: str = LONG_UPDATE) -> subprocess.Popen[str]:
    """psql with this statement, once the server is at work on it."""
    client = daypass.start_client(*daypass.psql_argv(statement))
    daypass.server.wait_at_work(statement)
    return client


def check_ended(daypass: Daypass, client: subprocess.Popen[str], granted: Granted, reason: str) -> None:
    """The client was told, the work is rolled back, nothing is left, and the record says so."""
    _, said = client.communicate(timeout=20)
    assert client.returncode == 2, said
    assert "FATAL" in said
    assert granted.grant in said
    assert reason in said
    until(lambda: True if not daypass.server.backends("app_rw") else None, "the backend to be gone")
    assert daypass.server.execute("select count(*) from orders where note = 'rewritten'", database="orders") == [(0,)]
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    assert ended["body"]["reason"] == reason
    (cut,) = daypass.wait_entries("session.ended", grant=granted.grant)
    assert cut["body"]["reason"] == reason
    again = daypass.psql("select 1")
    assert again.returncode == 2
    assert "daypass request orders" in again.stderr


def test_deadline(daypass: Daypass) -> None:
    granted = daypass.grant("write", "3s")
    check_ended(daypass, running(daypass), granted, "expired")


def test_deadline_of_an_idle_session_says_why(daypass: Daypass) -> None:
    daypass.grant("write", "2s")
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        connection.execute("select 1")
        time.sleep(2.5)
        with pytest.raises(psycopg.OperationalError) as caught:
            connection.execute("select 1")
        assert caught.value.sqlstate in ("57P01", None)


def test_handing_back(daypass: Daypass) -> None:
    granted = daypass.grant()
    client = running(daypass)
    daypass.say(ANA, "return", granted.grant)
    check_ended(daypass, client, granted, "handed back")


def test_revoking(daypass: Daypass) -> None:
    granted = daypass.grant()
    client = running(daypass)
    daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
    check_ended(daypass, client, granted, "revoked")


def test_killing_a_session_leaves_its_grant(daypass: Daypass) -> None:
    daypass.grant()
    client = running(daypass)
    (session,) = daypass.sessions("--live")
    daypass.say(BEN, "kill", session["id"], "--reason", "looks wrong")
    _, said = client.communicate(timeout=20)
    assert "FATAL" in said
    assert daypass.psql("select 1").stdout.strip() == "1"
    (ended,) = daypass.wait_entries("session.ended", session=session["id"])
    end = ended["body"]["end"]
    assert (end["was"], end["how"], end["read_back"]) == ("active", "terminated at the target", "gone")
    shown = daypass.say(BEN, "show", session["id"])
    assert "nothing more forwarded" in shown and "read back that the work is gone" in shown


def test_of_a_session_that_left_by_itself_no_end_is_told(daypass: Daypass) -> None:
    granted = daypass.grant()
    assert daypass.psql("select 1").stdout.strip() == "1"
    daypass.wait_entries("session.ended")

    def looked_for() -> dict[str, Any] | None:
        (session,) = daypass.sessions()
        return session if session["look_at"] is None else None

    session = until(looked_for, "its work to be looked for")
    assert (session["state"], session["ending"]) == ("ENDED", None)
    assert daypass.psql("select 2").stdout.strip() == "2"
    daypass.say(ANA, "return", granted.grant)  # before or after the other one was looked for
    shown = daypass.say(ANA, "show", granted.grant)
    assert "ENDED" in shown and "terminated" not in shown
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    assert {one["how"] for one in ended["body"]["sessions"]} <= {"gone already"}


@pytest.mark.parametrize("work", ["procedure", "queued"])
def test_work_that_swallows_cancels_ends_too(postgres_15: Postgres, starting: Starting, work: str) -> None:
    daypass = starting(postgres_15)
    postgres_15.psql(SWALLOWING, database="orders")
    granted = daypass.grant("write", "3s")
    statement = {
        "procedure": "call stubborn()",
        "queued": "select pg_sleep(60); update customers set name = 'late'; update customers set name = 'later'",
    }[work]
    client = running(daypass, statement)
    check_ended(daypass, client, granted, "expired")
    time.sleep(0.3)
    late = "select count(*) from customers where name like 'late%%'"
    assert postgres_15.execute(late, database="orders") == [(0,)]


SWALLOWING = """
create or replace procedure stubborn() language plpgsql as $$
begin
    for i in 1..60 loop
        begin
            perform pg_sleep(1);
        exception when query_canceled then null;
        end;
    end loop;
end $$;
"""


def test_control_c_stops_the_statement_only(daypass: Daypass) -> None:
    daypass.grant()
    client = running(daypass)
    client.send_signal(signal.SIGINT)
    _, said = client.communicate(timeout=20)
    assert "canceling statement due to user request" in said


def test_cancelling_one_session_leaves_the_others(daypass: Daypass) -> None:
    daypass.grant()
    with (
        psycopg.connect(daypass.dsn(), autocommit=True) as mine,
        psycopg.connect(daypass.dsn(), autocommit=True) as other,
    ):
        other.cancel_safe(timeout=10)
        assert mine.execute("select 1").fetchone() == (1,)


def test_a_statement_right_after_a_cancel_is_not_hit_by_it(daypass: Daypass) -> None:
    daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        for _ in range(50):
            connection.cancel_safe(timeout=10)
            assert connection.execute("select 1 from pg_sleep(0.02)").fetchone() == (1,)


def test_many_sessions_end_at_once(daypass: Daypass) -> None:
    granted = daypass.grant("write", "6s")
    connections = [psycopg.connect(daypass.dsn(), autocommit=True) for _ in range(20)]
    until(lambda: True if not daypass.server.backends("app_rw") else None, "every backend to be gone", 15)
    assert len(daypass.wait_entries("session.ended", 20, grant=granted.grant)) == 20
    for connection in connections:
        connection.close()


ROWS = "select repeat('x', 5000), generate_series(1, 100000000)"


@pytest.mark.parametrize("work", [ROWS, f"copy ({ROWS}) to stdout"], ids=["select", "copy"])
def test_who_is_in_the_middle_of_a_row_is_told_too(daypass: Daypass, work: str) -> None:
    granted = daypass.grant()
    clients = [psycopg.connect(daypass.dsn(), autocommit=True) for _ in range(6)]

    def read(client: psycopg.Connection[Any]) -> str | None:
        try:
            with client.cursor() as cursor:
                if work == ROWS:
                    deque(cursor.stream(work), maxlen=0)
                else:
                    with cursor.copy(work) as copy:
                        deque(copy, maxlen=0)
        except psycopg.OperationalError as told:
            return told.sqlstate
        return "was not ended"

    with ThreadPoolExecutor(len(clients)) as reading:
        told = [reading.submit(read, client) for client in clients]
        daypass.server.wait_for(
            "select count(*) from pg_stat_activity where state = 'active' and usename = 'app_rw' and query ~ 'repeat'",
            len(clients),
        )
        daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
        assert [one.result() for one in told] == ["57P01"] * len(clients)
    for client in clients:
        client.close()


def test_a_backend_that_hangs_delays_the_record_of_no_other(daypass: Daypass) -> None:
    granted = daypass.grant()
    clients = [psycopg.connect(daypass.dsn(), autocommit=True) for _ in range(2)]
    backend, well = (one.execute("select pg_backend_pid()").fetchall()[0][0] for one in clients)
    with ThreadPoolExecutor(1) as aside:
        os.kill(backend, signal.SIGSTOP)
        try:
            revoked = aside.submit(daypass.say, BEN, "revoke", granted.grant, "--reason", "enough")
            (first,) = daypass.wait_entries("session.ended", grant=granted.grant)
        finally:
            os.kill(backend, signal.SIGCONT)
        assert first["body"]["end"]["read_back"] == "gone"
        revoked.result()
    opened = {one["body"]["mark"]["pid"]: one["session"] for one in daypass.entries("session.opened")}
    assert first["session"] == opened[str(well)]
    daypass.wait_entries("session.ended", 2, grant=granted.grant)
    daypass.wait_entries("grant.ended", grant=granted.grant)
    assert daypass.entries("grant.end_unconfirmed", grant=granted.grant) == []
    for one in clients:
        one.close()


def test_extending_moves_the_deadline(daypass: Daypass) -> None:
    daypass.token(ANA)
    granted = daypass.grant("write", "8s")
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        asked = daypass.object(ANA, "extend", granted.grant, "--by", "1m", "--reason", "not done yet")
        daypass.say(BEN, "approve", asked["id"])
        time.sleep(8.5)
        assert connection.execute("select 1").fetchone() == (1,)
