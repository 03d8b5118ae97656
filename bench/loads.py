"""What is measured: each load runs against one contender and gives one number, of which more is better."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.postgres import Postgres

from bench.contenders import Contender
from daypass.cli.demo import sample

ROWS = 1_000_000
TPS = re.compile(r"^tps = ([0-9.]+) \((?:without|excluding|including)", re.MULTILINE)
EACH_SECOND = re.compile(r"^progress: [0-9.]+ s, ([0-9.]+) tps", re.MULTILINE)
WARM_SECONDS = 5
"""How long pgbench runs before it is counted. Its sessions are new backends, each of which first has to read the
catalog and map the table's pages (a bare server with 64 of them needs four seconds until it does no more), and what is
compared is what stands before the server."""
RUN_SECONDS_MAX = 300.0


@dataclass(frozen=True, slots=True)
class Load:
    """`run` returns the number; `unit` says of what."""

    name: str
    unit: str
    run: Callable[[Contender], float]


def transactions(server: Postgres, modes: Sequence[str], clients: Sequence[int], seconds: int) -> list[Load]:
    """pgbench -S in each mode with each number of clients."""
    return [
        Load(f"pgbench -S {mode}, {count} clients", "tps", _pgbench(server, ["-M", mode, "-c", str(count)], seconds))
        for mode in modes
        for count in clients
    ]


def connections(server: Postgres, seconds: int) -> Load:
    """A new connection for each transaction."""
    return Load("connections", "per s", _pgbench(server, ["-C", "-c", "8"], seconds))


def bulk(server: Postgres, folder: Path) -> list[Load]:
    """A million rows: selected, copied out, copied in."""
    server.psql(
        f"create table many as select i as id, 'customer number ' || i as name, md5(i::text) as code, now() as at"
        f" from generate_series(1, {ROWS}) as i;"
        f"create unlogged table many_in (like many);"
        f"grant select on many, many_in to {sample.WRITER}; grant insert on many_in to {sample.WRITER};"
        "vacuum analyze;",
        database=sample.DATABASE,
    )
    file = folder / "many.copy"
    with file.open("wb") as out:
        argv = [server.binaries.program("psql"), "-XAtqc", "copy many to stdout", server.url(database=sample.DATABASE)]
        subprocess.run(argv, stdout=out, check=True)
    megabytes = file.stat().st_size / 1e6

    def copy_in(contender: Contender) -> float:
        server.psql("truncate many_in", database=sample.DATABASE)
        return _psql(server, contender, "copy many_in from stdin", megabytes, file)

    return [
        Load("select of 1,000,000 rows", "MB/s", lambda c: _psql(server, c, "select * from many", megabytes)),
        Load("copy out of 1,000,000 rows", "MB/s", lambda c: _psql(server, c, "copy many to stdout", megabytes)),
        Load("copy in of 1,000,000 rows", "MB/s", copy_in),
    ]


def _pgbench(server: Postgres, options: Sequence[str], seconds: int) -> Callable[[Contender], float]:
    def run(contender: Contender) -> float:
        count = int(options[-1])
        often = "-C" in options
        how = ["-T", str(seconds)] if often else ["-T", str(WARM_SECONDS + seconds), "-P", "1"]
        argv = [server.binaries.program("pgbench"), "-n", "-S", *how, "-j", str(min(count, 2)), *options]
        done = subprocess.run(
            argv, env=dict(contender.environment), capture_output=True, text=True, check=False, timeout=RUN_SECONDS_MAX
        )
        found = TPS.findall(done.stdout) if often else EACH_SECOND.findall(done.stderr)[WARM_SECONDS:]
        if done.returncode != 0 or not found:
            raise RuntimeError(f"{contender.name}: {done.stderr[-2000:]}")
        return statistics.mean(map(float, found))

    return run


def _psql(server: Postgres, contender: Contender, sql: str, megabytes: float, source: Path | None = None) -> float:
    """Run one statement and throw its output away; megabytes a second."""
    argv = [server.binaries.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]
    with open(source or os.devnull, "rb") as given, open(os.devnull, "wb") as nowhere:
        started = time.perf_counter()
        done = subprocess.run(
            argv,
            env=dict(contender.environment),
            stdin=given,
            stdout=nowhere,
            stderr=subprocess.PIPE,
            check=False,
            timeout=RUN_SECONDS_MAX,
        )
        took = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"{contender.name}: {done.stderr.decode()[-2000:]}")
    return megabytes / took
