"""How fast access ends: 1, 100 and 1,000 open sessions, half of them in a running statement, one revoke of all.

    python -m bench.ending [--sessions 1,100] [--rounds 5]

Milliseconds from the accepted (committed) revoke, of the slowest session of each round, as `grant.ended` tells them:
(a) nothing more is forwarded, (b) the work is stopped at the server, (c) it was read back that nothing is left.
Beside it, what closing the sockets does: the same statements, straight to the server, until the last one is over.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

from bench.contenders import QUIET
from daypass.cli.demo import sample
from daypass.cli.demo.gateway import BEN, Setup

STEPS = {
    "stopped_forwarding": "(a) nothing forwarded",
    "work_stopped": "(b) work stopped",
    "work_gone": "(c) read back",
}
PLAIN_SECONDS = 2
"""How long the statements last that nobody ends: they run to their end whatever becomes of their sockets."""
OPENING_AT_ONCE = 8

Connection = psycopg.Connection[tuple[object, ...]]


@contextmanager
def connections(url: str, count: int, running: str) -> Iterator[list[Connection]]:
    """So many, every second one of them in this statement."""
    with ThreadPoolExecutor(OPENING_AT_ONCE) as pool:
        found = list(pool.map(lambda _: psycopg.connect(url, autocommit=True), range(count)))
    for connection in found[::2]:
        connection.pgconn.send_query(running.encode())
    try:
        yield found
    finally:
        for connection in found:
            connection.close()


def revoked(daypass: Daypass, count: int) -> dict[str, float]:
    """One round through Daypass: the milliseconds of each step."""
    granted = daypass.grant()
    with connections(daypass.dsn(), count, "select pg_sleep(600)"):
        until(lambda: len(active(daypass)) >= (count + 1) // 2 or None, "the statements", 60)
        daypass.say(BEN, "revoke", granted.grant, "--reason", "measuring")
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    steps: dict[str, float] = ended["body"]["steps_ms"]
    took = {step: ms - steps["refused_new"] for step, ms in steps.items()}
    assert ended["body"]["session_count"] == count and not ended["body"]["unconfirmed"], ended["body"]
    return took


def closed(server: Postgres, count: int) -> tuple[float, int]:
    """One round without: close all sockets; milliseconds until no statement runs, and how many of them committed."""
    server.execute("truncate plain", database=sample.DATABASE)
    sql = f"insert into plain select 1 from pg_sleep({PLAIN_SECONDS})"
    with connections(server.url(database=sample.DATABASE), count, sql) as open_now:
        began = time.monotonic()
        for connection in open_now:
            connection.close()
        seen = "select count(*) from pg_stat_activity where query like 'insert into plain%' and state = 'active'"
        server.wait_for(seen, 0, seconds=60)
        took = (time.monotonic() - began) * 1000
    return took, int(server.execute("select count(*) from plain", database=sample.DATABASE)[0][0])


def active(daypass: Daypass) -> list[int]:
    return [pid for pid, state, _ in daypass.server.backends(sample.WRITER) if state == "active"]


def shown(values: Sequence[float]) -> str:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return f"p50 {statistics.median(ordered):8.1f}   p99 {p99:8.1f}   max {ordered[-1]:8.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", default="1,100,1000", help="how many, with commas between")
    parser.add_argument("--rounds", type=int, default=5, help="revokes of each")
    given = parser.parse_args()
    settings = {**QUIET, "max_connections": "2200", "shared_buffers": "128MB"}
    with tempfile.TemporaryDirectory() as folder, Postgres.debian(settings) as server:
        server.load_sample()
        server.execute("create table plain (n int)", database=sample.DATABASE)
        with Daypass(Path(folder) / "gateway", server, Setup(limits=", sessions: 2000")) as daypass:
            for count in map(int, given.sessions.split(",")):
                rounds = [revoked(daypass, count) for _ in range(given.rounds)]
                print(f"{count} sessions, half of them at work, {given.rounds} revokes (ms, slowest session)")
                for step, name in STEPS.items():
                    print(f"  {name:24} {shown([took[step] for took in rounds])}")
                took, committed = closed(server, count)
                print(f"  {'plain close, to the end':24} {took:8.1f}, and {committed} of {(count + 1) // 2} committed")


if __name__ == "__main__":
    main()
