"""Work that a session began under another login is told of where it can be seen: it is not ours to end.

Debian's server package brings dblink and postgres_fdw; the wheel of version 18 has neither.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from daypass.cli.demo.gateway import BEN
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

SECONDS = 4
"""How long the work elsewhere lasts."""


@pytest.fixture
def server() -> Iterator[Postgres]:
    with Postgres.copied() as made:
        made.psql(
            f"""
            create role other login password '{made.password}';
            create extension dblink; create extension postgres_fdw;
            create table log (what text);
            grant insert, select on log to other;
            create server itself foreign data wrapper postgres_fdw
                options (host '127.0.0.1', port '{made.port}', dbname 'orders');
            create user mapping for app_rw server itself options (user 'other', password '{made.password}');
            create foreign table far (what text) server itself options (table_name 'log');
            grant insert, select on far to app_rw;
            grant pg_read_all_stats to app_rw;
            """,
            database="orders",
        )
        yield made


@pytest.fixture
def daypass(server: Postgres, starting: Starting) -> Daypass:
    return starting(server)


def test_dblink_to_itself(daypass: Daypass) -> None:
    server = daypass.server
    granted = daypass.grant()
    where = f"host=127.0.0.1 port={server.port} dbname=orders user=other password={server.password}"
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        session.execute("select 1")
        session.execute(f"select dblink_connect('there', '{where}')")
        work = f"insert into log select 'late' from pg_sleep({SECONDS})"
        session.execute(f"select dblink_send_query('there', $${work}$$)")
        server.wait_at_work(work)
        daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
        assert server.backends("app_rw") == []  # ours is over
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    told = ended["body"]["elsewhere"]
    assert [each["statement"] for each in told["statements"]] == [3, 2] and told["count"] == 2
    assert told["still_there"] == 1
    shown = daypass.say(BEN, "show", granted.grant)
    assert "under another login" in shown and "as other, active" in shown
    # This is what stands in the threat model: the other login's statement goes on, and commits.
    server.wait_for("select count(*) from log where what = 'late'", 1, database="orders", seconds=SECONDS + 10)


def test_a_session_that_waits_for_dblink(daypass: Daypass) -> None:
    server = daypass.server
    granted = daypass.grant()
    where = f"host=127.0.0.1 port={server.port} dbname=orders user=other password={server.password}"
    work = "do $$ begin perform pg_sleep(14); end $$"
    client = daypass.start_client(*daypass.psql_argv(f"select dblink_exec('{where}', '{work}')"))
    until(lambda: server.backends("other") or None, "the work elsewhere")
    daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
    client.communicate(timeout=30)
    assert server.backends("app_rw") == []
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    (session,) = ended["body"]["sessions"]
    assert session["how"] == "terminated at the target" and session["read_back"] == "gone"
    told = ended["body"]["elsewhere"]
    assert told["waiting"] == [session["session"]] and told["count"] == 1 and told["still_there"] == 1


def test_a_foreign_table_that_is_this_very_server(daypass: Daypass) -> None:
    server = daypass.server
    granted = daypass.grant()
    session = psycopg.connect(daypass.dsn(), autocommit=True)
    session.execute("begin")
    session.execute("insert into far values ('late')")
    (other,) = server.backends("other")
    assert other[1] == "idle in transaction"
    daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
    session.close()
    until(lambda: True if not server.backends("other") else None, "the other connection to go with ours")
    assert server.execute("select count(*) from log", database="orders") == [(0,)]
    daypass.wait_entries("grant.ended", grant=granted.grant)
