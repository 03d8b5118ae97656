"""Against real servers: what only they can say is right."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from daypass.domain.statement import Submitted
from daypass.domain.target import Effect
from daypass.protocols.ending import Answered, Enter, Entered, Look, Poke, Stop
from daypass.protocols.interface import Connect, Connected, Derive, Event, Opened, Ready, Received, Record, Side
from daypass.protocols.postgres import POSTGRES, messages
from tests.protocols.postgres.client import Guest, kinds, opened
from tests.protocols.postgres.script import fact, said, split
from tests.protocols.postgres.test_startup import complaint
from tests.servers.postgres import Postgres


class Wired(Guest):
    """A guest whose target is a real server."""

    def __init__(self, given: Opened) -> None:
        super().__init__(given=given)
        self.socket = socket.socket()
        self.socket.settimeout(10)

    def answer(self, effect: Any) -> Iterable[Event]:
        if isinstance(effect, Connect):
            self.socket.connect(("127.0.0.1", self.given.target.port))
            return (Connected(),)
        return super().answer(effect)

    def exchange(self, until: Callable[[], bool]) -> None:
        """Carry bytes to and fro until something has happened."""
        while not until():
            data = self.got(Side.TARGET)
            if data:
                self.socket.sendall(data)
            received = self.socket.recv(65536)
            if not received:
                return
            self.target(received)

    def enter(self) -> None:
        self.start()
        self.sign_in()
        self.got()
        self.exchange(lambda: bool(self.named(Ready)) or b"SFATAL" in self.sent[Side.CLIENT])

    def run(self, *lines: str) -> str:
        """Say something; return the kinds of what came back, up to ReadyForQuery."""
        self.got()
        self.say(b"".join(map(said, lines)))
        self.exchange(lambda: self.sent[Side.CLIENT][-6:-1] == b"Z\0\0\0\5")
        return kinds(self.got())

    def ran(self, *lines: str) -> str:
        """Say something; return the first cell of the last row that came back, up to ReadyForQuery."""
        self.got()
        self.say(b"".join(map(said, lines)))
        self.exchange(lambda: self.sent[Side.CLIENT][-6:-1] == b"Z\0\0\0\5")
        *_, row = (piece for piece in split(self.got()) if piece[:1] == b"D")
        return (messages.read_data_row(row[5:])[0] or b"").decode()

    def facts(self) -> list[str]:
        return [fact(record.fact) for record in self.named(Record)]


@contextmanager
def wired(server: Postgres, **login: Any) -> Iterator[Wired]:
    guest = Wired(opened(port=server.port, **login))
    with guest.socket:
        guest.enter()
        yield guest


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Iterator[Postgres]:
    """A server with logins of this module's own."""
    for name, more in (("real_rw", ""), ("real_ro", ""), ("real_boss", "superuser"), ("real_in", ""), ("real_s", "")):
        postgres.execute(f"create role {name} login password 'secret' {more}")
    postgres.execute("grant pg_read_server_files to real_in")
    postgres.execute("revoke create on schema public from public", database="orders")
    postgres.execute("create table real_t (a int)", database="orders")
    postgres.execute("grant select, insert on real_t to real_rw", database="orders")
    postgres.execute("create sequence real_n; grant select on real_n to real_ro", database="orders")
    yield postgres
    postgres.execute("drop sequence real_n", database="orders")
    postgres.execute("drop table real_t", database="orders")
    for name in ("real_rw", "real_ro", "real_boss", "real_in", "real_s"):
        postgres.execute(f"drop owned by {name}", database="orders")
        postgres.execute(f"drop role {name}")


