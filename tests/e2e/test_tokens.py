"""A token for one target, its last use, and that revoking it ends the psql that it opened."""

from __future__ import annotations

import json

from daypass.cli.demo.gateway import ANA, BEN
from tests.e2e.conftest import Starting
from tests.servers.postgres import Postgres


def test_revoking_a_token_ends_the_session_that_it_opened(postgres_15: Postgres, starting: Starting) -> None:
    daypass = starting(postgres_15)
    grant = daypass.grant("write").grant
    made = daypass.object(ANA, "token", "new", "--scope", "connect:orders", "--for", "1h", "--label", "laptop")
    env = {"PGPASSWORD": made["token"]}
    assert daypass.psql("select 1", target="orders:write", env=env).returncode == 0
    client = daypass.start_client(*daypass.psql_argv("select pg_sleep(60)", target="orders:write"), env=env)
    daypass.wait_entries("session.opened", 2)
    (kept,) = [one for one in daypass.object(ANA, "tokens") if one["id"] == made["id"]]
    assert kept["label"] == "laptop" and kept["last_used_from"].startswith("127.0.0.1:") and "token" not in kept
    assert daypass.run(BEN, "token", "revoke", made["id"]).returncode == 1
    done = daypass.object(ANA, "token", "revoke", made["id"][-8:])
    assert len(done["sessions"]) == 1 and done["unconfirmed"] == []
    _, told = client.communicate(timeout=60)
    assert client.returncode != 0 and "revoked" in told, told
    assert daypass.server.backends("app_rw") == []
    refused = daypass.psql("select 1", target="orders:write", env=env)
    assert refused.returncode != 0 and "authentication failed" in refused.stderr
    assert daypass.object(ANA, "show", grant)["state"] == "ACTIVE"
    assert daypass.psql("select 1", target="orders:write").returncode == 0
    only = daypass.object(ANA, "token", "new", "--scope", "api")
    wrong = daypass.psql("select 1", target="orders:write", env={"PGPASSWORD": only["token"]})
    assert "this token is not good for connect:orders" in wrong.stderr
    assert json.loads(daypass.say(ANA, "token", "revoke", "--all", "--json"))["state"] == "REVOKED"
    assert "nobody holds this token" in daypass.run(ANA, "whoami").stderr
    log = "".join(entry.decode() for entry in daypass.published())
    assert made["token"] not in log and only["token"] not in log
