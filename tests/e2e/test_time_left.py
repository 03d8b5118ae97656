"""What people are told before access ends, what an idle one loses, and what a real psql shows of it."""

from __future__ import annotations

import psycopg
import pytest

from daypass.cli.demo.gateway import BEN, Setup
from tests.e2e.conftest import Starting
from tests.servers.daypass import until
from tests.servers.postgres import Postgres


def test_psql_shows_the_time_that_is_left(postgres: Postgres, starting: Starting) -> None:
    daypass = starting(postgres, Setup(limits=", warn_before: [10s, 6s]"))
    granted = daypass.grant("write", "12s")
    done = daypass.psql(*["select pg_sleep(1)"] * 15)
    notices = [line for line in done.stderr.splitlines() if "NOTICE" in line]
    assert len(notices) == 2, done.stderr
    for notice, left in zip(notices, ("10s", "6s"), strict=True):
        assert f"access to orders ends in {left}" in notice
        assert f"daypass extend {granted.grant} --by 30m" in notice
    assert "FATAL" in done.stderr and "expired" in done.stderr
    assert "\n(" not in done.stdout  # each answer whole, none mixed with a notice


def test_an_idle_session_ends_and_its_grant_stays(postgres_15: Postgres, starting: Starting) -> None:
    daypass = starting(postgres_15, Setup(target="    limits: { idle: 2s }\n"))
    granted = daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        session.execute("select pg_sleep(3)")  # who waits for an answer is not idle
        until(lambda: True if not daypass.server.backends("app_rw") else None, "the session to be cut")
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
    (ended,) = daypass.wait_entries("session.ended", grant=granted.grant)
    assert ended["body"]["reason"] == "idle"
    steps = ["stopped_forwarding", "work_stopped", "client_told", "closed", "read_back"]
    assert [step for step in ended["body"]["end"]["steps"] if step in steps[:4]] == steps[:4]
    assert set(ended["body"]["end"]["steps_us"]) == set(steps) and ended["body"]["end"]["read_back"] == "gone"
    assert daypass.psql("select 1").returncode == 0
    shown = daypass.object(BEN, "show", granted.grant)
    assert shown["grant_object"]["state"] == "ACTIVE"
