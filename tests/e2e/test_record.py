"""The record is what happened: compared with the server's own log, statement by statement."""

from __future__ import annotations

import json
from contextlib import suppress

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA, CLEO, Setup
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres


@pytest.fixture
def daypass(postgres: Postgres, starting: Starting) -> Daypass:
    daypass = starting(postgres)
    daypass.grant()
    return daypass


def finished(daypass: Daypass) -> str:
    """The one session's id, when its end is in the log."""
    (session,) = daypass.sessions()
    daypass.wait_entries("session.ended", session=session["id"])
    return str(session["id"])


def outcomes(daypass: Daypass, session: str) -> list[dict[str, object]]:
    return [entry["body"] for entry in daypass.wait_entries("statement.completed", session=session)]


def test_simple_statements(daypass: Daypass) -> None:
    texts = ["select 1", "update orders set note = 'x' where id in (1, 2)", "select 1; select 2"]
    daypass.psql(*texts)
    session = finished(daypass)
    assert daypass.recorded(session) == texts
    submitted = daypass.entries("statement.submitted", session=session)
    assert [entry["body"]["statement"] for entry in submitted] == [1, 2, 3]
    assert [entry["body"]["effect"] for entry in submitted] == ["read", "write", "read"]
    completed = outcomes(daypass, session)
    assert [body["tags"] for body in completed] == [["SELECT 1"], ["UPDATE 2"], ["SELECT 1", "SELECT 1"]]
    assert all(entry["chains"] for entry in submitted)


def test_the_text_stands_in_no_entry(daypass: Daypass) -> None:
    daypass.psql("select 'very private words'")
    finished(daypass)
    assert b"very private words" not in json.dumps(daypass.entries()).encode()


def test_bind_values_and_prepared_names(daypass: Daypass) -> None:
    with psycopg.connect(daypass.dsn(), autocommit=True, prepare_threshold=0) as connection:
        for n in (1, 2):
            connection.execute("select %s::text, %s::int", (f"value {n}", n))
    session = finished(daypass)
    asked = [json.loads(event[2]) for event in daypass.recording(session) if event[1] == "sql.q"]
    executed = [query for query in asked if query.get("values")]
    assert {query["text"] for query in executed} == {"select $1::text, $2::int"}
    assert "value 2" in json.dumps(executed[-1]["values"])


def test_errors_have_their_code(daypass: Daypass) -> None:
    daypass.psql("select 1/0")
    assert [body["error"] for body in outcomes(daypass, finished(daypass))] == ["22012"]


def test_tables_read_and_written(daypass: Daypass) -> None:
    daypass.psql(
        "insert into payments (order_id, method, amount_cents, paid_at)"
        " select id, 'x', 1, now() from orders where id = 1"
    )
    (entry,) = daypass.entries("statement.submitted", session=finished(daypass))
    assert entry["body"]["writes"] == ["payments"]
    assert entry["body"]["reads"] == ["orders"]


def test_what_an_executed_name_stands_for_is_on_record_and_found(daypass: Daypass) -> None:
    daypass.psql("prepare a(int) as update orders set note = 'by name' where id = $1", "execute a(7)")
    session = finished(daypass)
    *_, entry = daypass.entries("statement.submitted", session=session)
    assert (entry["body"]["kind"], entry["body"]["effect"], entry["body"]["writes"]) == ("execute", "write", ["orders"])
    assert "-- a: update orders set note = 'by name' where id = $1" in daypass.run(CLEO, "replay", session).stdout
    hits = daypass.object(CLEO, "search", '"by name"', "--table", "orders", "--kind", "execute")
    assert len(hits) == 1
    until(lambda: daypass.verify(), "the verifier to be content")


@pytest.mark.parametrize("terms", [60, 30_000, 120_000])
def test_a_text_that_goes_too_deep_for_a_parser_is_recorded_like_any_other(daypass: Daypass, terms: int) -> None:
    text = f"select {'+'.join('1' * terms)}"
    with psycopg.connect(daypass.dsn(), autocommit=True) as session:
        for opaque in ("", "do $$begin end$$; "):
            with suppress(psycopg.errors.StatementTooComplex):
                session.execute(opaque + text)
        session.execute("select 'still here'")
    kinds = [one["body"]["kind"] for one in daypass.entries("statement.submitted", session=finished(daypass))]
    assert kinds == ["unknown", "unknown", "select"]


def test_everything_that_psql_sends_is_what_the_server_logged(daypass: Daypass) -> None:
    daypass.psql(r"\d orders", r"\dt", "begin", "select count(*) from payments", "commit")
    session = finished(daypass)
    (opened,) = daypass.entries("session.opened", session=session)
    logged = daypass.server.statements(pid=int(opened["body"]["mark"]["pid"]))
    recorded = daypass.recorded(session)
    assert logged[-len(recorded) :] == recorded


def test_rows_are_kept_only_where_the_target_says_so(postgres_15: Postgres, starting: Starting) -> None:
    daypass = starting(postgres_15, Setup(target="    record: results\n"))
    daypass.grant()
    daypass.psql("select email from customers where id = 42")
    lines = "\n".join(daypass.cast(finished(daypass)))
    assert "customer42@shop.test" in lines


def test_rows_are_not_kept_otherwise(daypass: Daypass) -> None:
    daypass.psql("select email from customers where id = 42")
    assert "customer42@shop.test" not in "\n".join(daypass.cast(finished(daypass)))


def test_the_story_is_complete_and_in_order(daypass: Daypass) -> None:
    daypass.psql("select 1")
    session = finished(daypass)
    types = [entry["type"] for entry in daypass.entries()]
    story = [
        "request.created",
        "request.voted",
        "request.approved",
        "grant.activated",
        "session.opened",
        "statement.submitted",
        "statement.completed",
        "session.ended",
    ]
    assert [type for type in types if type in story] == story
    assert [
        link["n"] for entry in daypass.entries(session=session) for link in entry["chains"] if session in link["name"]
    ]
    until(lambda: daypass.verify(), "the verifier to be content")


def test_statements_whose_record_is_longer_than_they_are(daypass: Daypass) -> None:
    """A quote is four characters in a recording, as JSON within JSON, and two in a page of statements."""
    long = "select length('" + '"' * (17 << 20) + "')"
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        for text in ("select 'before'", long, long, "select 'after'"):
            connection.execute(text.encode())
    session = finished(daypass)
    replayed = daypass.say(ANA, "replay", session)
    assert "select 'before'" in replayed and "select 'after'" in replayed
    assert [json.loads(line) for line in daypass.say(ANA, "replay", session, "--raw").split("\n") if line]
    first = json.loads(daypass.get(f"sessions/{session}/statements"))
    assert [one["n"] for one in first["items"]] == [1] and first["next"]
    whole = daypass.object(ANA, "replay", session)["statement_list"]
    assert [one["text"] for one in whole] == ["select 'before'", long, long, "select 'after'"]
