"""The SQL console as people use it: run, stumble, be watched, lose access in the middle; long and hostile results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from daypass.cli.demo.gateway import ANA, BEN
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres
from tests.web.accessible import violations
from tests.web.browser import DESKTOP, PHONE, Browser, Window
from tests.web.stage import ask, setup
from tests.web.test_pages import HOSTILE

ROWS = 100_000


@pytest.fixture(scope="module")
def served(built: Path, postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    """A gateway of this file's own, as access ends in it; who has three seconds left is told."""
    told = replace(setup(), limits=", warn_before: [3s]")
    with Daypass(tmp_path_factory.mktemp("console"), postgres_15, told) as daypass:
        yield daypass


@contextmanager
def granted(daypass: Daypass, for_: str = "30m") -> Iterator[str]:
    """Ana may write; the id of her grant."""
    asked = ask(daypass, ANA, "write", for_, "work in the console")
    daypass.say(BEN, "approve", asked)
    grant = str(daypass.object(ANA, "show", asked)["grant"])
    try:
        yield grant
    finally:
        if daypass.object(ANA, "show", grant)["state"] in ("READY", "ACTIVE"):
            daypass.say(ANA, "return", grant)


def opened(daypass: Daypass, browser: Browser, size: tuple[int, int] = DESKTOP, **more: object) -> Window:
    """Ana's window with a console that is open."""
    window = browser.window(daypass, ANA, size, **more)
    page = window.go("/console")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("idle", exact=True)).to_be_visible()
    return window


def write(page: Page, text: str) -> None:
    """Put this into the editor, in the place of what is there, and the cursor behind it. Emptied first: Chromium gives
    what it puts in the place of a selection styles of its own, which our policy refuses with a complaint."""
    editor = page.locator(".cm-content")
    editor.press("Control+a")
    editor.press("Delete")
    page.keyboard.insert_text(text)
    editor.press("Control+End")


def run(page: Page, text: str) -> None:
    write(page, text)
    page.locator(".cm-content").press("Control+Enter")


def session_of(daypass: Daypass) -> str:
    """The id of the one console that is open."""
    return str(next(one["id"] for one in daypass.sessions("--live") if one["client"].endswith("(console)")))


def test_statements_run_one_by_one_and_are_on_record(served: Daypass, browser: Browser) -> None:
    with granted(served):
        window = opened(served, browser)
        page = window.page
        write(page, "select 'first' as a, null as b, '' as c;\nselect 'second' as a")
        page.locator(".cm-content").press("Control+Home")
        page.locator(".cm-content").press("Control+Enter")
        expect(page.get_by_role("gridcell", name="first")).to_be_visible()
        expect(page.get_by_role("gridcell", name="NULL")).to_be_visible()
        expect(page.get_by_role("gridcell", name="''")).to_be_visible()
        page.get_by_role("button", name="Run all").click()
        expect(page.get_by_role("tab", name="2 · SELECT")).to_be_visible()
        expect(page.get_by_role("gridcell", name="second")).to_be_visible()
        run(page, "begin")
        expect(page.get_by_text("in a transaction", exact=True)).to_be_visible()
        run(page, "selct 1")
        expect(page.get_by_role("alert").get_by_text('syntax error at or near "selct"')).to_be_visible()
        expect(page.locator(".cm-lintRange-error")).to_have_text("selct")
        expect(page.get_by_text("transaction failed", exact=True)).to_be_visible()
        run(page, "rollback")
        expect(page.get_by_text("idle", exact=True)).to_be_visible()
        run(page, "do $$ begin raise notice 'as it goes'; end $$")
        expect(page.get_by_role("region", name="Result").get_by_text("as it goes")).to_be_visible()
        page.get_by_role("tab", name="History").click()
        expect(page.get_by_role("button", name="select 'second' as a")).to_be_visible()
        page.get_by_role("link", name="Home").first.click()
        page.get_by_role("link", name="SQL console").first.click()
        expect(page.get_by_text("idle", exact=True)).to_be_visible()  # a look at another page ends nothing
        session = session_of(served)
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.get_by_role("button", name=re.compile("^Open"))).to_be_visible()
        said = until(lambda: found if len(found := served.recorded(session)) >= 7 else None, "the record")
        assert said[:2] == ["select 'first' as a, null as b, '' as c"] * 2 and "begin" in said
        assert not window.faults


