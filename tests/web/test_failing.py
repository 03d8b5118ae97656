"""What cannot be asked is said to be so, with what to do: it never looks as if there were nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from daypass.cli.demo.gateway import ANA
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres
from tests.web.browser import Browser
from tests.web.stage import setup

ASKED_AGAIN_MS = 60_000
"""The page asks three times more, at growing intervals, before it says so."""
NOTHING = ("You can reach nothing at the moment", "You have asked for nothing yet")


@dataclass(frozen=True, slots=True)
class Breaking:
    """A gateway whose store may be stopped."""

    daypass: Daypass
    store: Postgres


@pytest.fixture
def breaking(built: Path, postgres_15: Postgres, tmp_path: Path) -> Iterator[Breaking]:
    with Postgres.copied() as store:
        given = replace(setup(), store=store.create_database("daypass"))
        with Daypass(tmp_path, postgres_15, given) as daypass:
            yield Breaking(daypass, store)


def test_home_says_what_is_wrong_and_what_to_do(breaking: Breaking, browser: Browser) -> None:
    page = browser.window(breaking.daypass, ANA).go("/settings")
    expect(page.get_by_role("heading", name="My account")).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    breaking.store.kill()
    page.get_by_role("link", name="Home").first.click()
    for name in ("My access now", "Asked lately"):
        wrong = page.get_by_role("region", name=name).get_by_role("alert")
        expect(wrong).to_contain_text("the store cannot be used", timeout=ASKED_AGAIN_MS)
        expect(wrong).to_contain_text("it is safe to try again")
    for words in NOTHING:
        expect(page.get_by_text(words)).to_have_count(0)
    page.reload()
    wrong = page.get_by_role("alert")
    expect(wrong).to_contain_text("the store cannot be used", timeout=ASKED_AGAIN_MS)
    breaking.store.start()
    wrong.get_by_role("button", name="Try again").click()
    for words in NOTHING:
        expect(page.get_by_text(words)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
