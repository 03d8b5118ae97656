"""What may be running when access ends: nothing of it goes on, nothing of it commits afterwards, and it is on record.

The judge is the server: its own commit timestamps, its activity, and what is in the tables.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from daypass.cli.demo.gateway import BEN
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres

SETTINGS = {"track_commit_timestamp": "on", "max_parallel_workers_per_gather": "2", "max_prepared_transactions": "4"}

PREPARE = """
create table work (n int, at timestamptz default clock_timestamp());
create table big as select g as n, repeat('x', 200) as text from generate_series(1, 200000) g;
grant all on work, big to app_rw;
grant create on schema public to app_rw;
create procedure stubborn() language plpgsql as $$
begin
    for i in 1..600 loop
        begin
            perform pg_sleep(0.1);
        exception when query_canceled then null;
        end;
        insert into work values (i);
        commit;
    end loop;
end $$;
grant execute on procedure stubborn() to app_rw;
"""

SWALLOW = """
do $$ begin
    for i in 1..600 loop
        begin
            perform pg_sleep(0.1);
            insert into work values (i);
        exception when query_canceled then null;
        end;
    end loop;
end $$"""


@dataclass
class Stage:
    """A gateway in front of a server that stamps its commits."""

    daypass: Daypass
    server: Postgres
    kept: list[psycopg.Connection[tuple[Any, ...]]] = field(default_factory=list)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.execute(sql, database="orders")

    def start(self, work: Callable[[], object]) -> None:
        """Run this beside us; that it fails when access ends is the point."""

        def run() -> None:
            with contextlib.suppress(psycopg.Error, OSError):
                work()

        threading.Thread(target=run, daemon=True).start()

    def connect(self, **options: str) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection that stays until the test is over, whoever forgets it."""
        self.kept.append(psycopg.connect(self.daypass.dsn(**options), autocommit=True))
        return self.kept[-1]


