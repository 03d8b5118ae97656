"""A policy that is changed while we run is in force at once, and ends what it would not give any more."""

from __future__ import annotations

import os
import signal

import psycopg
import pytest

from daypass.cli.demo.gateway import POLICY
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

TIGHTER = POLICY.replace("roles: [read, write]", "roles: [read]").replace(
    "role: write, for: 30m, then: { needs: 1, never: ana@acme.test }", "role: write, for: 30m, then: refused"
)
"""Nobody gets `write` any more."""


@pytest.mark.parametrize("how", ["file", "SIGHUP"])
def test_a_tighter_policy_ends_what_it_would_not_give(postgres_15: Postgres, starting: Starting, how: str) -> None:
    daypass = starting(postgres_15)
    granted = daypass.grant()
    policy = daypass.home / "policies" / "payments.yaml"
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        session.execute("select 1")
        write(daypass, policy.read_text() + "# nothing else\n", "file")
        daypass.wait_entries("policy.changed", 2)
        assert session.execute("select 1").fetchone() == (1,)
        write(daypass, TIGHTER, how)
        (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
        assert ended["body"]["reason"] == "policy tightened"
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
    (cut,) = daypass.wait_entries("session.ended", grant=granted.grant)
    assert cut["body"]["reason"] == "policy tightened"
    assert daypass.server.backends("app_rw") == []


UNMET = POLICY.replace("role: read, for: 30m, ticket: INC-7, then: automatic", "role: read, for: 30m, then: automatic")


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("policy: [", "the policies do not load"),
        (UNMET, "expect"),
        (POLICY + "---\n", "the policies do not load"),
        (POLICY.replace("[group:payments-oncall]", "[group:payments-oncall]\n    whom: [x]", 1), "whom"),
    ],
    ids=["no YAML", "a case that does not come out", "two documents", "an unknown key"],
)
def test_a_policy_that_does_not_load_changes_nothing(
    postgres_15: Postgres, starting: Starting, policy: str, said: str
) -> None:
    daypass = starting(postgres_15)
    daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        write(daypass, policy, "SIGHUP")
        until(lambda: "the policies do not load" in daypass.log_tail() or None, "the log to say so")
        assert said in daypass.log_tail()
        assert session.execute("select 1").fetchone() == (1,)
    daypass.grant()  # what was in force decides
    assert len(daypass.wait_entries("policy.changed")) == 1, "the one of the first start"


def write(daypass: Daypass, policy: str, how: str) -> None:
    """Change the policy file: found by itself within two seconds, or at once with a signal."""
    (daypass.home / "policies" / "payments.yaml").write_text(policy)
    if how == "SIGHUP":
        os.kill(daypass.pid, signal.SIGHUP)
