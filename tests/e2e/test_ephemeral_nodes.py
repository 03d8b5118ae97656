"""Logins made for grants, with two gateways on one store: both use them, either ends them, a dead one leaves none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import ANA, BEN, Setup
from daypass.credentials.logins import login_name
from tests.credentials.conftest import KEEPER_SETUP
from tests.e2e.test_ephemeral import Lending, gone, logins
from tests.e2e.test_nodes import LONG, Pair
from tests.servers.daypass import until
from tests.servers.postgres import Postgres

CLOSED_SECONDS_MAX = 30
WITHDRAWN_SECONDS_MAX = 60
"""What issue and docs promise of a node that is killed: no session listed as open, no login left."""


@pytest.fixture(scope="module", params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    make = Postgres.debian if request.param == "15" else Postgres.wheel
    with make() as made:
        made.load_sample()
        made.psql(KEEPER_SETUP.format(password=made.password), database=sample.DATABASE)
        yield made


@pytest.fixture
def pair(server: Postgres, tmp_path: Path) -> Iterator[Pair]:
    with Postgres.copied() as store:
        url = store.create_database("daypass")
        one, two = (
            Lending(tmp_path / name, server, Setup(store=url, extra=f"node: {name}\n")) for name in ("one", "two")
        )
        with one, two:
            yield Pair(one, two, store, server)


def test_both_nodes_share_the_login_and_one_takes_it_away(pair: Pair) -> None:
    granted = pair.one.grant()
    name = login_name(granted.grant)
    with (
        psycopg.connect(pair.one.dsn(), autocommit=True) as here,
        psycopg.connect(pair.two.dsn(), autocommit=True) as there,
    ):
        assert here.execute("select session_user").fetchone() == there.execute("select session_user").fetchone()
        time.sleep(12)  # a look for strangers, by both: each knows the other's session as ours
        assert there.execute("select session_user").fetchone() == (name,)
        pair.two.say(BEN, "revoke", granted.grant, "--reason", "enough")
        assert logins(pair.target) == []
        for session in (here, there):
            with pytest.raises(psycopg.OperationalError):
                session.execute("select 1")
    (ended,) = pair.one.wait_entries("grant.ended", grant=granted.grant)
    assert ended["body"]["session_count"] == 2 and ended["body"]["credential"]["seen"]["backends_left"] == 0
    assert len(pair.one.entries("credential.issued", grant=granted.grant)) == 1
    assert pair.one.entries("credential.drift") == []


def test_a_killed_node_leaves_no_session_and_no_login(pair: Pair) -> None:
    granted = pair.one.grant()
    name = login_name(granted.grant)
    client = pair.two.start_client(*pair.two.psql_argv(LONG))
    until(lambda: [1 for _, state, _q in pair.target.backends(name) if state == "active"] or None, "the work")
    assert pair.live() == ["two"]
    pair.two.kill()
    killed = time.monotonic()
    until(lambda: True if not pair.live() else None, "its session to be closed", CLOSED_SECONDS_MAX)
    gone(pair.target, name, WITHDRAWN_SECONDS_MAX - (time.monotonic() - killed))
    assert pair.target.backends(name) == []
    count = "select count(*) from orders where note = 'rewritten'"
    assert pair.target.execute(count, database="orders") == [(0,)]
    client.communicate(timeout=20)
    # The grant is still Ana's: its next session has a login again.
    assert pair.one.psql("select session_user").stdout.strip() == name
    pair.one.say(ANA, "return", granted.grant)
    assert logins(pair.target) == []


def test_a_node_that_is_killed_while_its_grant_expires(pair: Pair) -> None:
    granted = pair.one.grant("write", "6s")
    name = login_name(granted.grant)
    client = pair.two.start_client(*pair.two.psql_argv(LONG))
    until(lambda: pair.target.backends(name) or None, "the work")
    pair.two.kill()
    gone(pair.target, name, WITHDRAWN_SECONDS_MAX)
    until(lambda: True if not pair.live() else None, "its session to be closed", CLOSED_SECONDS_MAX)
    (ended,) = pair.one.wait_entries("grant.ended", grant=granted.grant)
    assert ended["body"]["reason"] == "expired" and not ended["body"]["unconfirmed"]
    client.communicate(timeout=20)
