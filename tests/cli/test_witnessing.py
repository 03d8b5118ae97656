"""`daypass witness`, as a process of its own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import httpx2

from daypass.ledger.cosigning import Cosigned, Cosigners, WitnessAddress
from daypass.ledger.note import VerifierKey
from tests.cli.running import daypass
from tests.ledger.logs import Log

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
    ):
        done = daypass(tmp_path, "witness", "--name", name, "--data", "w", "--log", log, "--listen", listen)
        assert done.returncode == 2, done.stdout
    done = daypass(tmp_path, "witness", "--name", NAME, "--data", "w", "--log", "log/ledger/vkey", "--print-key")
    assert done.returncode == 0 and VerifierKey.parse(done.stdout).name == NAME
