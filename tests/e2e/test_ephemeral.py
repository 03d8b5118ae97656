"""The whole program with logins that are made for each grant, on both server versions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import ANA, BEN
from daypass.credentials.logins import login_name
from tests.credentials.conftest import KEEPER, KEEPER_SETUP
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres


class Lending(Daypass):
    """A gateway whose `write` role has a login for each grant."""

    def _target(self) -> str:
        write = f"{{ user: {sample.WRITER}, password: {{ file: password }}, effect: write }}"
        assert write in super()._target()
        keeper = f"    maintenance: {{ user: {KEEPER}, password: {{ file: password }} }}\n    roles:\n"
        lent = "{ member_of: [app_rw], effect: write }"
        return super()._target().replace("    roles:\n", keeper).replace(write, lent)


@pytest.fixture(scope="module", params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    make = Postgres.debian if request.param == "15" else Postgres.wheel
    with make({"max_prepared_transactions": "8"}) as made:
        made.load_sample()
        made.psql(KEEPER_SETUP.format(password=made.password), database=sample.DATABASE)
        yield made


@pytest.fixture
def daypass(server: Postgres, tmp_path: Path) -> Iterator[Daypass]:
    with Lending(tmp_path / "gateway", server) as made:
        yield made


def logins(server: Postgres) -> list[str]:
    return [name for (name,) in server.execute("select rolname from pg_roles where rolname ~ '^daypass_'")]


def gone(server: Postgres, name: str, seconds: float = 15.0) -> None:
    until(lambda: True if name not in logins(server) else None, f"{name} to be gone", seconds)


def test_a_session_works_under_its_own_login_and_the_login_goes(daypass: Daypass) -> None:
    granted = daypass.grant()
    name = login_name(granted.grant)
    assert logins(daypass.server) == []
    assert daypass.psql("select session_user").stdout.strip() == name
    assert daypass.psql("update orders set note = 'x' where id = 1").returncode == 0
    assert logins(daypass.server) == [name]
    daypass.say(ANA, "return", granted.grant)
    assert logins(daypass.server) == []
    (issued,) = daypass.wait_entries("credential.issued", grant=granted.grant)
    assert issued["body"]["user"] == name and issued["body"]["member_of"] == ["app_rw"]
    (withdrawn,) = daypass.wait_entries("credential.withdrawn", grant=granted.grant)
    assert withdrawn["body"]["seen"]["backends_left"] == 0
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    assert {"logins_refused", "terminated", "dropped"} <= set(ended["body"]["credential"]["steps_us"])
    assert "withdrawn" in ended["body"]["steps_ms"]
    daypass.server.execute("update orders set note = null where id = 1", database="orders")


def test_the_deadline_stops_the_work_and_takes_the_login(daypass: Daypass) -> None:
    granted = daypass.grant("write", "3s")
    said = daypass.psql("update orders set note = 'late' where pg_sleep(0.01) is not null")
    assert said.returncode == 2 and "FATAL" in said.stderr and granted.grant in said.stderr
    gone(daypass.server, login_name(granted.grant))
    assert daypass.server.execute("select count(*) from orders where note = 'late'", database="orders") == [(0,)]
    daypass.wait_entries("grant.ended", grant=granted.grant)


def test_a_crash_leaves_no_login_of_a_grant_that_is_over(daypass: Daypass) -> None:
    granted = daypass.grant("write", "4s")
    client = daypass.start_client(*daypass.psql_argv("select pg_sleep(600)"))
    until(lambda: logins(daypass.server) or None, "the login")
    until(lambda: [1 for _, state, _q in daypass.server.backends() if state == "active"] or None, "the work")
    daypass.kill()
    client.communicate(timeout=20)
    time.sleep(4)
    daypass.start()
    gone(daypass.server, login_name(granted.grant), 60)
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    assert ended["body"]["credential"]["seen"]["backends_left"] == 0


def test_nobody_else_uses_the_login(daypass: Daypass) -> None:
    """The session gives its login another password, and comes back past the gateway with it."""
    granted = daypass.grant()
    name = login_name(granted.grant)
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        session.execute(f"alter role {name} password 'mine now'")
        where = f"host=127.0.0.1 port={daypass.server.port} dbname=orders user={name} password='mine now'"
        with psycopg.connect(where, autocommit=True) as stranger:
            until(lambda: daypass.entries("credential.drift") or None, "the stranger to be reported", 40)
            with pytest.raises(psycopg.OperationalError):
                stranger.execute("select 1")
        assert session.execute("select 1").fetchone() == (1,)
    (drift,) = daypass.entries("credential.drift")
    assert drift["body"] == {"kind": "stranger", "user": name}
    daypass.restart()  # a start signs in with every login
    daypass.wait_entries("credential.changed", grant=granted.grant)
    until(lambda: True if daypass.psql("select 1").returncode == 0 else None, "the login to be put right")
    daypass.say(ANA, "return", granted.grant)


def test_a_login_that_nobody_has_a_grant_for_is_reported(daypass: Daypass) -> None:
    name = "daypass_" + "ab" * 16
    daypass.server.execute(f"create role {name} login")
    try:
        (drift,) = daypass.wait_entries("credential.drift")
        assert drift["body"] == {"kind": "orphan", "user": name}
    finally:
        daypass.server.execute(f"drop role {name}")


def test_what_cannot_be_taken_away_is_an_alarm_until_it_can(daypass: Daypass) -> None:
    granted = daypass.grant()
    daypass.psql("create table kept (n int)")
    with psycopg.connect(daypass.server.url("admin", "orders")) as other:
        other.execute("lock table kept")
        daypass.unconfirmed(BEN, "revoke", granted.grant, "--reason", "enough")
        (alarm,) = daypass.wait_entries("grant.end_unconfirmed", grant=granted.grant)
        assert alarm["body"]["credential"]["seen"]["terminated"] >= 0
    daypass.wait_entries("grant.ended", grant=granted.grant)
    gone(daypass.server, login_name(granted.grant))
    daypass.server.execute("drop table kept", database="orders")


def valid_until(server: Postgres, name: str) -> int:
    sql = f"select (extract(epoch from rolvaliduntil) * 1000)::int8 from pg_roles where rolname = '{name}'"
    return int(server.execute(sql)[0][0])


def test_an_extension_moves_the_logins_deadline_and_nobody_elses(daypass: Daypass) -> None:
    granted = daypass.grant("write", "8s")
    name = login_name(granted.grant)
    static = daypass.server.execute("select rolname, rolvaliduntil from pg_roles where rolname ~ '^app_' order by 1")
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        before = valid_until(daypass.server, name)
        asked = daypass.object(ANA, "extend", granted.grant, "--by", "1m", "--reason", "not done yet")
        assert valid_until(daypass.server, name) == before  # what waits for a vote moves nothing
        daypass.say(BEN, "approve", asked["id"])
        until(lambda: True if valid_until(daypass.server, name) == before + 60_000 else None, "its deadline to move")
        time.sleep(max(0.0, before / 1000 + 0.5 - time.time()))
        assert session.execute("select 1").fetchone() == (1,)
        assert daypass.psql("select 1").returncode == 0  # the login opens another one after its first deadline
    now = daypass.server.execute("select rolname, rolvaliduntil from pg_roles where rolname ~ '^app_' order by 1")
    assert now == static
    daypass.say(ANA, "return", granted.grant)


def test_preparing_a_transaction_is_refused(daypass: Daypass) -> None:
    granted = daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        session.execute("begin")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            session.execute("prepare transaction 'late'")
        session.execute("rollback")
        assert session.execute("select 1").fetchone() == (1,)
    daypass.say(ANA, "return", granted.grant)


def test_check_prints_the_lines_for_pg_hba(daypass: Daypass) -> None:
    done = daypass.run(None, "check")
    assert "orders makes a login for each grant." in done.stdout
    assert "127.0.0.1/32  scram-sha-256" in done.stdout
    assert "reject" in done.stdout
    before_16 = int(daypass.server.execute("show server_version_num")[0][0]) < 160_000
    assert ("CREATE ROLE daypass_logins NOLOGIN" in done.stdout) is before_16
    assert done.returncode == (1 if before_16 else 0)
