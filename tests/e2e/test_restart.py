"""The gateway stops or dies: open sessions are cut, their work ends at the server, and no deadline moves."""

from __future__ import annotations

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

LONG_UPDATE = "update orders set note = 'rewritten' where pg_sleep(0.01) is not null"


@pytest.fixture
def daypass(postgres_15: Postgres, starting: Starting) -> Daypass:
    return starting(postgres_15)


def start_long_update(daypass: Daypass) -> None:
    daypass.start_client(*daypass.psql_argv(LONG_UPDATE))
    daypass.server.wait_at_work(LONG_UPDATE)


def check_nothing_left(daypass: Daypass) -> None:
    until(lambda: True if not daypass.server.backends("app_rw") else None, "the backend to be gone")
    assert daypass.server.execute("select count(*) from orders where note = 'rewritten'", database="orders") == [(0,)]


def test_stopping_tells_the_clients_and_ends_the_work(daypass: Daypass) -> None:
    daypass.grant()
    client = daypass.start_client(*daypass.psql_argv(LONG_UPDATE))
    daypass.server.wait_at_work(LONG_UPDATE)
    assert daypass.stop() == 0
    _, said = client.communicate(timeout=20)
    assert "FATAL" in said
    check_nothing_left(daypass)
    daypass.start()
    (session,) = daypass.sessions()
    assert (session["state"], session["end_reason"]) == ("CUT", "shutdown")


def test_a_restart_moves_no_deadline(daypass: Daypass) -> None:
    granted = daypass.grant("write", "1h")
    assert daypass.psql("select 1").stdout.strip() == "1"
    (before,) = daypass.object(ANA, "grants")
    daypass.restart()
    (after,) = daypass.object(ANA, "grants")
    assert (after["id"], after["state"], after["expires_at"]) == (granted.grant, "ACTIVE", before["expires_at"])
    assert daypass.psql("select 1").stdout.strip() == "1"


def test_a_grant_that_expires_while_nobody_runs_has_ended(daypass: Daypass) -> None:
    granted = daypass.grant("write", "2s")
    assert daypass.psql("select 1").stdout.strip() == "1"
    daypass.stop()
    until(lambda: True if daypass.server.execute("select pg_sleep(2.5)") else None, "the deadline")
    daypass.start()
    assert daypass.psql("select 1").returncode == 2
    daypass.wait_entries("grant.ended", grant=granted.grant)


def test_what_a_crash_left_running_is_ended_by_the_next_start(daypass: Daypass) -> None:
    daypass.grant()
    start_long_update(daypass)
    daypass.kill()
    daypass.start()
    check_nothing_left(daypass)
    (session,) = daypass.sessions()
    assert (session["state"], session["end_reason"]) == ("CUT", "recovered")
    (ended,) = daypass.wait_entries("session.ended")
    assert ended["body"]["reason"] == "recovered"
    daypass.verify()


def test_a_second_serve_on_the_same_data_is_refused(daypass: Daypass) -> None:
    second = daypass.run(None, "serve", "--config", str(daypass.config))
    assert second.returncode in (1, 2)
    assert "daypass:" in second.stderr
    assert daypass.healthy()


def test_a_session_outlives_nothing(daypass: Daypass) -> None:
    daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        daypass.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    daypass.start()
