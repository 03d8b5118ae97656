"""A commit that is in flight when access ends is told as that: the server had decided, and nobody can take it back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daypass.cli.demo.gateway import BEN
from tests.e2e.conftest import Starting
from tests.servers.postgres import Postgres

COMMIT = "update orders set note = 'in flight' where id = 1"


@pytest.fixture(params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    make = Postgres.debian if request.param == "15" else Postgres.wheel
    with make({"track_commit_timestamp": "on"}) as made:
        yield made.load_sample()


def test_a_commit_that_waits_for_a_standby(server: Postgres, starting: Starting) -> None:
    daypass = starting(server)
    granted = daypass.grant()
    server.setting("synchronous_standby_names", "nobody")  # from here on no commit is answered
    try:
        client = daypass.start_client(*daypass.psql_argv(COMMIT))
        server.wait_for("select count(*) from pg_stat_activity where wait_event = 'SyncRep'", 1)
        daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
        _, said = client.communicate(timeout=20)
    finally:
        server.setting("synchronous_standby_names", None)
    assert "FATAL" in said and granted.grant in said
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    (session,) = ended["body"]["sessions"]
    assert (session["was"], session["outcome"], session["read_back"]) == ("committing", "committed", "gone")
    assert "its changes committed" in daypass.say(BEN, "show", granted.grant)
    ((note, committed_ms),) = server.execute(
        "select note, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::int8 from orders where id = 1",
        database="orders",
    )
    assert note == "in flight"
    assert committed_ms <= ended["t"] - ended["body"]["ms"] + ended["body"]["steps_ms"]["work_stopped"] + 1
