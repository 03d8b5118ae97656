"""The time of day is stepped by an hour, forwards and backwards, under a running gateway: no deadline moves.

Only what the process reads is changed: nobody may set the clock of a machine that others use."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

HOUR_NS = 3_600_000_000_000
GRANTED_SECONDS = 12
WAITED_SECONDS = 60
"""For the deadline, on a busy machine; a deadline that had moved would be an hour away."""

SERVING = """
import runpy, sys, time
file, real = sys.argv.pop(1), time.time_ns
def stepped():
    with open(file) as step:
        return real() + int(step.read())
time.time_ns, time.time = stepped, lambda: stepped() / 1e9
runpy.run_module("daypass", run_name="__main__", alter_sys=True)
"""
"""`daypass`, where the time of day is what the machine says and what a file adds to that."""


class Stepped(Daypass):
    """A gateway whose time of day a test can step, as an administrator or a host can."""

    warmed = False

    def serving(self) -> list[str]:
        self.step(0)
        return [sys.executable, "-c", SERVING, str(self.home / "step"), "serve"]

    def step(self, ns: int) -> None:
        new = self.home / "step.new"
        new.write_text(str(ns))
        new.replace(self.home / "step")


@pytest.mark.parametrize("first", [HOUR_NS, -HOUR_NS])
def test_a_step_of_an_hour_moves_no_deadline(postgres_15: Postgres, tmp_path: Path, first: int) -> None:
    with Stepped(tmp_path / "gateway", postgres_15) as daypass:
        daypass.token(ANA)
        granted = daypass.grant("write", f"{GRANTED_SECONDS}s")
        with psycopg.connect(daypass.dsn(), autocommit=True) as session:
            for step in (first, -first):
                daypass.step(step)
                time.sleep(2)  # deadlines are compared with the clock, and swept, every second
                assert session.execute("select 1").fetchone() == (1,)
            until(lambda: True if not daypass.server.backends("app_rw") else None, "the deadline", WAITED_SECONDS)
        (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
        assert ended["body"]["reason"] == "expired"
