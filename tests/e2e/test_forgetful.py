"""The machine stops: `kill -9` of a gateway whose disks forget what was not synced (tests/servers/forgetful.py).

The judge is the database server's own log, as in test_crash. `DAYPASS_CRASH_POINTS` says how many points.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass.cli.demo.gateway import Setup
from tests.e2e.test_crash import POINTS, Judge, crash
from tests.e2e.test_ledger_crash import Watcher, Work, check
from tests.servers import forgetful as disks
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

LOSSES_TRIED = 20
"""Crashes of a gateway that does not sync, until one of them has lost something: nearly every one does."""


class Forgetful(Daypass):
    """Its disks have what was synced, and by chance some of the rest."""

    warmed = False

    def serving(self) -> list[str]:
        return [sys.executable, "-P", disks.__file__]


@pytest.fixture
def forgetful(own_postgres: Postgres, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Forgetful]:
    setup = Setup(durability=request.param)
    with Forgetful(tmp_path / "gateway", own_postgres, setup) as daypass:
        daypass.grant("write", "4h")
        yield daypass


@pytest.mark.timeout(120 + 10 * POINTS)
@pytest.mark.parametrize("forgetful", ["synced"], indirect=True)
def test_synced_means_that_no_machine_forgets_it(own_postgres: Postgres, forgetful: Forgetful) -> None:
    chance, judge = random.Random(POINTS), Judge(own_postgres, forgetful)
    for _ in range(max(3, POINTS // 2)):
        crash(forgetful, chance.uniform(0.3, 1.2))
        reached = judge.judge()
    assert reached > 0
    until(lambda: True if not forgetful.sessions("--live") else None, "no session to be open")
    forgetful.wait_entries("session.ended", len(forgetful.sessions()))
    forgetful.verify()


@pytest.mark.timeout(120 + 10 * POINTS)
@pytest.mark.parametrize("forgetful", ["synced"], indirect=True)
def test_no_checkpoint_that_was_served_is_forgotten(forgetful: Forgetful, tmp_path: Path) -> None:
    chance, answered, kept = random.Random(POINTS + 1), set[str](), dict[bytes, None]()
    for _ in range(max(3, POINTS // 4)):
        with Watcher(forgetful) as watcher:
            with Work(forgetful) as work:
                until(lambda: len(watcher.kept) > 1 or None, "the log to grow")
                until(lambda: work.answered or None, "an answer")
                time.sleep(chance.uniform(0.0, 0.6))
                forgetful.kill()
            forgetful.start()
        answered |= work.answered
        kept |= watcher.kept
    forgetful.wait_entries("session.ended", len(forgetful.sessions()))
    check(forgetful, answered, kept, tmp_path)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("forgetful", ["written"], indirect=True)
def test_these_disks_do_forget(own_postgres: Postgres, forgetful: Forgetful) -> None:
    """`written` promises nothing of a machine that stops: if nothing were ever lost here, the tests above showed
    nothing."""
    judge = Judge(own_postgres, forgetful)
    for _ in range(LOSSES_TRIED):
        crash(forgetful, 0.6)
        _, missing = judge.look()
        if missing:
            return
    pytest.fail(f"{LOSSES_TRIED} crashes without a sync lost nothing")
