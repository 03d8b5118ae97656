"""What a session changes about logins is found when its grant ends, and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import BEN, LocalGateway
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres


class Powerful(Daypass):
    """A gateway whose `write` role has a login that can make others."""

    def _target(self) -> str:
        mild = f"{{ user: {sample.WRITER}, password: {{ file: password }}, effect: write }}"
        strong = "{ user: app_admin, password: { file: password }, effect: admin, dangerous: true }"
        written = LocalGateway._target(self)
        assert mild in written
        return written.replace(mild, strong)


@pytest.fixture(params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    make = Postgres.debian if request.param == "15" else Postgres.wheel
    with make() as made:
        yield made.load_sample()


def test_a_password_that_the_session_changed_keeps_the_end_unconfirmed(server: Postgres, tmp_path: Path) -> None:
    with Daypass(tmp_path / "gateway", server) as daypass:
        granted = daypass.grant()
        with psycopg.connect(daypass.dsn(), autocommit=True) as session:
            session.execute("alter role app_rw password 'mine now'")
        daypass.unconfirmed(BEN, "revoke", granted.grant, "--reason", "enough")
        daypass.wait_entries("grant.end_unconfirmed", grant=granted.grant)
        assert "login app_rw is not what we know any more" in daypass.say(BEN, "show", granted.grant)
        server.execute(f"alter role app_rw password '{server.password}'")
        (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
        assert ended["body"]["credential"]["seen"]["signed_in_afresh"] == 1


def test_logins_that_a_session_made_or_prolonged_are_named(server: Postgres, tmp_path: Path) -> None:
    server.execute(f"create role app_admin login createrole password '{server.password}'")
    server.execute("create role contractor login valid until '2020-01-01'")
    if int(server.execute("show server_version_num")[0][0]) >= 160_000:
        server.execute("grant contractor to app_admin with admin option")
    with Powerful(tmp_path / "gateway", server) as daypass:
        granted = daypass.grant()
        done = daypass.psql("create role back_door login password 'x'", "alter role contractor valid until 'infinity'")
        assert done.returncode == 0, done.stderr
        daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
        (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
        assert ended["body"]["credential"]["left"] >= 2
        shown = daypass.say(BEN, "show", granted.grant)
        assert "role back_door was made" in shown
        assert "role contractor was changed" in shown and "until infinity" in shown


TURNED = (
    "alter role app_rw set role = 'bystanders'",
    "alter role app_rw set jit_above_cost = 0",
    "alter role app_rw set default_transaction_read_only = on",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = session_user and pid <> pg_backend_pid()",
)
MINE = "update orders set note = 'mine' where pg_sleep(0.01) is not null"


def test_a_session_that_turns_its_own_login_against_the_end_is_ended(server: Postgres, tmp_path: Path) -> None:
    """It has whoever signs in next become a role that may signal nobody, and terminates who could have ended it."""
    server.execute("create role bystanders nologin; grant bystanders to app_rw")
    with Daypass(tmp_path / "gateway", server) as daypass:
        granted = daypass.grant()
        client = daypass.start_client(*daypass.psql_argv(*TURNED, MINE))
        daypass.server.wait_at_work(MINE)
        daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
        said = client.communicate(timeout=20)
        assert "FATAL" in said[1], said
        (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
        (one,) = ended["body"]["sessions"]
        assert (one["how"], one["read_back"]) == ("terminated at the target", "gone")
        assert server.execute("select count(*) from orders where note = 'mine'", database="orders") == [(0,)]
