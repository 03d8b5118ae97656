"""What the ticket's own system says, where somebody asks and where somebody decides; and when it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from daypass.cli.demo.gateway import BEN
from tests.servers import others
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres
from tests.web.browser import Browser
from tests.web.stage import DORA, ask, setup


@pytest.fixture(scope="module")
def jira() -> Iterator[others.Jira]:
    with others.Jira() as server:
        server.issues["INC-7"] = ("In Progress", "indeterminate", "dora@acme.test")
        server.issues["INC-8"] = ("Done", "done", None)
        yield server


@pytest.fixture(scope="module")
def asking(
    built: Path, postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory, jira: others.Jira
) -> Iterator[Daypass]:
    """A gateway that knows where tickets are."""
    home = tmp_path_factory.mktemp("tickets")
    (home / "jira").write_text(jira.TOKEN)
    (home / "jira").chmod(0o600)
    known = f"{{ name: jira, system: jira, url: '{jira.url}', user: {jira.USER}, token: {{ file: {home}/jira }} }}"
    with Daypass(home, postgres_15, replace(setup(), extra=f"tickets: [ {known} ]\n")) as daypass:
        yield daypass


@contextmanager
def asked(daypass: Daypass, ticket: str) -> Iterator[str]:
    """The id of a request of Dora's about this ticket."""
    made = ask(daypass, DORA, "write", "10m", f"because of {ticket}", ticket)
    yield made
    daypass.say(DORA, "withdraw", made)


def test_who_decides_sees_whether_the_ticket_is_open_and_with_whom(asking: Daypass, browser: Browser) -> None:
    window = browser.window(asking, BEN)
    with asked(asking, "INC-7") as made:
        page = window.go(f"/inbox/{made}")
        says = page.get_by_test_id("ticket")
        expect(says.get_by_text("open", exact=True)).to_be_visible()
        expect(says).to_contain_text("INC-7: About INC-7")
        expect(says).to_contain_text("In Progress, with dora@acme.test")
        expect(page.get_by_label("The request")).not_to_contain_text("ticket is closed")
    with asked(asking, "INC-8") as made:
        page = window.go(f"/inbox/{made}")
        expect(says.get_by_text("closed", exact=True)).to_be_visible()
        expect(says).to_contain_text("Done, with nobody")
        expect(page.get_by_label("The request")).to_contain_text("ticket is closed")
    assert not window.faults, window.faults


def test_who_decides_is_told_when_the_ticket_is_not_there_or_nobody_says(
    asking: Daypass, browser: Browser, jira: others.Jira
) -> None:
    window = browser.window(asking, BEN)
    with asked(asking, "INC-404") as made:
        says = window.go(f"/inbox/{made}").get_by_test_id("ticket")
        expect(says).to_contain_text("knows no ticket INC-404")
        expect(says).not_to_contain_text("open")
    jira.issues["INC-9"] = ("To Do", "new", None)
    jira.broken = b"a page about maintenance"
    with asked(asking, "INC-9") as made:
        window.go(f"/inbox/{made}")
        expect(says).to_contain_text("jira answered with something else than it documents")
    jira.broken = None
    assert not window.faults, window.faults


def test_who_asks_sees_it_before_anything_is_sent(asking: Daypass, browser: Browser, jira: others.Jira) -> None:
    jira.issues["OPS-1"] = ("To Do", "new", "ben@acme.test")
    window = browser.window(asking, DORA)
    page = window.go("/catalogue?pick=orders:write")
    page.get_by_label("Ticket").fill("OPS-1")
    foretold = page.get_by_label("What will happen")
    expect(foretold.get_by_test_id("ticket")).to_contain_text("To Do, with ben@acme.test")
    page.get_by_label("Ticket").fill("lunch")
    expect(foretold.get_by_test_id("ticket")).to_contain_text("is no ticket of")
    assert not window.faults, window.faults
