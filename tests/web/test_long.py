"""What is long: a recording of 100 MB, lists of thousands, a line of 1 MB. Each begins at once, and goes on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Response, expect
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Setup
from daypass.domain.identifiers import uuid7
from daypass.domain.request import Request, RequestState, Route
from daypass.store import codec
from daypass.store.opening import FILE
from daypass.store.schema import requests
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres
from tests.store.things import REQUEST
from tests.web.browser import Browser
from tests.web.long import lengthen, text_of

SIZE = 100_000_000
PART_BYTES_MAX = 5_000_000
"""What may have been fetched when the first picture is there: a part, and the app."""
MANY = 5000
ROWS_DRAWN_MAX = 120


@pytest.fixture(scope="module")
def long(
    built: Path, postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Daypass, str, int]]:
    """A gateway with one session whose recording has 100 MB, and thousands of requests; the number of the last
    statement."""
    with Daypass(tmp_path_factory.mktemp("long"), postgres_15, Setup(target="    record: results\n")) as daypass:
        daypass.grant()
        daypass.psql("select 'the very first' as said, 7 as lucky")
        (session,) = daypass.sessions()
        ana = daypass.object(ANA, "whoami")["id"]
        daypass.stop()
        last = asyncio.run(lengthen(daypass.data, session["id"], SIZE))
        asyncio.run(_many(daypass.data / FILE, str(ana)))
        daypass.start()
        yield daypass, str(session["id"]), last


async def _many(file: Path, requester: str) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")
    async with engine.begin() as connection:
        await connection.execute(insert(requests), [codec.request_row(_request(n, requester)) for n in range(MANY)])
    await engine.dispose()


def _request(n: int, requester: str) -> Request:
    at = 1_700_000_000_000 + n * 60_000
    return replace(
        REQUEST,
        id=uuid7(at, n.to_bytes(10, "big")),
        requester=requester,
        state=RequestState.EXPIRED,
        route=Route(),
        reason=f"number {n} of many",
        created_at=at,
        grant=None,
    )


def test_a_recording_of_100_mb_shows_its_beginning_at_once(long: tuple[Daypass, str, int], browser: Browser) -> None:
    daypass, session, _ = long
    window = browser.window(daypass, CLEO)
    fetched: list[Response] = []
    window.page.on("response", lambda answer: fetched.append(answer))
    page = window.go(f"/sessions/{session}")
    expect(page.locator(".ap-player")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("the very first"))).to_be_visible()
    assert sum(len(one.body()) for one in fetched if one.ok and "/changes" not in one.url) < PART_BYTES_MAX
    page.get_by_role("tab", name="Transcript").click()
    expect(page.get_by_role("log").get_by_text("the very first | 7")).to_be_visible()
    assert not window.faults, window.faults


def test_one_goes_along_it_and_jumps_to_a_statement(long: tuple[Daypass, str, int], browser: Browser) -> None:
    daypass, session, last = long
    window = browser.window(daypass, CLEO)
    page = window.go(f"/sessions/{session}")
    line = page.get_by_label("Where in the recording")
    line.focus()
    page.keyboard.press("End")
    expect(line).to_have_attribute("aria-valuetext", re.compile(r"part (\d+) of \1$"))
    page.get_by_role("button", name=re.compile(f"^{last} ")).click()
    expect(page.locator(".ap-player")).to_contain_text(text_of(last))
    page.get_by_role("button", name="The part before").click()
    expect(page.get_by_role("button", name=re.compile(f"^{last} "))).to_have_count(0)
    middle = last // 2
    page.goto(f"{daypass.web}/sessions/{session}?n={middle}")
    expect(page.get_by_role("button", name=re.compile(f"^{middle} "))).to_have_attribute("aria-current", "true")
    expect(page.locator(".ap-player")).to_contain_text(text_of(middle))
    assert not window.faults, window.faults


def test_a_list_of_thousands_draws_only_what_is_in_sight(long: tuple[Daypass, str, int], browser: Browser) -> None:
    daypass, _, _ = long
    for member in (CLEO, ANA):
        window = browser.window(daypass, member)
        page = window.go("/requests")
        table = page.get_by_role("table", name="Requests")
        expect(table.get_by_text("orders:write").first).to_be_visible()
        for n in range(MANY - 1, MANY - 600, -150):
            row = table.get_by_text(f"number {n} of many")
            for _ in range(60):
                if row.count():
                    break
                table.evaluate("box => { box.scrollTop += 20 * 46 }")
                page.wait_for_timeout(50)
            expect(row).to_be_visible()
            assert table.get_by_role("row").count() < ROWS_DRAWN_MAX
        assert not window.faults, window.faults


def test_a_line_of_1_mb_is_cut_until_asked_for(long: tuple[Daypass, str, int], browser: Browser) -> None:
    daypass, _, _ = long
    with psycopg.connect(daypass.dsn("orders"), autocommit=True) as connection:
        connection.execute(f"select 1 as x /* {'y' * 1_000_000} <script>window.hit = 1</script> */")  # type: ignore[call-overload]
    session = daypass.sessions()[0]["id"]
    window = browser.window(daypass, BEN)
    page = window.go(f"/sessions/{session}")
    page.get_by_role("tab", name="Transcript").click()
    expect(page.get_by_text(re.compile("9\\d\\d,\\d\\d\\d more characters")).first).to_be_visible()
    assert page.evaluate("document.body.innerText.length") < 20_000 and page.evaluate("window.hit") is None
    page.get_by_role("button", name="show more").first.click()
    expect(page.get_by_role("log")).to_contain_text("y" * 3000)
    assert not window.faults, window.faults
