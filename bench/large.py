"""What one very large statement does to the others: round trips of a neighbour while it is sent, recorded and shipped.

    python -m bench.large [--mib 60] [--durability synced]

Milliseconds of `select 1` in another session: before, and from the moment the large one is sent until it is shipped.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psycopg
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres

from bench.contenders import QUIET
from daypass.cli.demo.gateway import Setup

BEFORE_SECONDS = 3.0
SHIPPED_SECONDS_MAX = 120.0
SENDER = """
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    filler = "".join(f"{n:07x} it's \\\\ text " for n in range(int(sys.argv[2]) * 2**20 // 20))
    print("ready", flush=True)
    sys.stdin.readline()
    connection.execute("select length($text$" + filler + "$text$)")
"""
"""A client of its own process, so that making the statement slows nobody."""

Connection = psycopg.Connection[tuple[object, ...]]


def trips(connection: Connection, seconds: float) -> list[float]:
    """Round trips for so long, in ms."""
    found = []
    until = time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        connection.execute("select 1")
        found.append((time.monotonic() - began) * 1000)
    return found


def behind(daypass: Daypass) -> int:
    """How many facts are not shipped yet."""
    with urllib.request.urlopen(f"{daypass.web}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("daypass_ship_behind "))))


def during(daypass: Daypass, connection: Connection, mib: int) -> tuple[list[float], float]:
    """Round trips while a statement of so many MiB goes through, and how long that took until it was shipped."""
    command = [sys.executable, "-c", SENDER, daypass.dsn(), str(mib)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdin is not None and sender.stdout is not None
        assert sender.stdout.readline() == "ready\n"
        sender.stdin.write("\n")
        sender.stdin.flush()
        began = time.monotonic()
        found: list[float] = []
        while sender.poll() is None and time.monotonic() - began < SHIPPED_SECONDS_MAX:
            found += trips(connection, 0.2)
        while behind(daypass) > 5 and time.monotonic() - began < SHIPPED_SECONDS_MAX:
            found += trips(connection, 0.2)
        found += trips(connection, 1.0)
        assert sender.returncode == 0, sender.returncode
    return found, time.monotonic() - began - 1.0


def shown(values: list[float]) -> str:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return f"p50 {statistics.median(ordered):7.1f}   p99 {p99:7.1f}   max {ordered[-1]:8.1f}   ({len(ordered)} trips)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=60)
    parser.add_argument("--durability", default="synced")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Postgres.debian(QUIET) as server:
        server.load_sample()
        with Daypass(Path(folder) / "gateway", server, Setup(durability=given.durability)) as daypass:
            daypass.grant()
            with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
                print(f"alone                {shown(trips(connection, BEFORE_SECONDS))}")
                found, seconds = during(daypass, connection, given.mib)
                print(f"beside {given.mib:4} MiB      {shown(found)}")
                found.sort(reverse=True)
                print(f"the worst: {', '.join(f'{one:.0f}' for one in found[:8])} ms; shipped after {seconds:.1f} s")


if __name__ == "__main__":
    main()
