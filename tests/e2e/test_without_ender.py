"""Where no ender can be had (the login may open no more connections), each session's work is cancelled by itself."""

from __future__ import annotations

import signal
import time
from typing import Any

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA, BEN
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, Granted, until
from tests.servers.postgres import Postgres

WORK = "insert into customers (name, email, country, created_at) select 'late', 'l', 'DE', now() from pg_sleep(60)"


@pytest.fixture
def daypass(postgres: Postgres, starting: Starting) -> Daypass:
    return starting(postgres)


def without_ender(server: Postgres, change: str) -> None:
    """Make this change to the login, and end what Daypass keeps open to end work with."""
    server.execute(f"alter role app_rw {change}")
    server.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'daypass %'")
    time.sleep(0.5)


def retried(daypass: Daypass, type: str, count: int, granted: Granted) -> list[dict[str, Any]]:
    """So many entries, after a second attempt at the end or a third: 5 s and 10 s later, of 10 s each."""

    def look() -> list[dict[str, Any]] | None:
        return found if len(found := daypass.entries(type, grant=granted.grant)) >= count else None

    return until(look, f"{count} {type}", 60)


def test_the_work_is_cancelled_and_its_end_is_read_back_once_there_is_room(daypass: Daypass) -> None:
    server = daypass.server
    granted = daypass.grant()
    client = daypass.start_client(*daypass.psql_argv(WORK))
    server.wait_at_work(WORK)
    with psycopg.connect(daypass.dsn(), autocommit=True):
        try:
            without_ender(server, "connection limit 2")  # both are taken
            daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
            (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
        finally:
            server.execute("alter role app_rw connection limit -1")
    for session in ended["body"]["sessions"]:
        assert (session["how"], session["read_back"]) == ("cancel requested, sockets closed", "gone")
    assert ended["body"]["session_count"] == 2 and ended["body"]["unconfirmed"] == []
    client.communicate(timeout=20)
    server.settle()
    cancelled = [line for line in server.log() if line.state == "57014" and line.user == "app_rw"]
    assert cancelled, "no statement was cancelled"
    assert server.execute("select count(*) from customers where name = 'late'", database="orders") == [(0,)]


def test_control_c_stops_the_statement_and_nothing_else(daypass: Daypass) -> None:
    server = daypass.server
    daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        client = daypass.start_client(*daypass.psql_argv(WORK))
        server.wait_at_work(WORK)
        try:
            without_ender(server, "nologin")
            client.send_signal(signal.SIGINT)
            _, told = client.communicate(timeout=20)
            assert "canceling statement due to user request" in told
            assert session.execute("select 1").fetchone() == (1,)
        finally:
            server.execute("alter role app_rw login")


def test_a_login_that_lets_nobody_in_is_an_alarm_until_it_does(daypass: Daypass) -> None:
    server = daypass.server
    granted = daypass.grant()
    client = daypass.start_client(*daypass.psql_argv(WORK))
    server.wait_at_work(WORK)
    try:
        without_ender(server, "nologin")
        daypass.unconfirmed(BEN, "revoke", granted.grant, "--reason", "enough")
        alarm = daypass.wait_entries("grant.end_unconfirmed", grant=granted.grant)[-1]
        (session,) = alarm["body"]["sessions"]
        assert session["read_back"] == "not confirmed" and alarm["body"]["unconfirmed"] == [session["session"]]
        assert server.backends("app_rw") == []  # cancelled, and its socket closed: not seen is not shown
        shown = daypass.say(BEN, "show", granted.grant)
        assert "END_UNCONFIRMED" in shown and "NOT CONFIRMED: looked at again" in shown
        listed = daypass.say(ANA, "grants")
        assert "began to end" in listed and "ends in" not in listed
    finally:
        server.execute("alter role app_rw login")
    (ended,) = retried(daypass, "grant.ended", 1, granted)
    assert ended["body"]["attempt"] > 1
    first, steps = alarm["body"]["steps_ms"], ended["body"]["steps_ms"]
    assert {"refused_new", "stopped_forwarding", "client_told", "closed"} <= set(first)
    assert not {"work_stopped", "work_gone", "read_back"} & set(first), "what was not seen is no step"
    assert {name: steps[name] for name in first} == first, "a later attempt moves no step"
    assert max(first.values()) < steps["work_stopped"] <= steps["work_gone"] <= steps["read_back"]
    client.communicate(timeout=20)


def test_a_person_closes_an_end_that_nobody_can_confirm(daypass: Daypass) -> None:
    server = daypass.server
    granted = daypass.grant()
    client = daypass.start_client(*daypass.psql_argv(WORK))
    server.wait_at_work(WORK)
    try:
        without_ender(server, "nologin")
        daypass.unconfirmed(BEN, "revoke", granted.grant, "--reason", "enough")
        alarms = retried(daypass, "grant.end_unconfirmed", 2, granted)
        assert [alarm["body"]["attempt"] for alarm in alarms[:2]] == [1, 2]
        daypass.say(BEN, "revoke", granted.grant, "--close-unconfirmed", "--reason", "the server was looked at by hand")
        (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
        assert ended["body"]["closed_by_hand"] and ended["body"]["unconfirmed"]
    finally:
        server.execute("alter role app_rw login")
    client.communicate(timeout=20)


def test_a_kill_that_cannot_be_shown_is_an_alarm_that_outlives_a_restart(daypass: Daypass) -> None:
    server = daypass.server
    granted = daypass.grant()
    client = daypass.start_client(*daypass.psql_argv(WORK))
    server.wait_at_work(WORK)
    (session,) = daypass.sessions("--live")
    try:
        without_ender(server, "nologin")
        done = daypass.run(BEN, "kill", session["id"], "--reason", "looks wrong")
        assert done.returncode == 1 and "is not confirmed" in done.stderr
        (ended,) = daypass.wait_entries("session.ended", session=session["id"])
        assert (ended["body"]["reason"], ended["body"]["end"]["read_back"]) == ("killed", "not confirmed")
        assert [step for step in ended["body"]["end"]["steps"] if step in ("stopped_forwarding", "closed")]
        daypass.wait_entries("session.end_unconfirmed", session=session["id"])
        assert "NOT CONFIRMED: looked at again" in daypass.say(BEN, "show", session["id"])
        daypass.restart()
        daypass.unconfirmed(ANA, "return", granted.grant)
    finally:
        server.execute("alter role app_rw login")
    (settled,) = until(lambda: daypass.entries("session.end_settled") or None, "the end to be seen", 60)
    assert settled["session"] == session["id"] and settled["body"]["end"]["read_back"] == "gone"
    retried(daypass, "grant.ended", 1, granted)
    client.communicate(timeout=20)


def test_work_that_goes_on_after_its_client_left_is_ended_before_its_grant_is(daypass: Daypass) -> None:
    """The order to stop it failed, and the server was told not to look whether its client is there."""
    server = daypass.server
    granted = daypass.grant()
    client = daypass.start_client(*daypass.psql_argv("set client_connection_check_interval = 0", WORK))
    server.wait_at_work(WORK)
    try:
        without_ender(server, "nologin")
        client.kill()  # it says nothing: who says goodbye may have its last statement finished
        client.communicate(timeout=20)
        daypass.wait_entries("session.ended", grant=granted.grant)
        until(lambda: "order failed" in daypass.log.read_text() or None, "the order to stop it to be given up", 30)
        assert server.backends("app_rw"), "it goes on"
    finally:
        server.execute("alter role app_rw login")
    daypass.say(ANA, "return", granted.grant)
    assert server.backends("app_rw") == []
    daypass.wait_entries("grant.ended", grant=granted.grant)
    (settled,) = daypass.wait_entries("session.end_settled", grant=granted.grant)
    told = settled["body"]["end"]
    assert (told["was"], told["how"], told["read_back"]) == ("active", "terminated at the target", "gone")
    assert server.execute("select count(*) from customers where name = 'late'", database="orders") == [(0,)]
