"""`daypass witness`, as a process of its own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from daypass.ledger.cosigning import Cosigned, Cosigners, WitnessAddress
from daypass.ledger.note import VerifierKey
from tests.cli.running import daypass
from tests.ledger.logs import Log
from tests.servers.babbling import babble

NAME = "witness.acme.test/one"


async def ask(witness: WitnessAddress, log: Log) -> Cosigned:
    async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(retries=8)) as client:
        return await Cosigners([witness], 1, client).ask(log.published[-1], log.publisher.nodes())


def test_a_witness_cosigns_and_keeps_its_word_over_a_restart(tmp_path: Path) -> None:
    log = Log(tmp_path / "log").grow(5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    arguments = [
        "witness",
        "--name",
        NAME,
        "--data",
        "w",
        "--log",
        str(log.root / "vkey"),
        "--listen",
        f"127.0.0.1:{port}",
    ]
    keys = set()
    for size in (5, 300):
        log.grow(size)
        process = subprocess.Popen(
            [sys.executable, "-m", "daypass", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            keys.add(process.stdout.readline().strip())
            key = VerifierKey.parse(next(iter(keys)))
            cosigned = asyncio.run(ask(WitnessAddress(key, f"http://127.0.0.1:{port}"), log))
            assert cosigned.count == 1, cosigned.missing
        finally:
            process.terminate()
            process.wait(10)
    assert len(keys) == 1, "the key is made once"
    assert (tmp_path / "w" / "witness.key").stat().st_mode & 0o777 == 0o600


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    Log(tmp_path / "log")
    for name, log, listen in (
        ("a b", "log/ledger/vkey", "127.0.0.1:0"),
        (NAME, "a+b+c", "127.0.0.1:0"),
        (NAME, "nowhere", "127.0.0.1:0"),
        (NAME, "log/ledger/vkey", "8421"),
        (NAME, "log/ledger/vkey", "0.0.0.0:0"),
        (NAME, "log/ledger/vkey", "[::]:0"),
    ):
        done = daypass(tmp_path, "witness", "--name", name, "--data", "w", "--log", log, "--listen", listen)
        assert done.returncode == 2, done.stdout
    done = daypass(tmp_path, "witness", "--name", NAME, "--data", "w", "--log", "log/ledger/vkey", "--print-key")
    assert done.returncode == 0 and VerifierKey.parse(done.stdout).name == NAME


@contextmanager
def witnessing(home: Path) -> Iterator[int]:
    """A witness that listens to everybody; its port, and at the end nothing in its log that it did not foresee."""
    Log(home / "log")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    argv = ["witness", "--name", NAME, "--data", "w", "--log", "log/ledger/vkey", "--behind-tls"]
    with (home / "witness.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "daypass", *argv, "--listen", f"0.0.0.0:{port}"],
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None and process.stdout.readline()
        connected(port).close()
        yield port
        with connected(port) as one:
            one.sendall(b"GET /vkey HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        process.terminate()
        process.wait(10)
    assert "Traceback" not in (home / "witness.log").read_text()


@pytest.mark.parametrize("begun", [b"", b"GET /vkey HTTP/1.1\r\nX: ", b"GET /vkey HTTP/1.1\r\nX: " + b"a" * 70_000])
def test_strangers_are_cut_off(tmp_path: Path, begun: bytes) -> None:
    with witnessing(tmp_path) as port, connected(port) as one:
        one.settimeout(60)
        with suppress(OSError):
            one.sendall(begun)
            assert one.recv(1) == b""


def test_random_bytes(tmp_path: Path) -> None:
    with witnessing(tmp_path) as port:
        babble(port, 300)


def connected(port: int) -> socket.socket:
    """A connection to it; it listens a moment after it has told its key."""
    give_up = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except OSError:
            assert time.monotonic() < give_up
            time.sleep(0.05)
