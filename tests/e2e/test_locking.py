"""Security shuts a target while somebody works on it: a real `serve`, a real server, psql."""

from __future__ import annotations

from daypass.cli.demo.gateway import ANA, BEN, CLEO, PEOPLE, Member, Setup
from tests.e2e.conftest import Starting
from tests.servers.postgres import Postgres

SAM = Member("Sam", "sam@acme.test", ("security",))


def test_a_lock_ends_what_runs_and_says_why_to_who_comes(postgres_15: Postgres, starting: Starting) -> None:
    daypass = starting(postgres_15, Setup(people=(*PEOPLE, SAM)))
    daypass.grant("write")
    assert daypass.psql("select 1", target="orders:write").returncode == 0
    client = daypass.start_client(*daypass.psql_argv("select pg_sleep(60)", target="orders:write"))
    daypass.wait_entries("session.opened", 2)
    made = daypass.object(SAM, "lock", "target", "orders", "--for", "1h", "--reason", "strange writes")
    assert made["state"] == "LOCKED" and len(made["ended"]) == 1 and made["unconfirmed"] == []
    _, told = client.communicate(timeout=60)
    assert client.returncode != 0 and "locked" in told, told
    assert daypass.server.backends("app_rw") == []
    refused = daypass.psql("select 1", target="orders:write")
    assert refused.returncode != 0 and "orders is locked until" in refused.stderr and "strange writes" in refused.stderr
    assert daypass.run(ANA, "lock", "everything", "--for", "1h", "--reason", "x").returncode == 1
    assert daypass.run(ANA, "locks").returncode == 1
    assert "strange writes" in daypass.say(CLEO, "locks")
    daypass.say(SAM, "unlock", made["id"], "--reason", "it was a drill")
    daypass.grant("write")
    assert daypass.psql("select 1", target="orders:write").returncode == 0
    daypass.say(SAM, "lock", "person", BEN.email, "--for", "1h", "--reason", "laptop stolen")
    assert "laptop stolen" in daypass.run(BEN, "whoami").stderr
    daypass.wait_entries("lock.set", 2)
    daypass.verify()
