"""Somebody keeps out whoever could end her work: she terminates every other connection of her login, without a pause,
and swallows cancels meanwhile. It ends all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from daypass.cli.demo.gateway import BEN, Setup
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

HOLDING = """do $$ begin loop begin
 perform pg_stat_clear_snapshot();
 perform pg_terminate_backend(pid) from pg_stat_activity
  where usename = session_user and application_name <> 'held';
 update orders set note = 'held' where id = 1;
exception when query_canceled then null; end; end loop; end $$"""
TURNED = (
    "alter role app_rw set role = 'bystanders'",
    "alter role app_rw set statement_timeout = '2ms'",
)
"""What whoever signs in next starts with: somebody who may end nothing, in no time."""
UNSEEN = ("set application_name = 'held'", "set client_connection_check_interval = 0", "set statement_timeout = 0")
"""They spare each other, and the server does not look whether its client is there."""
Connection = psycopg.Connection[tuple[Any, ...]]
KEEPER = "    maintenance: { user: keeper, password: { file: password } }\n"


@pytest.fixture(params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    make = Postgres.debian if request.param == "15" else Postgres.wheel
    with make() as made:
        made.load_sample()
        made.execute("create role bystanders nologin; grant bystanders to app_rw")
        yield made


def connected(daypass: Daypass, count: int) -> list[Connection]:
    """So many sessions, before anybody keeps new ones out."""
    return [psycopg.connect(daypass.dsn(), autocommit=True) for _ in range(count)]


def holding(daypass: Daypass, sessions: list[Connection]) -> None:
    """All of them do nothing else, once this returns."""
    for session in sessions:
        for first in UNSEEN:
            session.execute(first)
    for session in sessions:
        session.pgconn.send_query(HOLDING.encode())
    at_it = "select count(*) from pg_stat_activity where state = 'active' and usename = 'app_rw' and query = %s"
    until(lambda: True if daypass.server.execute(at_it, HOLDING) == [(len(sessions),)] else None, "the sessions")


def shown_gone(event: dict[str, Any], daypass: Daypass, sessions: list[Connection]) -> None:
    assert len(event["body"]["sessions"]) == len(sessions)
    for one in event["body"]["sessions"]:
        assert (one["how"], one["read_back"]) == ("terminated at the target", "gone"), one
    assert daypass.server.backends("app_rw") == []
    for session in sessions:
        session.close()
    held = "select count(*) from orders where note = 'held'"
    assert daypass.server.execute(held, database="orders") == [(0,)]


def test_three_who_hold_the_ender_out_are_ended_by_one_that_comes_with_its_order(
    server: Postgres, tmp_path: Path
) -> None:
    with Daypass(tmp_path / "gateway", server) as daypass:
        granted = daypass.grant()
        sessions = connected(daypass, 3)
        for turn in TURNED:
            sessions[0].execute(turn)  # type: ignore[arg-type]
        holding(daypass, sessions)
        daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
        (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
        shown_gone(ended, daypass, sessions)


def test_one_who_takes_the_password_too_is_ended_by_the_maintenance_login(server: Postgres, tmp_path: Path) -> None:
    server.execute(f"create role keeper login password '{server.password}'")
    server.execute("grant pg_signal_backend, pg_read_all_stats to keeper")
    with Daypass(tmp_path / "gateway", server, Setup(target=KEEPER)) as daypass:
        granted = daypass.grant()
        sessions = connected(daypass, 1)
        sessions[0].execute("alter role app_rw password 'mine now'")
        holding(daypass, sessions)
        daypass.unconfirmed(BEN, "revoke", granted.grant, "--reason", "enough")
        alarm = daypass.wait_entries("grant.end_unconfirmed", grant=granted.grant)[0]
        shown_gone(alarm, daypass, sessions)
        assert "login app_rw is not what we know any more" in daypass.say(BEN, "show", granted.grant)
