"""Sessions while they last, as the command line shows them: lists, the story of a grant, and one that is watched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO
from tests.e2e.conftest import Starting
from tests.servers.daypass import CLIENT_SECONDS_MAX, Daypass, Granted
from tests.servers.postgres import Postgres


@pytest.fixture
def daypass(postgres_15: Postgres, starting: Starting) -> Daypass:
    return starting(postgres_15)


@pytest.fixture
def granted(daypass: Daypass) -> Granted:
    return daypass.grant()


@contextmanager
def watching(daypass: Daypass, session: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    watcher = subprocess.Popen(
        [sys.executable, "-m", "daypass", "watch", session, *more],
        env=daypass.environment(CLEO),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield watcher
    finally:
        watcher.kill()
        watcher.communicate()


def read_until(watcher: subprocess.Popen[str], text: str) -> str:
    """The line that has it; what a watcher that ended instead printed is told."""
    assert watcher.stdout is not None and watcher.stderr is not None
    for line in watcher.stdout:
        if text in line:
            return line
    raise AssertionError(watcher.stderr.read())


def test_a_session_is_watched_to_its_end(daypass: Daypass, granted: Granted) -> None:
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        connection.execute("select 'before'")
        (session,) = daypass.sessions("--live")
        with watching(daypass, session["id"]) as watcher:
            read_until(watcher, "select 'before'")
            connection.execute("select 'while\x1b[2J'")
            assert "\x1b" not in read_until(watcher, "select 'while")
            connection.close()
            _, told = watcher.communicate(timeout=CLIENT_SECONDS_MAX)
    assert watcher.returncode == 0 and told.startswith("-- orders:write, ana@acme.test, ended")
    with watching(daypass, session["id"], "--raw") as watcher:
        raw, _ = watcher.communicate(timeout=CLIENT_SECONDS_MAX)
    assert raw.splitlines() == daypass.cast(session["id"])


def test_who_stops_watching_ends_nothing(daypass: Daypass, granted: Granted) -> None:
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        connection.execute("select 1")
        (session,) = daypass.sessions("--live")
        with watching(daypass, session["id"]) as watcher:
            read_until(watcher, "select 1")
            watcher.send_signal(2)
            _, told = watcher.communicate(timeout=CLIENT_SECONDS_MAX)
        assert (watcher.returncode, told) == (130, "")
        assert connection.execute("select 2").fetchone() == (2,)


def test_what_is_not_counted_yet_is_not_shown_as_none(daypass: Daypass, granted: Granted) -> None:
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        connection.execute("select 1")
        assert daypass.say(CLEO, "sessions", "--live").splitlines()[-1].split()[-1] == "…"


def test_the_story_of_a_grant_says_where_it_is_cut(daypass: Daypass, granted: Granted) -> None:
    for _ in range(3):
        assert daypass.psql("select 1").returncode == 0
    for what in (granted.grant, granted.request):
        cut = daypass.run(BEN, "show", what, "--limit", "2")
        assert cut.stdout.count(" opened from ") == 2
        assert cut.stderr == "daypass: only the newest 2 sessions are shown\n  more of them: --limit 4\n"
        whole = daypass.run(BEN, "show", what)
        assert (whole.stdout.count(" opened from "), whole.stderr) == (3, "")
    first = daypass.sessions()[-1]["id"]
    (shown,) = daypass.object(ANA, "show", first, "--limit", "1")["session_objects"]
    assert shown["id"] == first