def test_tables_and_snippets(served: Daypass, browser: Browser) -> None:
    with granted(served):
        window = opened(served, browser)
        page = window.page
        page.get_by_role("button", name="Show tables").click()
        page.get_by_role("button", name="customers", exact=True).click()
        expect(page.get_by_role("button", name="email text")).to_be_visible()
        write(page, "select count(*) from ")
        page.get_by_role("button", name="insert customers").click()
        page.locator(".cm-content").press("Control+Enter")
        expect(page.get_by_role("gridcell")).to_have_count(1)
        page.get_by_role("tab", name="Snippets").click()
        page.get_by_role("button", name="Keep what is typed").click()
        page.get_by_label("Its name").fill("how many customers")
        page.get_by_role("button", name="Keep it").click()
        other = browser.window(served, ANA)
        other.go("/console").get_by_role("tab", name="Snippets").click()
        other.page.get_by_role("button", name="how many customers", exact=True).click()
        expect(other.page.locator(".cm-content")).to_contain_text("select count(*) from customers")
        page.get_by_role("button", name="remove how many customers").click()
        expect(page.get_by_role("button", name="how many customers", exact=True)).to_have_count(0)
        other.context.close()
        page.get_by_role("button", name="Close", exact=True).click()
        assert not window.faults


def test_another_person_watches_and_ends_it(served: Daypass, browser: Browser) -> None:
    with granted(served):
        window = opened(served, browser)
        run(window.page, "select 'watched', pg_sleep(600)")
        watcher = browser.window(served, BEN)
        page = watcher.go(f"/sessions/{session_of(served)}")
        expect(page.get_by_role("log").get_by_text("select 'watched', pg_sleep(600)")).to_be_visible()
        page.get_by_role("button", name="End the session").click()
        page.get_by_label("Why").fill("it takes too long")
        page.get_by_role("button", name="End it now").click()
        ended = window.page.get_by_role("alert").filter(has_text="This session has ended")
        expect(ended).to_contain_text("was ended by ben@acme.test")
        window.page.get_by_role("button", name="Open again").click()
        expect(window.page.get_by_text("idle", exact=True)).to_be_visible()
        window.page.get_by_role("button", name="Close", exact=True).click()
        assert not window.faults and not watcher.faults


def test_access_that_expires_in_the_middle_says_why_and_what_to_do(served: Daypass, browser: Browser) -> None:
    update = "update orders set note = 'half done' where id = 11 returning pg_sleep(600)"
    with granted(served, "30s") as grant:
        window = opened(served, browser)
        page = window.page
        expect(page.get_by_role("timer")).to_have_text(re.compile(r"0:[0-2]\d"))
        run(page, update)
        served.server.wait_at_work(update)
        expect(page.get_by_text("running", exact=True)).to_be_visible()
        expect(page.get_by_text("access to orders ends in 3s")).to_be_visible(timeout=40_000)
        ended = page.get_by_role("alert").filter(has_text="This session has ended")
        expect(ended).to_contain_text(f"grant {grant} expired", timeout=30_000)
        expect(ended).to_contain_text("daypass request orders --role write")
        # The client is told while the work is on its way out.
        until(lambda: not served.server.backends("app_rw") or None, "no backend of the login")
        assert served.server.execute("select note from orders where id = 11", database="orders") != [("half done",)]
        ended.get_by_role("link", name="Ask for it again").click()
        expect(page.get_by_role("heading", name="Request access")).to_be_visible()
        expect(page.get_by_role("textbox", name="Why")).to_be_visible()
        assert not window.faults


def test_it_goes_on_where_it_was_when_the_network_comes_back(served: Daypass, browser: Browser) -> None:
    with granted(served):
        window = browser.window(served, ANA)
        window.can_be_cut()
        page = window.go("/console")
        page.get_by_role("button", name="Open", exact=True).click()
        expect(page.get_by_text("idle", exact=True)).to_be_visible()
        run(page, "begin")
        expect(page.get_by_text("in a transaction", exact=True)).to_be_visible()
        run(page, "update orders set note = 'not lost' where id = 12")
        expect(page.get_by_role("region", name="Result")).to_contain_text("UPDATE 1")
        session = session_of(served)
        window.cut()
        expect(page.get_by_text("not heard", exact=True)).to_be_visible()
        run(page, "select 'never sent'")
        wrong = page.get_by_role("alert").filter(has_text="Daypass does not answer")
        expect(wrong).to_contain_text("look before you repeat it")
        window.mend()
        expect(page.get_by_text("not heard", exact=True)).to_have_count(0)
        expect(page.get_by_text("in a transaction", exact=True)).to_be_visible()
        run(page, "select note, 'still there' from orders where id = 12")
        expect(page.get_by_role("gridcell", name="not lost")).to_be_visible()
        expect(wrong).to_have_count(0)
        run(page, "rollback")
        expect(page.get_by_text("idle", exact=True)).to_be_visible()
        said = until(lambda: found if "rollback" in (found := served.recorded(session)) else None, "the record")
        assert not [one for one in said if "never sent" in one]
        page.get_by_role("button", name="Close", exact=True).click()


