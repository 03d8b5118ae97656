"""Exports of a real gateway: everything that happens arrives, in order, also what happened while nobody received."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from daypass.cli.demo.gateway import Setup
from tests.e2e.conftest import Starting
from tests.ledger.exporting.receivers import Receiver
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

SETTINGS = """\
exports:
  - {{ name: hook, to: 'http://127.0.0.1:{hook}/in', form: entries }}
  - {{ name: siem, to: 'syslog+tcp://127.0.0.1:{siem}', form: ocsf, types: [grant.*] }}
"""


class Receivers:
    """A web server and a syslog server in a thread of their own."""

    def __init__(self) -> None:
        self.hook, self.siem = Receiver(), Receiver()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def start(self) -> None:
        self._do(self.hook.start(self.hook.http))
        self._do(self.siem.start(self.siem.syslog))

    def stop(self) -> None:
        self._do(self.hook.stop())
        self._do(self.siem.stop())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _do(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)  # type: ignore[arg-type]

    def arrived(self) -> list[int]:
        """The indexes that the webhook got, each once, in the order of their first arrival."""
        return list(dict.fromkeys(json.loads(one)["index"] for one in list(self.hook.messages)))


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    made = Receivers()
    yield made
    made.close()


def caught_up(daypass: Daypass, receivers: Receivers, type: str) -> list[int]:
    (entry, *_) = reversed(daypass.wait_entries(type))

    def look() -> list[int] | None:
        known = {json.loads(one)["entry"]["id"] for one in list(receivers.hook.messages)}
        return receivers.arrived() if entry["id"] in known else None

    return until(look, f"{type} at the webhook", 20)


def test_everything_arrives_in_order(postgres_15: Postgres, starting: Starting, receivers: Receivers) -> None:
    receivers.start()
    extra = SETTINGS.format(hook=receivers.hook.port, siem=receivers.siem.port)
    daypass = starting(postgres_15, Setup(extra=extra))
    asked = daypass.grant()
    daypass.psql("select 1")
    found = caught_up(daypass, receivers, "session.ended")
    assert found == list(range(len(found)))
    receivers.hook.broken = receivers.siem.broken = True
    receivers.stop()
    daypass.psql("select 2")
    daypass.say(None, "people", "token", "ben@acme.test")
    daypass.wait_entries("statement.completed", 2)
    daypass.restart()
    receivers.hook.broken = receivers.siem.broken = False
    receivers.start()
    daypass.say(None, "people", "token", "ben@acme.test")
    found = caught_up(daypass, receivers, "token.issued")
    assert found == list(range(len(found)))
    assert len([raw for raw in daypass.published() if json.loads(raw)["type"] == "ledger.started"]) == 2
    events = until(lambda: list(receivers.siem.messages) or None, "an event at the syslog server", 20)
    told = [json.loads(one[one.index(b"{") :]) for one in events]
    assert {one["message"].split(".")[0] for one in told} == {"grant"}
    assert told[0]["unmapped"]["entry"]["grant"] == asked.grant
    leaves = {json.loads(one)["index"]: json.loads(one)["leaf"] for one in receivers.hook.messages}
    assert all(leaves[one["metadata"]["sequence"]] == one["unmapped"]["log_leaf"] for one in told)
