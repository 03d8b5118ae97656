"""`kill -9` at random points under load. The judge is the database server's own log: every statement that reached it
must have its record, the published log must be whole, and no session may stay open.

`DAYPASS_CRASH_POINTS` says how many points (`make soak`: 200).
"""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections import Counter

import psycopg
import pytest

from daypass.cli.demo.gateway import Setup
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

POINTS = int(os.environ.get("DAYPASS_CRASH_POINTS", "10"))
CLIENTS = 4
MARK = "/* crash"
"""Stands in every statement of the load, so that it is told from what Daypass itself asks the server."""

_numbers = itertools.count()


def work(url: str, stop: threading.Event, kind: int) -> None:
    """One client that sends statements until its connection breaks."""
    try:
        with psycopg.connect(url, autocommit=True, prepare_threshold=2 if kind == 1 else None) as connection:
            while not stop.is_set():
                _send(connection, kind)
    except psycopg.Error:
        pass


def _send(connection: psycopg.Connection, kind: int) -> None:
    n = next(_numbers)
    match kind:
        case 0:
            connection.execute(f"select {n} {MARK} {n} */")  # type: ignore[arg-type]
        case 1:
            connection.execute(f"select %s::int {MARK} prepared */", (n,))  # type: ignore[arg-type]
        case 2:
            with connection.pipeline():
                for m in range(10):
                    connection.execute(f"select %s::int {MARK} {n} {m} */", (m,))  # type: ignore[arg-type]
        case _:
            connection.execute(f"update orders set note = '{n}' where id = {n % 30_000} {MARK} {n} */")  # type: ignore[arg-type]


def crash(daypass: Daypass, seconds: float) -> None:
    """Load for so long, then `kill -9`, then up again."""
    stop = threading.Event()
    clients = [threading.Thread(target=work, args=(daypass.dsn(), stop, kind)) for kind in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(seconds)
    daypass.kill()
    stop.set()
    for client in clients:
        client.join(20)
        assert not client.is_alive()
    daypass.start()


class Judge:
    """Compares the server's log with the record. Nothing is read twice, of however many crashes."""

    def __init__(self, server: Postgres, daypass: Daypass) -> None:
        self.server = server
        self.daypass = daypass
        self.lines = 0
        self.reached = 0
        self.sessions: set[str] = set()
        self.unmatched: Counter[str] = Counter()
        """Of each text, how much more often it reached the server than it is on record."""

    def judge(self) -> int:
        """Every statement that reached the server has its record; how many there are."""
        reached, missing = self.look()
        assert not missing, f"{missing.total()} statements reached the server unrecorded: {list(missing)[:3]}"
        return reached

    def look(self) -> tuple[int, Counter[str]]:
        """How many statements reached the server, and which of them have no record."""
        self.server.settle()
        lines = self.server.log(self.lines)
        self.lines += len(lines)
        texts = [text for line in lines if (text := line.statement(user="app_rw")) is not None and MARK in text]
        self.reached += len(texts)
        self.unmatched.update(texts)
        for session in self.daypass.sessions():
            if session["id"] not in self.sessions:
                self.sessions.add(session["id"])
                self.unmatched.subtract(text for text in self.daypass.recorded(session["id"]) if MARK in text)
        self.unmatched = Counter({text: count for text, count in self.unmatched.items() if count})
        return self.reached, +self.unmatched


@pytest.mark.timeout(120 + 10 * POINTS)
@pytest.mark.parametrize("durability", ["written", "synced"])
def test_every_statement_that_reached_the_server_has_its_record(
    own_postgres: Postgres, starting: Starting, durability: str
) -> None:
    daypass = starting(own_postgres, Setup(durability=durability))
    daypass.grant("write", "4h")
    chance, judge = random.Random(POINTS), Judge(own_postgres, daypass)
    for _ in range(max(1, POINTS // 2)):
        crash(daypass, chance.uniform(0.15, 0.9))
        reached = judge.judge()
    assert reached > 0
    until(lambda: True if not daypass.sessions("--live") else None, "no session to be open")
    assert {(s["state"], s["end_reason"]) for s in daypass.sessions()} <= {
        ("CUT", "recovered"),
        ("ENDED", "client left"),
    }
    until(lambda: True if not own_postgres.backends("app_rw") else None, "no backend to be left")
    daypass.wait_entries("session.ended", len(daypass.sessions()))
    daypass.verify()
