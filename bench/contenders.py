"""Who takes part: the server itself, HAProxy, pgbouncer, and Daypass for each durability, all up at the same time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.daypass import Daypass
from tests.servers.haproxy import HAProxy
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import Postgres

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import ANA, Setup

QUIET: Mapping[str, str] = {
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_statement": "none",
    "log_min_messages": "fatal",
    "max_connections": "600",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "synchronous_commit": "off",
}
"""The server writes no log of statements here, and little else: what is measured is what stands before it."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to the database. `environment` is what a client of it needs; `gateway` is set for Daypass."""

    name: str
    environment: Mapping[str, str]
    gateway: Daypass | None = None


@contextmanager
def lineup(durabilities: Sequence[str], scale: int) -> Iterator[tuple[Postgres, list[Contender]]]:
    """The server with pgbench's tables and everybody in front of it."""
    with ExitStack() as stack:
        server = stack.enter_context(Postgres.debian(QUIET)).load_sample().load_pgbench(scale)
        found = [Contender("direct", _environment(server.port, sample.WRITER, server.password))]
        for make in (HAProxy, PgBouncer):
            pooler = stack.enter_context(make(server))
            found.append(Contender(make.program, _environment(pooler.port, sample.WRITER, server.password)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daypass-bench-", dir=Path.cwd())))
        for durability in durabilities:
            gateway = stack.enter_context(Daypass(folder / durability, server, Setup(durability=durability)))
            gateway.grant("write", "4h", "to measure")
            environment = _environment(gateway.port, ANA.email, gateway.token(ANA))
            found.append(Contender(f"daypass {durability}", environment, gateway))
        yield server, found


def _environment(port: int, user: str, password: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": user,
        "PGPASSWORD": password,
        "PGDATABASE": sample.DATABASE,
        "PGSSLMODE": "disable",
    }