def login(user: str, effect: Effect = Effect.WRITE, *, dangerous: bool = False) -> dict[str, Any]:
    return {"user": user, "password": "secret", "effect": effect, "dangerous": dangerous}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (login("real_rw"), None),
        (login("real_ro", Effect.READ), None),
        (login("real_rw", Effect.READ), "can write (table public.real_t)"),
        (login("real_boss"), "superuser"),
        (login("real_boss", dangerous=True), None),
        (login("real_in"), "member of pg_read_server_files"),
    ],
    ids=["writer", "reader", "reader that can write", "superuser", "superuser on purpose", "reads the server's files"],
)
def test_a_login_is_vetted(server: Postgres, given: dict[str, Any], word: str | None) -> None:
    with wired(server, **given) as guest:
        if word is None:
            assert guest.named(Ready)
            assert guest.run("Query show client_connection_check_interval") == "TDCZ"
        else:
            assert word in complaint(guest).message


@pytest.mark.parametrize("privilege", ["usage", "update"])
def test_a_login_that_can_change_a_sequence_is_not_for_reading(server: Postgres, privilege: str) -> None:
    server.execute(f"grant {privilege} on sequence real_n to real_s", database="orders")
    try:
        with wired(server, **login("real_s", Effect.READ)) as guest:
            assert "can write (sequence public.real_n)" in complaint(guest).message
    finally:
        server.execute(f"revoke {privilege} on sequence real_n from real_s", database="orders")


@pytest.fixture
def reader(server: Postgres) -> Iterator[str]:
    """A login that may do nothing yet, in a group that may not either."""
    server.psql("create role real_g; create role real_h login password 'secret' in role real_g", database="orders")
    yield "real_h"
    server.psql("drop owned by real_h, real_g cascade; drop role real_h, real_g", database="orders")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("alter role real_h createdb", "createdb"),
        ("grant trigger on real_t to real_h", "table public.real_t"),
        ("create table o (); alter table o owner to real_h; revoke all on o from real_h", "owner of table public.o"),
        ("create table o (); alter table o owner to real_g; revoke all on o from real_g", "owner of table public.o"),
        (
            "create view o as select; alter view o owner to real_h; revoke all on o from real_h",
            "owner of view public.o",
        ),
        ("create materialized view o as select; alter table o owner to real_h", "owner of materialized view public.o"),
        (
            "create sequence o; alter sequence o owner to real_h; revoke all on sequence o from real_h",
            "owner of sequence public.o",
        ),
        ("create schema o authorization real_h; revoke all on schema o from real_h", "owner of schema o"),
        (
            "create function o() returns int return 1; alter function o owner to real_h",
            "owner of function public.o()",
        ),
        ("create type o as enum (); alter type o owner to real_h", "owner of type public.o"),
        ("grant create on tablespace pg_default to real_h", "tablespace pg_default"),
        ("select lo_create(4711); grant update on large object 4711 to real_h", "large object 4711"),
    ],
)
def test_a_login_that_could_write_in_another_way_is_not_for_reading(
    server: Postgres, reader: str, given: str, what: str
) -> None:
    """Also one that has no privilege on what it owns: it may give them to itself."""
    server.psql(given, database="orders")
    with wired(server, **login(reader, Effect.READ)) as guest:
        assert f"can write ({what})" in complaint(guest).message


def test_what_every_login_may_have_of_its_own_is_no_writing(server: Postgres, reader: str) -> None:
    server.psql("grant temporary on database orders to real_h", database="orders")
    with psycopg.connect(server.url(reader, "orders", password="secret"), autocommit=True) as other:
        other.execute("create temporary table kept (a int)")
        other.execute("select lo_from_bytea(0, 'mine')")
        with wired(server, **login(reader, Effect.READ)) as guest:
            assert guest.named(Ready)


