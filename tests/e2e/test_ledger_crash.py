"""`kill -9` of a gateway that ships, numbers and publishes under load, while somebody outside collects checkpoints.

After every crash: no statement that a client was answered is missing from the log, no place is given twice, every
chain goes on, and every checkpoint that was ever served is a beginning of the log.

`DAYPASS_CRASH_POINTS` says how many points (`make soak`: 200).
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from daypass.cli.demo.gateway import Setup
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

POINTS = int(os.environ.get("DAYPASS_CRASH_POINTS", "10"))
CLIENTS = 4
_numbers = itertools.count()


class Work:
    """Clients that note what they were answered; none of it may be missing later."""

    def __init__(self, daypass: Daypass) -> None:
        self.answered: set[str] = set()
        self._url = daypass.dsn()
        self._stop = threading.Event()
        self._clients = [threading.Thread(target=self._work) for _ in range(CLIENTS)]

    def __enter__(self) -> Work:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for client in self._clients:
            client.join(20)
            assert not client.is_alive()

    def _work(self) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True) as connection:
                while not self._stop.is_set():
                    text = f"select {next(_numbers)}"
                    connection.execute(text)  # type: ignore[arg-type]
                    self.answered.add(text)
        except psycopg.Error:
            return


class Watcher:
    """Somebody outside who keeps every checkpoint that is served."""

    def __init__(self, daypass: Daypass) -> None:
        self.kept: dict[bytes, None] = {}
        self._port = daypass.web_port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            try:
                connection.request("GET", "/ledger/checkpoint")
                answer = connection.getresponse()
                raw = answer.read()
                if answer.status == 200:
                    self.kept[raw] = None
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()


def check(daypass: Daypass, answered: set[str], kept: dict[bytes, None], folder: Path) -> None:
    """Everything that must be true after a crash."""
    texts: Counter[str] = Counter()
    for session in daypass.sessions():
        texts.update(daypass.recorded(session["id"]))
    assert not answered - texts.keys(), f"{len(answered - texts.keys())} answered statements are not on record"
    entries = [json.loads(raw) for raw in daypass.published()]
    again = [id for id, count in Counter(entry["id"] for entry in entries).items() if count > 1]
    assert not again, f"entries stand in the log twice: {again[:3]}"
    statements = Counter(
        (entry["session"], entry["type"], entry["body"]["statement"])
        for entry in entries
        if entry["type"] in ("statement.submitted", "statement.completed")
    )
    assert not [one for one, count in statements.items() if count > 1]
    options = []
    for number, raw in enumerate(kept):
        (folder / f"{number}.checkpoint").write_bytes(raw)
        options += ["--checkpoint", str(folder / f"{number}.checkpoint")]
    assert "intact" in daypass.say(None, "ledger", "verify", str(daypass.data / "ledger"), *options)


@pytest.mark.timeout(180 + 15 * POINTS)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_log_that_is_killed_goes_on_as_one_log(
    own_postgres: Postgres, starting: Starting, tmp_path: Path, store: str
) -> None:
    setting = store if store == "sqlite" else own_postgres.create_database("crash")
    daypass = starting(own_postgres, Setup(store=setting, durability="written"))
    daypass.grant("write", "4h")
    chance, answered, kept = random.Random(POINTS), set[str](), dict[bytes, None]()
    for _ in range(max(1, POINTS // 4)):
        with Watcher(daypass) as watcher:
            with Work(daypass) as work:
                time.sleep(chance.uniform(0.2, 2.0))
                daypass.kill()
            daypass.start()
            time.sleep(chance.uniform(0.0, 0.6))
        answered |= work.answered
        kept |= watcher.kept
    assert len(answered) > 20 and len(kept) > 3
    daypass.wait_entries("session.ended", len(daypass.sessions()))
    until(lambda: True if not daypass.sessions("--live") else None, "no session to be open")
    check(daypass, answered, kept, tmp_path)


@pytest.mark.timeout(120 + 5 * POINTS)
def test_a_start_that_is_killed_can_be_repeated(own_postgres: Postgres, starting: Starting, tmp_path: Path) -> None:
    daypass = starting(own_postgres)
    daypass.grant("write", "4h")
    chance = random.Random(POINTS + 1)
    with Watcher(daypass) as watcher:
        with Work(daypass) as work:
            time.sleep(1.0)
            daypass.kill()
        for _ in range(max(2, POINTS // 4)):
            daypass.begin()
            time.sleep(chance.uniform(0.3, 1.6))
            daypass.kill()
        daypass.start()
    daypass.wait_entries("session.ended", CLIENTS)
    check(daypass, work.answered, watcher.kept, tmp_path)
