"""How fast access ends: 1, 100 and 1,000 open sessions, half of them in a running statement, one revoke of all.

    python -m bench.ending [--sessions 1,100] [--rounds 20] [--alone] [--server wheel|debian]

Milliseconds from the accepted (committed) revoke, of the slowest session of each round, as `grant.ended` tells them:
(a) nothing more is forwarded, (b) the work is stopped at the server, (c) it was read back that nothing is left. First
on one node, then with two nodes on one PostgreSQL store, where one is told and the other carries the sessions
(`--alone`: not that; where the carrying node is too slow to tell of its sessions, the other one ends them at the server
and tells of (b) and (c) alone). Beside it, what closing the sockets does: statements straight to the server, until the
last one is over; and the server alone: idle connections straight to it, terminated by one statement, until none is seen
any more. No gateway can read back sooner than that, and it depends on how the server was built: a backend that exits
runs what each of its libraries does last. Hence two servers: PostgreSQL 18 from the wheel (what the demo starts),
Debian's.
"""

from __future__ import annotations

import argparse
import resource
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
ROUNDS = {1: 20, 100: 20, 1000: 5}
"""Revokes of each number of sessions, unless told otherwise: opening a thousand takes half a minute."""
FILES = 16_384
"""What a thousand sessions need here and in `serve`, where each holds two, and some more."""
PLAIN_SECONDS = 2
"""How long the statements last that nobody ends: they run to their end whatever becomes of their sockets."""
OPENING_AT_ONCE = 8
LOOK_SECONDS = 0.002
SERVERS = {"wheel": Postgres.wheel, "debian": Postgres.debian}

Connection = psycopg.Connection[tuple[object, ...]]


@contextmanager
def connections(url: str, count: int, running: str) -> Iterator[list[Connection]]:
    """So many, every second one of them in this statement."""
    found: list[Connection] = []
    try:
        with ThreadPoolExecutor(OPENING_AT_ONCE) as pool:
            for opened in pool.map(lambda _: psycopg.connect(url, autocommit=True), range(count)):
                found.append(opened)
        for connection in found[::2]:
            connection.pgconn.send_query(running.encode())
        yield found
    finally:
        for connection in found:
            connection.close()


def revoked(told: Daypass, carrying: Daypass, count: int) -> dict[str, float]:
    """One round through Daypass: one node is told, the same or another one carries. The milliseconds of each step."""
    granted = told.grant()
    with connections(carrying.dsn(), count, "select pg_sleep(600)"):
        until(lambda: len(active(carrying)) >= (count + 1) // 2 or None, "the statements", 60)
        told.say(BEN, "revoke", granted.grant, "--reason", "measuring")
    (ended,) = told.wait_entries("grant.ended", grant=granted.grant)
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


def terminated(server: Postgres, count: int) -> float:
    """One round without a gateway: milliseconds until as many idle connections are gone that one statement ends."""
    url = server.url(database=sample.DATABASE)
    with psycopg.connect(url, autocommit=True) as ours, connections(url, count, "select 1") as open_now:
        pids = [connection.info.backend_pid for connection in open_now]
        began = time.monotonic()
        ours.execute("select pg_terminate_backend(pid) from unnest(%s::int[]) pid", (pids,)).fetchall()
        while ours.execute("select from pg_stat_activity where pid = any(%s) limit 1", (pids,)).fetchall():
            time.sleep(LOOK_SECONDS)
        return (time.monotonic() - began) * 1000


def active(daypass: Daypass) -> list[int]:
    return [pid for pid, state, _ in daypass.server.backends(sample.WRITER) if state == "active"]


def shown(values: Sequence[float]) -> str:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return f"p50 {statistics.median(ordered):8.1f}   p99 {p99:8.1f}   max {ordered[-1]:8.1f}"


def measured(told: Daypass, carrying: Daypass, count: int, rounds: int) -> None:
    """Print what so many rounds took."""
    took = [revoked(told, carrying, count) for _ in range(rounds)]
    for step, name in STEPS.items():
        told_of = [each[step] for each in took if step in each]
        fewer = f"   told of {len(told_of)} of {rounds}" if len(told_of) < rounds else ""
        print(f"  {name:24} {shown(told_of) if told_of else ''}{fewer}", flush=True)


def on_one_node(server: Postgres, folder: Path, counts: Sequence[int], rounds: int | None) -> None:
    with Daypass(folder / "gateway", server, Setup(limits=", sessions: 2000")) as daypass:
        for count in counts:
            many = rounds or ROUNDS.get(count, 5)
            print(f"{count} sessions, half of them at work, {many} revokes (ms, slowest session)")
            measured(daypass, daypass, count, many)
            took, committed = closed(server, count)
            print(f"  {'plain close, to the end':24} {took:8.1f}, and {committed} of {(count + 1) // 2} committed")
            print(f"  {'the server alone':24} {shown([terminated(server, count) for _ in range(many)])}", flush=True)


def across_nodes(server: Postgres, folder: Path, counts: Sequence[int], rounds: int | None) -> None:
    with Postgres.debian(QUIET) as store:
        url = store.create_database("daypass")
        told, carrying = (
            Daypass(folder / name, server, Setup(store=url, extra=f"node: {name}\n", limits=", sessions: 2000"))
            for name in ("told", "carrying")
        )
        with told, carrying:
            for count in counts:
                many = rounds or ROUNDS.get(count, 5)
                print(f"{count} sessions, revoked on one node and carried by another, {many} revokes (ms)")
                measured(told, carrying, count, many)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", default="1,100,1000", help="how many, with commas between")
    parser.add_argument("--rounds", type=int, help="revokes of each (unless given: 20, and 5 of a thousand sessions)")
    parser.add_argument("--alone", action="store_true", help="one node only")
    parser.add_argument("--server", default="wheel,debian", help="which, with commas between")
    given = parser.parse_args()
    if unknown := set(given.server.split(",")) - set(SERVERS):
        parser.error(f"no server {sorted(unknown)[0]!r}: {' or '.join(SERVERS)}")
    counts = list(map(int, given.sessions.split(",")))
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if allowed < FILES and max(counts) >= 1000:
        parser.error(f"this needs {FILES} open files, and {allowed} are allowed here (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, allowed), allowed))  # `serve` and the servers inherit it
    for build in given.server.split(","):
        with_server(build, counts, given.rounds, alone=given.alone)


def with_server(build: str, counts: Sequence[int], rounds: int | None, *, alone: bool) -> None:
    settings = {**QUIET, "max_connections": "2200", "shared_buffers": "128MB"}
    with tempfile.TemporaryDirectory() as name, SERVERS[build](settings) as server:
        print(f"{build}: PostgreSQL {server.execute('show server_version')[0][0]}", flush=True)
        server.load_sample()
        server.execute("create table plain (n int)", database=sample.DATABASE)
        on_one_node(server, Path(name), counts, rounds)
        if not alone:
            across_nodes(server, Path(name), counts, rounds)


if __name__ == "__main__":
    main()