def test_the_target_looks_every_second_whether_we_are_there(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.got()
        guest.say(said("Query show client_connection_check_interval"))
        guest.exchange(lambda: b"Z\0\0\0\5I" in guest.sent[Side.CLIENT])
        assert messages.data_row([b"1s"]) in guest.got()


def test_statements_go_through_and_are_recorded(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        assert guest.run("Query insert into real_t values (1); select a from real_t limit 1") == "CTDCZ"
        assert guest.run("Parse p select $1::text", "Bind - p x", "Describe P -", "Execute -", "Sync") == "12TDCZ"
        assert guest.run("Query execute p('y')") == "TDCZ"
        assert guest.run("Bind - nope", "Execute -", "Sync") == "EZ"
        assert guest.run("Query execute nope") == "EZ"
        assert guest.run("Parse - copy real_t from stdin", "Bind - -", "Execute -", "CopyData 7\n", "CopyDone", "Sync")
        assert guest.facts() == [
            "submitted 1 query: insert into real_t values (1); select a from real_t limit 1",
            "completed 1 INSERT 0 1, SELECT 1 rows=2",
            "submitted 2 bind [p] ['x']: select $1::text",
            "completed 2 SELECT 1 rows=1",
            "submitted 3 query [p] resolved=select $1::text: execute p('y')",
            "completed 3 SELECT 1 rows=1",
            "refused 4: unknown prepared statement nope",
            "refused 5: unknown prepared statement nope",
            "submitted 6 bind: copy real_t from stdin",
            "completed 6 COPY 1 rows=1 copied=2",
        ]


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("select 1 / (3 - g) from generate_series(1, 9) g", "rows=2 error=22012"),
        ("copy (select 1 / (3 - g) from generate_series(1, 9) g) to stdout", "rows=2 error=22012"),
        ("select 1; show timezone; select 2 union select 3", "SELECT 1, SHOW, SELECT 2 rows=4"),
        ("explain (costs off) select 1", "EXPLAIN rows=1"),
        (
            "begin; declare c cursor for select generate_series(1, 9); fetch 3 c; move 2 c; commit",
            "BEGIN, DECLARE CURSOR, FETCH 3, MOVE 2, COMMIT rows=3",
        ),
    ],
    ids=["fails", "copy that fails", "show", "explain", "cursor"],
)
def test_the_rows_that_the_client_got_are_counted_whatever_the_tag_says(
    server: Postgres, text: str, recorded: str
) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run(f"Query {text}")
        assert guest.facts()[-1] == f"completed 1 {recorded}"
        guest.run("Parse p show timezone", "Sync")
        guest.run("Bind - p", "Execute -", "Sync")
        assert guest.facts()[-1] == "completed 2 SHOW rows=1"


