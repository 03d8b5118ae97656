"""Transactions that a session prepares: refused, unless the target allows it; then on record, and rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import ANA, BEN, Setup
from tests.credentials.conftest import KEEPER_SETUP
from tests.e2e.test_ephemeral import Lending
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres

ALLOWED = Setup(target="    options: { allow_prepare_transaction: true }\n")


@pytest.fixture(scope="module", params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    make = Postgres.debian if request.param == "15" else Postgres.wheel
    with make({"max_prepared_transactions": "8"}) as made:
        made.load_sample()
        made.psql(KEEPER_SETUP.format(password=made.password), database=sample.DATABASE)
        yield made


@pytest.fixture(params=["static", "ephemeral"])
def daypass(request: pytest.FixtureRequest, server: Postgres, tmp_path: Path) -> Iterator[Daypass]:
    kind = Lending if request.param == "ephemeral" else Daypass
    with kind(tmp_path / "gateway", server, ALLOWED) as made:
        yield made


def prepare(url: str, gid: str, row: int) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("begin")
        session.execute(f"update orders set note = 'prepared' where id = {row}")
        session.execute(f"prepare transaction '{gid}'")


def prepared(server: Postgres) -> list[str]:
    return [gid for (gid,) in server.execute("select gid from pg_prepared_xacts order by gid")]


def test_what_a_session_prepared_is_on_record_and_rolled_back(daypass: Daypass) -> None:
    server = daypass.server
    granted = daypass.grant()
    prepare(daypass.dsn(), "one", 1)  # by a session that has left
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        session.execute("begin")
        session.execute("update orders set note = 'prepared' where id = 2")
        session.execute("prepare transaction 'it''s two'")
        daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
    assert prepared(server) == []
    assert server.execute("select count(*) from orders where note is not null", database="orders") == [(0,)]
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    assert ended["body"]["credential"]["seen"]["prepared_rolled_back"] == 2
    writes = [name for entry in daypass.entries("statement.submitted") for name in entry["body"].get("writes", ())]
    gone = [name for name in writes if name != "orders"]
    assert gone == ["prepared transaction one", "prepared transaction it's two"]
    assert "2 prepared transactions rolled back" in daypass.say(BEN, "show", granted.grant)


def test_what_another_one_prepared_is_left_alone_and_is_an_alarm(server: Postgres, tmp_path: Path) -> None:
    """Nobody can tell it from one of the session's that is not on record: the end is in doubt until it is gone."""
    prepare(server.url(sample.WRITER, sample.DATABASE), "before", 3)
    with Daypass(tmp_path / "gateway", server, ALLOWED) as daypass:
        granted = daypass.grant()
        assert daypass.psql("select 1").returncode == 0
        prepare(server.url(sample.WRITER, sample.DATABASE), "beside", 4)
        try:
            daypass.unconfirmed(ANA, "return", granted.grant)
            assert prepared(server) == ["before", "beside"]
            daypass.wait_entries("grant.end_unconfirmed", grant=granted.grant)
            assert "no session is on record for: beside" in daypass.say(BEN, "show", granted.grant)
        finally:
            for gid in ("beside", "before"):
                with psycopg.connect(server.url(sample.WRITER, sample.DATABASE), autocommit=True) as owner:
                    owner.execute(f"rollback prepared '{gid}'")
        daypass.wait_entries("grant.ended", grant=granted.grant)


def test_what_was_prepared_under_another_name_is_rolled_back_too(server: Postgres, tmp_path: Path) -> None:
    """Version 15 lets the login become its group, which then is the transaction's owner."""
    with Lending(tmp_path / "gateway", server, ALLOWED) as daypass:
        granted = daypass.grant()
        with psycopg.connect(daypass.dsn(), autocommit=True) as session:
            if session.info.server_version < 160_000:
                session.execute("set role app_rw")
            session.execute("begin")
            session.execute("update orders set note = 'prepared' where id = 5")
            session.execute("prepare transaction 'borrowed'")
        daypass.say(ANA, "return", granted.grant)
        assert prepared(server) == []
        daypass.wait_entries("grant.ended", grant=granted.grant)
