"""What the numbers have to be read beside: the disk's `fdatasync`, memory for an idle session, the shipper's lag."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import time
import urllib.request
from pathlib import Path

import psycopg
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres

from daypass.cli.demo.gateway import ANA

SYNCS = 300
IDLE_SESSIONS = 200
LAG = re.compile(r"^daypass_ship_lag_seconds (\S+)$", re.MULTILINE)
BEHIND = re.compile(r"^daypass_ship_behind (\S+)$", re.MULTILINE)
FLUSHES = re.compile(r"^daypass_journal_flush(es|_seconds)_total (\S+)$", re.MULTILINE)
SETTLE_SECONDS_MAX = 120.0
"""Back-pressure bounds what waits to be shipped; this is far longer than that takes."""


def fdatasync_us(folder: Path) -> float:
    """The median microseconds of a 512-byte `pwrite` and its `fdatasync`, into preallocated space."""
    file = folder / "fdatasync"
    took = []
    with file.open("wb", buffering=0) as out:
        out.write(bytes(512 * SYNCS))
        os.fsync(out.fileno())
        for n in range(SYNCS):
            started = time.perf_counter()
            os.pwrite(out.fileno(), b"x" * 512, n * 512)
            os.fdatasync(out.fileno())
            took.append(time.perf_counter() - started)
    file.unlink()
    return statistics.median(took) * 1e6


def kib_per_idle_session(gateway: Daypass) -> float:
    """How much `serve` grows for each of many sessions that are open and idle."""
    with psycopg.connect(gateway.dsn(sslmode="disable")):
        before = _resident_kib(gateway.pid)
        opened = [psycopg.connect(gateway.dsn(sslmode="disable")) for _ in range(IDLE_SESSIONS)]
        grown = _resident_kib(gateway.pid) - before
        for connection in opened:
            connection.close()
    return grown / IDLE_SESSIONS


def flush_us(server: Postgres, gateway: Daypass, seconds: int) -> float:
    """Under pgbench -S -M prepared with one client: the mean microseconds of writing a record and its `fdatasync`, by
    the gateway's own metrics. Between other work that takes longer than in a loop of nothing else."""
    before = _flushed(gateway)
    _pgbench(server, gateway, 1, seconds).wait()
    count, took = (after - earlier for after, earlier in zip(_flushed(gateway), before, strict=True))
    return took / count * 1e6 if count else float("nan")


def ship_lag(server: Postgres, gateway: Daypass, seconds: int) -> tuple[float, float]:
    """Under pgbench -S with 8 clients: median and worst lag of the shipper in ms, by the gateway's own metrics."""
    seen: list[float] = []
    client = _pgbench(server, gateway, 8, seconds)
    while client.poll() is None:
        time.sleep(0.1)
        found = LAG.search(_metrics(gateway))
        if found:
            seen.append(float(found[1]) * 1000)
    return (statistics.median(seen), max(seen)) if seen else (float("nan"), float("nan"))


def settle(gateway: Daypass) -> None:
    """Wait until all that was recorded is in the store, so that the next contender has the machine to itself."""
    give_up = time.monotonic() + SETTLE_SECONDS_MAX
    while time.monotonic() < give_up:
        found = BEHIND.search(_metrics(gateway))
        if found is None:
            raise RuntimeError("the gateway does not say how far behind its shipper is")
        if float(found[1]) == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"the shipper is still behind after {SETTLE_SECONDS_MAX} s")


def _pgbench(server: Postgres, gateway: Daypass, clients: int, seconds: int) -> subprocess.Popen[bytes]:
    argv = [server.binaries.program("pgbench"), "-n", "-S", "-M", "prepared", "-T", str(seconds)]
    return subprocess.Popen(
        [*argv, "-c", str(clients), "-j", str(min(clients, 2)), "orders"],
        env=gateway.client_environment(ANA),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _flushed(gateway: Daypass) -> tuple[float, float]:
    """How often the journal was flushed, and for how many seconds."""
    found = dict(FLUSHES.findall(_metrics(gateway)))
    return float(found["es"]), float(found["_seconds"])


def _metrics(gateway: Daypass) -> str:
    with urllib.request.urlopen(f"{gateway.web}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def _resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])