def test_a_long_text_behind_a_name_says_which_statement_has_all_of_it(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        long = f"select {'1 + ' * 1100}1"
        guest.run(f"Parse p {long}", "Bind - p", "Execute -", "Sync")
        guest.run("Query execute p")
        *_, last = [one.fact for one in guest.named(Record) if isinstance(one.fact, Submitted)]
        behind = f"{long[:1024]} ... ({len(long)} bytes, all of which statement 1 has)"
        assert last.resolved == behind.encode()


def test_code_that_prepares_a_name_again_is_not_vouched_for(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run("Parse p select 1", "Sync")
        guest.run("Query do $$begin execute 'deallocate p'; execute 'prepare p as select 2'; end$$")
        assert guest.run("Bind - p", "Execute -", "Sync") == "2DCZ"
        assert guest.facts()[-2] == "submitted 2 bind [p] unverified: select 1"


def test_code_that_prepares_a_name_again_before_it_is_executed_is_not_vouched_for(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run("Query prepare p as select 1")
        swapped = "do $$begin execute 'deallocate p'; execute 'prepare p as select 2'; end$$; execute p"
        assert guest.run(f"Query {swapped}") == "CTDCZ"
        assert guest.facts()[-2] == f"submitted 2 query [p] unverified resolved=select 1: {swapped}"


def test_names_are_cut_where_the_target_cuts_them(server: Postgres) -> None:
    name = "n" * 63
    with wired(server, **login("real_rw")) as guest:
        guest.run("Query begin")
        guest.run(f"Parse {name}1 select 1", f"Bind {name}1 {name}2", "Sync")
        guest.run(f"Close P {name}2", f"Close S {name}2", f"Parse {name} select 42", f"Bind {name}3 {name}4", "Sync")
        assert guest.ran(f"Execute {name}1", "Sync") == "42"
        assert guest.facts()[-2:] == [f"submitted 4 execute [{name}]: select 42", "completed 4 SELECT 1 rows=1"]


@pytest.mark.parametrize(
    "again",
    [
        ("Close S p", "Parse p select 42"),
        ("Parse d do $$begin execute 'deallocate p'; execute 'prepare p as select 42'; end$$", "Bind d d", "Execute d"),
    ],
    ids=["by the protocol", "by code"],
)
def test_what_a_portal_executes_is_what_its_name_stands_for_then(server: Postgres, again: tuple[str, ...]) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run("Parse p select 1", "Parse e execute p", "Sync")
        assert guest.ran("Bind - e", *again, "Execute -", "Sync") == "42"
        assert any("execute unverified resolved=" in fact for fact in guest.facts())


def test_a_portal_whose_close_was_skipped_is_what_it_was(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run("Query begin")
        guest.run("Parse p select 42", "Bind c p", "Sync")
        guest.run("Query savepoint s")
        assert guest.run("Parse x selec", "Close P c", "Sync") == "EZ"
        guest.run("Query rollback to s")
        assert guest.ran("Execute c", "Sync") == "42"
        assert guest.facts()[-2] == "submitted 6 execute [c]: select 42"


REPREPARES = """
create function theirs() returns int language plpgsql as
$$begin execute 'deallocate p'; execute 'prepare p as select 2'; return 1; end$$;
create function "x count"(int) returns int language sql as 'select theirs()';
create schema "s.x";
create function "s.x".count(int) returns int language sql as 'select public.theirs()';
grant usage on schema "s.x" to public;
"""


@pytest.fixture
def reprepares(server: Postgres) -> Iterator[None]:
    """Functions that give the name `p` another text."""
    server.psql(REPREPARES, database="orders")
    yield
    server.psql('drop function theirs, "x count"; drop schema "s.x" cascade', database="orders")


@pytest.mark.usefixtures("reprepares")
@pytest.mark.parametrize(
    "call",
    [
        "theirs()",
        "theirs/* into f*/ ()",
        "theirs -- into f\n()",
        '"x count"(1)',
        '"s.x" . count(1)',
        '"s.x"./**/count(1)',
    ],
)
def test_a_function_is_seen_however_its_call_is_written(server: Postgres, call: str) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run("Parse p select 1", "Sync")
        assert guest.run(f"Query select {call}") == "TDCZ"
        assert guest.run("Query execute p") == "TDCZ"
        assert "submitted 2 query [p] unverified resolved=select 1: execute p" in guest.facts()


@pytest.mark.usefixtures("reprepares")
@pytest.mark.parametrize(("query", "mark"), [("theirs()", " unverified"), ("count(*) from real_t", "")])
def test_a_cursor_over_a_function_runs_it_when_it_is_fetched_from(server: Postgres, query: str, mark: str) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run(f"Query begin; declare c cursor for select {query}")
        guest.run("Query prepare p as select 1")
        assert guest.run("Query fetch c") == "TDCZ"
        assert guest.run("Query execute p") == "TDCZ"
        assert f"submitted 4 query [p]{mark} resolved=select 1: execute p" in guest.facts()


def test_a_long_text_can_be_prepared_and_executed(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        long = "x" * 40_000
        assert guest.run(f"Query prepare big(text) as select $1 /*{long}*/") == "CZ"
        assert guest.run(f"Query execute big('{long}')") == "TDCZ"
        assert guest.run(f"Query execute nope('{long}')") == "EZ"
        told = [line for line in guest.facts() if not line.startswith("completed")]
        assert told[1] == f"submitted 2 query [big] unverified resolved=select $1 /*{long}*/: execute big('{long}')"
        assert told[2] == "refused 3: unknown prepared statement nope"


def test_a_setting_that_the_target_has_not_told_yet_hides_nothing(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run("Parse p select 1", "Sync")
        hiding = r"Query select '\' , ';prepare transaction $$x$$;--'"
        swapping = r"Query select '\' , ';deallocate p; prepare p as select 2;--'"
        guest.say(said("Query set standard_conforming_strings = off") + said(hiding) + said(swapping))
        guest.exchange(lambda: kinds(guest.sent[Side.CLIENT]).count("Z") == 3)
        guest.run("Bind - p", "Execute -", "Sync")
        assert "refused 2: a prepared transaction would outlive the session" in guest.facts()
        assert "submitted 4 bind [p] unverified: select 1" in guest.facts()


def test_a_refusal_rolls_back_what_its_pipeline_did(server: Postgres) -> None:
    with wired(server, **login("real_rw")) as guest:
        guest.run("Parse - insert into real_t values (99)", "Bind - -", "Execute -", "Bind - nope", "Sync")
        assert server.execute("select count(*) from real_t where a = 99", database="orders") == [(0,)]


class WiredEnder:
    """An ender at a real server."""

    def __init__(self, given: Opened) -> None:
        self.ender = POSTGRES.ender()
        self.given = given
        self.socket = socket.socket()
        self.socket.settimeout(10)
        self.guest = Guest()

    def handle(self, event: Any, wanted: type) -> Any:
        todo = [event]
        while True:
            for effect in self.ender.handle(todo.pop(0)):
                if isinstance(effect, wanted):
                    return effect
                if isinstance(effect, Connect):
                    self.socket.connect(("127.0.0.1", self.given.target.port))
                    todo.append(Connected())
                elif isinstance(effect, Derive):
                    todo += self.guest.answer(effect)
                else:
                    self.socket.sendall(effect.data)
            if not todo:
                todo.append(Received(Side.TARGET, self.socket.recv(65536), 1.0))


def test_the_end_reaches_the_work(server: Postgres) -> None:
    given = opened(port=server.port, user="real_rw", password="secret")
    ender = WiredEnder(given)
    with ender.socket, wired(server, **login("real_rw")) as guest, wired(server, **login("real_rw")) as idle:
        enter = Enter(given.target, given.role, given.credential, "daypass ender", os.urandom(32))
        assert ender.handle(enter, Entered) == Entered()
        marks = (guest.named(Ready)[0].mark, idle.named(Ready)[0].mark)
        guest.say(said("Query select pg_sleep(60)"))
        guest.socket.sendall(guest.got(Side.TARGET))
        pid = int(marks[0]["pid"])
        server.wait_for(f"select state from pg_stat_activity where pid = {pid}", "active")
        assert ender.handle(Poke(marks[0]), Answered) == Answered(({"alive": "yes"},))
        # Until it is idle again: the server sends the error as soon as it has it.
        guest.exchange(lambda: kinds(guest.sent[Side.CLIENT])[-2:] == "EZ")
        assert b"57014" in guest.sent[Side.CLIENT]
        assert ender.handle(Stop(marks), Answered) == Answered(
            ({"alive": "yes", "was": "idle"}, {"alive": "yes", "was": "idle"})
        )
        server.wait_for(f"select count(*) from pg_stat_activity where pid in ({pid}, {marks[1]['pid']})", 0)
        assert ender.handle(Look(marks), Answered) == Answered(({"alive": "no"}, {"alive": "no"}))


def test_a_pid_that_came_again_is_not_ours(server: Postgres) -> None:
    given = opened(port=server.port, user="real_rw", password="secret")
    ender = WiredEnder(given)
    with ender.socket, wired(server, **login("real_rw")) as guest:
        enter = Enter(given.target, given.role, given.credential, "daypass ender", os.urandom(32))
        ender.handle(enter, Entered)
        mark = dict(guest.named(Ready)[0].mark) | {"backend_start": "1"}
        assert ender.handle(Stop((mark,)), Answered) == Answered(({"alive": "no"},))
        assert guest.run("Query select 1") == "TDCZ"
