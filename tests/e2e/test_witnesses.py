"""A gateway whose checkpoints real `daypass witness` processes cosign: what a quorum waits for, what it does not."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from daypass.cli.demo.gateway import ANA, Setup
from daypass.cli.demo.server import free_port
from daypass.ledger.durable import Disk
from daypass.ledger.note import Note, VerifierKey, cosigned_at, keypair
from daypass.ledger.signer import load_seed
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

SITE = "acme.test/demo"
SEED = bytes(range(32))


class Witness:
    """A `daypass witness` process of its own folder and port."""

    def __init__(self, home: Path, number: int, log: VerifierKey) -> None:
        self.port = free_port()
        self._argv = [sys.executable, "-m", "daypass", "witness", "--name", f"witness.test/{number}"]
        self._argv += ["--data", str(home / f"witness{number}"), "--log", str(log)]
        self._argv += ["--listen", f"127.0.0.1:{self.port}"]
        printed = subprocess.run([*self._argv, "--print-key"], capture_output=True, text=True, check=True, timeout=60)
        self.key = VerifierKey.parse(printed.stdout.strip())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(self._argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers, f"witness on port {self.port}", 30.0)

    def _answers(self) -> bool | None:
        try:
            with urllib.request.urlopen(f"{self.url}/vkey", timeout=2):
                return True
        except OSError:
            return None

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(20)


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[list[Witness]]:
    """Two, running, that watch the log whose key `made` makes."""
    log, _ = keypair(SITE, SEED)
    with ExitStack() as stack:
        found = [Witness(tmp_path, number, log) for number in (1, 2)]
        for witness in found:
            witness.start()
            stack.callback(witness.stop)
        yield found


def made(witnesses: list[Witness], starting: Starting, server: Postgres, tmp_path: Path, quorum: int) -> Daypass:
    """A gateway with a key that its witnesses know already."""
    keys = tmp_path / "gateway" / "data" / "keys"
    keys.mkdir(mode=0o700, parents=True)
    load_seed(keys / "ledger.key", Disk(), SEED)
    listed = ", ".join(f"{{ vkey: {witness.key}, url: '{witness.url}' }}" for witness in witnesses)
    return starting(server, Setup(extra=f"ledger: {{ witnesses: [ {listed} ], quorum: {quorum} }}\n"))


def cosigned(daypass: Daypass, witnesses: list[Witness]) -> set[str]:
    """Who cosigned the published checkpoint."""
    note = Note.parse((daypass.data / "ledger" / "checkpoint").read_bytes())
    return {key.name for key, _ in cosigned_at(note, tuple(witness.key for witness in witnesses))}


def health(daypass: Daypass) -> dict[str, Any]:
    with urllib.request.urlopen(f"{daypass.web}/healthz", timeout=10) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def ask(daypass: Daypass) -> dict[str, Any]:
    asked: dict[str, Any] = daypass.object(
        ANA, "request", "orders", "--role", "write", "--for", "1h", "--reason", "for a test"
    )
    return asked


def test_what_is_published_is_cosigned_by_the_quorum(
    postgres_15: Postgres, starting: Starting, witnesses: list[Witness], tmp_path: Path
) -> None:
    daypass = made(witnesses, starting, postgres_15, tmp_path, 2)
    asked = ask(daypass)
    out = tmp_path / "asked.tlog-proof"
    daypass.say(ANA, "ledger", "receipt", asked["entry"], "--wait", "10s", "--out", str(out))
    assert cosigned(daypass, witnesses) == {"witness.test/1", "witness.test/2"}
    assert "witness.test/2" in out.read_text(), "the receipt has the cosignatures"
    options = [part for witness in witnesses for part in ("--witness", str(witness.key))]
    said = daypass.say(None, "ledger", "verify", f"{daypass.web}/ledger", *options, "--checkpoint", str(out))
    assert said.count("cosigned by") == 2
    assert health(daypass)["warnings"] == []


def test_a_witness_that_the_quorum_does_not_need_holds_up_nothing(
    postgres_15: Postgres, starting: Starting, witnesses: list[Witness], tmp_path: Path
) -> None:
    daypass = made(witnesses, starting, postgres_15, tmp_path, 1)
    witnesses[1].stop()
    asked = ask(daypass)
    daypass.say(ANA, "ledger", "receipt", asked["entry"], "--wait", "10s")
    assert cosigned(daypass, witnesses) == {"witness.test/1"}
    (warning,) = health(daypass)["warnings"]
    assert "witness.test/2 does not cosign" in warning
    assert "a witness does not cosign" in daypass.log_tail()
    witnesses[1].start()
    ask(daypass)
    until(lambda: True if len(cosigned(daypass, witnesses)) == 2 else None, "both cosignatures", 20.0)
    until(lambda: True if health(daypass)["warnings"] == [] else None, "no warning")


def test_nothing_counts_as_published_without_its_quorum(
    postgres_15: Postgres, starting: Starting, witnesses: list[Witness], tmp_path: Path
) -> None:
    daypass = made(witnesses, starting, postgres_15, tmp_path, 2)
    daypass.say(ANA, "ledger", "receipt", ask(daypass)["entry"], "--wait", "10s")
    witnesses[0].stop()
    before = (daypass.data / "ledger" / "checkpoint").read_bytes()
    asked = ask(daypass)
    late = daypass.run(ANA, "ledger", "receipt", asked["entry"], "--wait", "2s")
    assert (late.returncode, "witness.test/1" in late.stderr) == (1, True)
    assert (daypass.data / "ledger" / "checkpoint").read_bytes() == before
    assert daypass.healthy() and daypass.grant(), "work goes on meanwhile"
    daypass.restart()
    witnesses[0].start()
    until(lambda: daypass.run(ANA, "ledger", "receipt", asked["entry"], "--wait", "10s").returncode == 0, "a receipt")
    assert len(cosigned(daypass, witnesses)) == 2
    daypass.verify()