def test_what_runs_while_the_network_breaks_is_stopped_and_the_page_says_so(served: Daypass, browser: Browser) -> None:
    slow = "select pg_sleep(600), 'nobody listens'"
    with granted(served):
        window = browser.window(served, ANA)
        window.can_be_cut()
        page = window.go("/console")
        page.get_by_role("button", name="Open", exact=True).click()
        expect(page.get_by_text("idle", exact=True)).to_be_visible()
        session = session_of(served)
        run(page, slow)
        served.server.wait_at_work(slow)
        window.cut()
        broke = page.get_by_role("alert").filter(has_text="the answer broke off")
        expect(broke).to_contain_text("What runs is stopped when nobody listens")
        window.mend()
        (stopped,) = served.wait_entries("statement.completed", session=session)
        assert stopped["body"]["error"] == "57014", "it was cancelled at the server"
        expect(page.get_by_text("not heard", exact=True)).to_have_count(0)
        run(page, "select 'works again'")
        expect(page.get_by_role("gridcell", name="works again")).to_be_visible()
        page.get_by_role("button", name="Close", exact=True).click()


def closed(served: Daypass, session: str) -> list[dict[str, Any]]:
    """What tells that a console is over: its page is waited for a while, and a busy machine is slow."""
    return until(lambda: served.entries("console.closed", session=session) or None, "the console to be closed", 60)


def test_a_closed_window_ends_its_session(served: Daypass, browser: Browser) -> None:
    with granted(served):
        window = opened(served, browser)
        run(window.page, "begin")
        session = session_of(served)
        window.page.goto("about:blank")
        (ended,) = closed(served, session)
        assert ended["body"]["because"] in ("closed", "page closed")
        window.context.close()
        signed_out = opened(served, browser)
        session = session_of(served)
        signed_out.context.request.post(
            f"{served.web}/api/v1/sign-out",
            data={},
            headers={"X-Daypass-CSRF": "1", "Origin": served.web, "Sec-Fetch-Site": "same-origin"},
        )
        (ended,) = closed(served, session)
        assert ended["body"]["because"] == "signed out"


def test_a_hundred_thousand_rows_scroll(served: Daypass, browser: Browser) -> None:
    with granted(served):
        window = opened(served, browser)
        page = window.page
        run(page, f"select g as n, md5(g::text) as digest from generate_series(1, {ROWS}) g")
        expect(page.get_by_text("100,000 rows")).to_be_visible(timeout=60_000)
        grid = page.get_by_role("grid")
        expect(grid).to_have_attribute("aria-rowcount", str(ROWS + 1))
        grid.focus()
        grid.press("Control+End")
        expect(page.get_by_role("gridcell", name=str(ROWS), exact=True)).to_be_visible()
        assert page.get_by_role("row").count() < 100, "only what is in sight is in the document"
        with page.expect_download() as saved:
            page.get_by_role("button", name="CSV").click()
        lines = saved.value.path().read_text().splitlines()
        assert len(lines) == ROWS + 1 and lines[1] == "1,c4ca4238a0b923820dcc509a6f75849b"
        page.get_by_role("button", name="Close", exact=True).click()
        assert not window.faults


def test_hostile_cells_are_only_text_and_long_ones_are_cut(served: Daypass, browser: Browser) -> None:
    with granted(served):
        window = opened(served, browser)
        page = window.page
        quoted = HOSTILE.replace("'", "''")
        run(page, f"""select '{quoted}' as "<b>name</b>", repeat('long ', 200000) as long""")
        expect(page.get_by_role("gridcell").filter(has_text="gnp.exe")).to_be_visible()
        expect(page.get_by_role("gridcell").filter(has_text="U+202E")).to_be_attached()
        assert page.evaluate("window.hit") is None
        grid = page.get_by_role("grid")
        assert "\u202e" not in grid.inner_text() and len(grid.inner_text()) < 3000
        grid.focus()
        grid.press("ArrowRight")
        grid.press("Enter")
        expect(page.get_by_role("dialog").get_by_text("characters 1 to 50,000 of 1,000,000")).to_be_visible()
        page.get_by_role("dialog").get_by_role("button", name="On").click()
        expect(page.get_by_role("dialog").get_by_text("characters 50,001 to 100,000")).to_be_visible()
        page.keyboard.press("Escape")
        with page.expect_download() as saved:
            page.get_by_role("button", name="JSON").click()
        found = json.loads(saved.value.path().read_text())
        assert len(found["rows"][0][1]) == 1_000_000 and found["rows"][0][0] == HOSTILE
        page.get_by_role("button", name="Close", exact=True).click()
        assert not window.faults


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark phone"])
def test_axe_finds_nothing_serious_in_the_console(
    served: Daypass, browser: Browser, scheme: str, size: tuple[int, int]
) -> None:
    with granted(served):
        window = opened(served, browser, size, color_scheme=scheme, bypass_csp=True)
        page = window.page
        write(page, "select 1 as one, null as none;\nselect nothing")
        page.get_by_role("button", name="Run all").click()
        expect(page.get_by_role("alert").get_by_text("does not exist")).to_be_visible()
        found = violations(page)
        page.get_by_role("tab", name="1 · SELECT").click()
        page.get_by_role("button", name="Show tables").click()
        expect(page.get_by_role("button", name="insert orders")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the page"
        found += violations(page)
        page.get_by_role("button", name="Close", exact=True).click()
    assert not found, "\n".join(found)
