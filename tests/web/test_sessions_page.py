"""Sessions in the browser: what open ones are doing, what was refused, and statements by the thousand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

from daypass.cli.demo.gateway import ANA, CLEO
from tests.servers.daypass import Daypass, until
from tests.web.browser import Browser

MANY = 2500
"""Statements of one session: more than two pages of the API."""


def newest(staged: Daypass) -> str:
    return str(staged.sessions()[0]["id"])


@pytest.fixture
def at_work(staged: Daypass) -> Iterator[str]:
    """The id of a session with a statement that goes on. The stage's own is not there any more where other files have
    killed it, or started the gateway again."""
    before = {one["id"] for one in _live(staged)}
    client = staged.start_client(*staged.psql_argv("select pg_sleep(3600)", target="orders:write"))

    def found() -> str | None:
        fresh = [one for one in _live(staged) if one["id"] not in before and one["state"] == "OPEN"]
        return next((str(one["id"]) for one in fresh if "pg_sleep" in json.dumps(one["current"])), None)

    yield until(found, "the statement", 30)
    client.kill()
    client.wait()


@pytest.mark.usefixtures("at_work")
def test_open_sessions_are_listed_with_their_current_statement(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/sessions?view=live")
    table = page.get_by_role("table", name="Sessions")
    expect(table).to_contain_text("pg_sleep(3600)")
    with psycopg.connect(staged.dsn("orders:write"), autocommit=True) as connection:
        for said in ("the first thing", "the second thing"):
            connection.execute(f"select '{said}'")  # type: ignore[call-overload]
            expect(table).to_contain_text(said)
        expect(table).not_to_contain_text("the first thing")
        until(lambda: _doing(staged) == ("COMPLETED", "select 'the second thing'") or None, "its completion")
    expect(table).not_to_contain_text("the second thing")
    assert not window.faults, window.faults


def test_that_the_current_statement_was_read_is_on_record(staged: Daypass, at_work: str) -> None:
    cleo = staged.object(CLEO, "whoami")["id"]

    def reads() -> int:
        found = [one for one in staged.entries("recording.read") if one["actor"]["id"] == cleo]
        return len([one for one in found if at_work in one["body"]["sessions"]])

    before = until(lambda: reads() or None, "that it was read")
    _live(staged)
    later = staged.object(ANA, "request", "orders", "--role", "read", "--for", "5m", "--reason", "later than that")
    staged.wait_entries("request.created", request=later["id"])
    staged.say(ANA, "withdraw", later["id"])
    assert reads() == before, "once in a while is enough"


def _doing(staged: Daypass) -> tuple[str, str]:
    """State and text of what the newest session did last."""
    (doing,) = [one["current"] for one in _live(staged) if one["id"] == newest(staged)]
    return doing["state"], doing["text"]


def _live(staged: Daypass) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(staged.get("sessions?live=true&current=true"))["items"]
    return found


@pytest.fixture
def limited(staged: Daypass) -> Iterator[Daypass]:
    """Ana may read one table."""
    asked = staged.object(
        ANA, "request", "orders", "--role", "read", "--for", "10m", "--reason", "one table", "--ticket", "INC-7",
        "--scope", "public.orders",
    )  # fmt: skip
    yield staged
    staged.say(ANA, "return", staged.object(ANA, "show", asked["id"])["grant"])


def test_a_refused_statement_says_so_and_why(limited: Daypass, browser: Browser) -> None:
    limited.psql("select * from payments", target="orders:read")
    window = browser.window(limited, CLEO)
    page = window.go(f"/sessions/{newest(limited)}")
    beside = page.get_by_role("group", name="Statement list")
    expect(beside.get_by_role("button", name=re.compile("select \\* from payments"))).to_contain_text("refused: ")
    page.get_by_role("tab", name="Transcript").click()
    expect(page.get_by_role("log")).to_contain_text("refused: ")
    expect(page.get_by_role("log")).not_to_contain_text("running")
    assert not window.faults, window.faults


def test_tables_of_thousands_of_statements_are_there_where_one_looks(staged: Daypass, browser: Browser) -> None:
    with psycopg.connect(staged.dsn("orders:write"), autocommit=True) as connection, connection.pipeline():
        for n in range(MANY):
            connection.execute(f"select count(*) from customers as c where id = {n}")  # type: ignore[call-overload]
    until(lambda: staged.sessions()[0]["statements"] == MANY or None, "all statements on record", 60)
    session = newest(staged)
    first = json.loads(staged.get(f"sessions/{session}/statements"))
    assert len(first["items"]) == 1000 and first["next"]
    assert {one["state"] for one in first["items"]} == {"COMPLETED"}, "an outcome may stand far behind its statement"
    some = json.loads(staged.get(f"sessions/{session}/statements?first=1499&last=1501"))["items"]
    assert [one["n"] for one in some] == [1499, 1500, 1501] and some[1]["reads"] == ["customers"]
    assert len(staged.object(CLEO, "replay", session)["statement_list"]) == MANY
    window = browser.window(staged, CLEO)
    page = window.go(f"/sessions/{session}?n={MANY}")
    last = page.get_by_role("button", name=re.compile(f"^{MANY} "))
    expect(last).to_contain_text("select · customers")
    assert not window.faults, window.faults


def test_a_watch_goes_on_where_it_was_when_the_network_comes_back(staged: Daypass, browser: Browser) -> None:
    with psycopg.connect(staged.dsn("orders:write"), autocommit=True) as connection:
        connection.execute("select 'before it was away'")
        window = browser.window(staged, CLEO)
        window.can_be_cut()
        page = window.go(f"/sessions/{newest(staged)}")
        transcript = page.get_by_role("log")
        expect(transcript).to_contain_text("before it was away")
        window.cut()
        expect(page.get_by_text("Daypass does not answer")).to_be_visible()
        connection.execute("select 'while it was away'")
        window.mend()
        connection.execute("select 'after it came back'")
        expect(transcript).to_contain_text("after it came back")
        expect(transcript.get_by_text("select 'while it was away'")).to_have_count(1)
        expect(transcript.get_by_text("select 'before it was away'")).to_have_count(1)


def test_what_is_missing_from_a_recording_is_said(staged: Daypass, browser: Browser) -> None:
    with psycopg.connect(staged.dsn("orders:write"), autocommit=True) as connection:
        connection.execute("select 'all of this is there'")
    whole = newest(staged)
    client = staged.start_client(*staged.psql_argv("select pg_sleep(3600) /* cut off */", target="orders:write"))
    staged.server.wait_at_work("select pg_sleep(3600) /* cut off */")
    cut = newest(staged)
    staged.kill()
    client.wait(30)
    staged.start()
    until(lambda: [one for one in staged.sessions() if one["id"] == cut and one["recording"] == "gap"] or None, "a gap")
    window = browser.window(staged, CLEO)
    page = window.go(f"/sessions/{cut}")
    expect(page.get_by_text("recording has a gap", exact=True)).to_be_visible()
    expect(page.get_by_label("Recording").get_by_role("alert")).to_contain_text("something that happened")
    expect(page.locator(".ap-player")).to_be_visible()
    statement = page.get_by_role("group", name="Statement list").get_by_role("button", name=re.compile("cut off"))
    expect(statement).to_contain_text("no outcome recorded")
    table = window.go("/sessions").get_by_role("table", name="Sessions")
    expect(table.get_by_role("row").filter(has=page.locator(f"a[href='/sessions/{cut}']"))).to_contain_text("gap")
    page = window.go(f"/sessions/{whole}")
    expect(page.locator(".ap-player")).to_be_visible()
    expect(page.get_by_text("gap")).to_have_count(0)
    assert not window.faults, window.faults