@pytest.fixture(scope="module", params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    make = Postgres.debian if request.param == "15" else Postgres.wheel
    with make(SETTINGS) as server:
        server.load_sample()
        server.psql(PREPARE, database="orders")
        yield server


@pytest.fixture(scope="module")
def gateway(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    with Daypass(tmp_path_factory.mktemp("work") / "gateway", server) as daypass:
        yield daypass


@pytest.fixture
def stage(server: Postgres, gateway: Daypass) -> Iterator[Stage]:
    server.execute("truncate work", database="orders")
    made = Stage(gateway, server)
    yield made
    for connection in made.kept:
        connection.close()


def statement(sql: str) -> Callable[[Stage], None]:
    """One statement, alone."""
    return lambda stage: stage.start(lambda: stage.connect().execute(sql))  # type: ignore[arg-type]


def copy_in(stage: Stage) -> None:
    def work() -> None:
        with stage.connect().cursor().copy("copy work (n) from stdin") as copy:
            while True:
                copy.write("1\n" * 20_000)  # psycopg sends nothing before it has 32 KiB
                time.sleep(0.01)

    stage.start(work)


def copy_out(stage: Stage) -> None:
    def work() -> None:
        with stage.connect().cursor().copy("copy big to stdout") as copy:
            for _ in copy:
                time.sleep(0.01)

    stage.start(work)


def idle_in_transaction(stage: Stage) -> None:
    connection = stage.connect()
    connection.execute("begin")
    connection.execute("insert into work values (1)")
    connection.execute("lock table big in access exclusive mode")


def pipeline(stage: Stage) -> None:
    def work() -> None:
        connection = stage.connect()
        with connection.pipeline():
            for n in range(100):
                connection.execute("insert into work select %s from pg_sleep(0.2)", (n,))

    stage.start(work)


def stops_reading(stage: Stage) -> None:
    """A client that asks for much and takes nothing of it."""
    connection = stage.connect()
    connection.pgconn.send_query(b"select * from big a, big b where a.n < 1000")


def ignores_errors(stage: Stage) -> None:
    def work() -> None:
        connection = stage.connect()
        while not connection.closed:
            with contextlib.suppress(psycopg.Error):
                connection.execute("insert into work values (1)")
            with contextlib.suppress(psycopg.Error):
                connection.execute("select no_such_column")

    stage.start(work)


def without_time_out(stage: Stage) -> None:
    def work() -> None:
        connection = stage.connect()
        connection.execute("set statement_timeout = 0")
        connection.execute("insert into work select 1 from pg_sleep(60)")

    stage.start(work)


def queued(stage: Stage) -> None:
    """Forty simple queries, sent at once."""
    connection = stage.connect(sslmode="disable")
    texts = [b"insert into work select %d from pg_sleep(0.5)\0" % n for n in range(40)]
    raw = b"".join(b"Q" + (len(text) + 4).to_bytes(4, "big") + text for text in texts)
    with socket.fromfd(connection.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM) as plain:
        plain.sendall(raw)


def locked_by_advice(stage: Stage) -> None:
    connection = stage.connect()
    connection.execute("select pg_advisory_lock(4711)")


def listening(stage: Stage) -> None:
    connection = stage.connect()
    connection.execute("listen news")


def in_parallel(stage: Stage) -> None:
    def work() -> None:
        connection = stage.connect()
        connection.execute(
            "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0"
        )
        connection.execute("select count(*) from big a join big b on a.text = b.text and a.n <> b.n")

    stage.start(work)


@dataclass(frozen=True)
class Work:
    """Something to be at when access ends. `at_it` is true of its backend (`a`) once it is, and not before; `was` is
    what the end finds it doing ("": now this, now that)."""

    start: Callable[[Stage], None]
    at_it: str
    was: str = "active"


SLEEPING = "a.state = 'active' and a.wait_event = 'PgSleep'"
WRITING = "a.state = 'active' and a.backend_xid is not null"
LOCK = "exists (select from pg_locks l where l.pid = a.pid and l.granted and {})"

WORK: dict[str, Work] = {
    "long update": Work(statement("update orders set note = 'rewritten' where pg_sleep(0.01) is not null"), WRITING),
    "insert that sleeps": Work(statement("insert into work select 1 from pg_sleep(60)"), SLEEPING),
    "copy in": Work(copy_in, f"{WRITING} and a.query = 'copy work (n) from stdin'"),
    "copy out": Work(
        copy_out, "exists (select from pg_stat_progress_copy c where c.pid = a.pid and c.tuples_processed > 0)"
    ),
    "idle in a transaction with locks": Work(
        idle_in_transaction,
        "a.state = 'idle in transaction' and "
        + LOCK.format("l.mode = 'AccessExclusiveLock' and l.relation = 'big'::regclass"),
        was="idle in transaction",
    ),
    "pipeline of 100": Work(pipeline, f"{SLEEPING} and a.query like 'insert into work select $1%'"),
    "client that stopped reading": Work(stops_reading, "a.state = 'active' and a.wait_event = 'ClientWrite'"),
    "client that ignores errors": Work(ignores_errors, "(select count(*) from work) > 3", was=""),
    "no statement timeout": Work(without_time_out, SLEEPING),
    "block that swallows cancels": Work(statement(SWALLOW), f"{WRITING} and a.wait_event = 'PgSleep'"),
    "procedure that swallows cancels and commits": Work(
        statement("call stubborn()"), "a.state = 'active' and (select count(*) from work) > 1"
    ),
    "forty queued queries": Work(queued, f"{SLEEPING} and a.query like 'insert into work select %'"),
    "advisory lock": Work(locked_by_advice, LOCK.format("l.locktype = 'advisory'"), was="idle"),
    "listen": Work(listening, "a.state = 'idle' and a.query = 'listen news'", was="idle"),
    "parallel query": Work(in_parallel, "exists (select from pg_stat_activity w where w.leader_pid = a.pid)"),
}

AT_IT = """select count(*) from pg_stat_activity a where a.usename = 'app_rw' and a.backend_type = 'client backend'
 and a.application_name not like 'daypass %' and """


@pytest.mark.parametrize("kind", WORK)
def test_it_ends_with_access(stage: Stage, kind: str) -> None:
    daypass, work = stage.daypass, WORK[kind]
    granted = daypass.grant()
    work.start(stage)
    stage.server.wait_for(AT_IT + work.at_it, 1, database="orders")
    began = time.monotonic()
    daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
    assert stage.server.backends("app_rw") == [], f"{time.monotonic() - began:.3f} s later"
    (ended,) = daypass.wait_entries("grant.ended", grant=granted.grant)
    body = ended["body"]
    (session,) = body["sessions"]
    assert (session["how"], session["read_back"]) == ("terminated at the target", "gone")
    assert work.was in ("", session["was"])
    wanted = ["stopped_forwarding", "work_stopped", "client_told", "closed"]
    assert [step for step in body["steps"] if step in wanted] == wanted
    stopped = ended["t"] - body["ms"] + body["steps_ms"]["work_stopped"]
    check_nothing_commits(stage, stopped)


def check_nothing_commits(stage: Stage, stopped_ms: int) -> None:
    """No transaction that wrote to `work` or `orders` has committed after the work was stopped; nothing is held."""
    time.sleep(0.5)
    late = "select count(*) from {} where pg_xact_commit_timestamp(xmin) > to_timestamp({} / 1000.0)"
    # A millisecond more, as the step is rounded to whole ones.
    for table in ("work", "orders"):
        assert stage.rows(late.format(table, stopped_ms + 1)) == [(0,)], table
    assert stage.rows("select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]
    assert stage.rows("select count(*) from orders where note = 'rewritten'") == [(0,)]


def test_what_became_of_its_changes_is_on_record(stage: Stage) -> None:
    granted = stage.daypass.grant()
    idle_in_transaction(stage)
    stage.daypass.say(BEN, "revoke", granted.grant, "--reason", "enough")
    (ended,) = stage.daypass.wait_entries("grant.ended", grant=granted.grant)
    (session,) = ended["body"]["sessions"]
    assert (session["was"], session["outcome"]) == ("idle in transaction", "rolled back")
    assert stage.rows("select count(*) from work") == [(0,)]
    shown = stage.daypass.say(BEN, "show", granted.grant)
    assert "work ended at the target" in shown and "rolled back" in shown
