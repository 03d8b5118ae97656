"""The whole main job by three people in three browsers at once, with a client that works in between."""

from __future__ import annotations

import psycopg
import pytest
from playwright.sync_api import expect

from daypass.cli.demo.gateway import ANA, BEN, CLEO
from tests.servers.daypass import Daypass
from tests.web.accessible import serious
from tests.web.browser import Browser
from tests.web.stage import DORA, ask

WHY = "INC-11: the refund of the whole job"


def test_asked_decided_used_watched_handed_back_and_signed_off(staged: Daypass, browser: Browser) -> None:
    dora, ben, cleo = (browser.window(staged, member) for member in (DORA, BEN, CLEO))
    ben.go("/inbox")
    cleo.go("/sessions?view=live")
    page = dora.go("/catalogue?pick=orders:write")
    page.get_by_label("For how long").fill("15m")
    page.get_by_role("textbox", name="Why").fill(WHY)
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", name="orders:write for 15m")).to_be_visible()

    ben.page.get_by_label("Requests to decide on").get_by_role("link", name=WHY).click()
    expect(ben.page.get_by_role("heading", name="Dora wants orders:write for 15m")).to_be_visible()
    ben.page.keyboard.press("a")
    ben.page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.get_by_label("The story")).to_contain_text("Ben voted yes")

    with psycopg.connect(staged.dsn("orders:write", DORA), autocommit=True) as connection:
        connection.execute("update orders set note = 'INC-11' where id = 11")
        expect(cleo.page.get_by_role("table", name="Sessions")).to_contain_text("set note = 'INC-11'")
        cleo.page.get_by_role("row").filter(has_text="Dora").get_by_role("link").click()
        connection.execute("select 'while it is watched'")
        expect(cleo.page.get_by_role("log")).to_contain_text("while it is watched")
        cleo.page.get_by_role("tab", name="Terminal").click()
        expect(cleo.page.locator(".ap-player")).to_contain_text("while it is watched")
        expect(page.get_by_label("The story").get_by_label("Statements")).to_contain_text("set note = 'INC-11'")

    page.get_by_role("button", name="Hand back").click()
    expect(page.get_by_label("The story")).to_contain_text("The access ended: handed back")
    expect(cleo.page.get_by_text("ended", exact=True).first).to_be_visible()

    ben.go("/reviews")
    ben.page.get_by_role("link", name="Dora").first.click()
    expect(ben.page.get_by_text(WHY)).to_be_visible()
    ben.page.get_by_role("button", name="Sign off").click()
    ben.page.get_by_label("What you say of it").fill("one row, as asked")
    ben.page.get_by_role("dialog").get_by_role("button", name="Sign off").click()
    expect(page.get_by_label("The story")).to_contain_text("one row, as asked")
    assert not dora.faults and not ben.faults and not cleo.faults


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_where_a_dialogue_is_open(staged: Daypass, browser: Browser, scheme: str) -> None:
    made = ask(staged, DORA, "write", "10m", "looked at with its dialogues open")
    page = browser.window(staged, BEN, color_scheme=scheme, bypass_csp=True).go(f"/inbox/{made}")
    found = []
    for verb in ("Approve", "Deny", "Ask"):
        page.get_by_label("The request").get_by_role("button", name=verb).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found += [f"{verb}: {one}" for one in serious(page)]
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert not found, "\n".join(found)
    staged.say(DORA, "withdraw", made)


def test_home_extends_and_asks_again(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, ANA)
    page = window.go("/")
    page.get_by_role("article").filter(has_text="orders:write").get_by_role("button", name="Extend").first.click()
    page.get_by_label("Why is more time needed?").fill("it takes longer than I thought")
    page.get_by_role("dialog").get_by_role("button", name="Extend").click()
    expect(page.get_by_text("asked for more time")).to_be_visible()
    more = next(one for one in staged.object(ANA, "requests", "--mine") if one["state"] == "PENDING")
    assert more["reason"] == "it takes longer than I thought" and more["extends"]
    staged.say(ANA, "withdraw", more["id"])
    row = page.locator(".lately").filter(has_text="compare payments").first
    row.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("asked again for orders:read")).to_be_visible()
    again = staged.object(ANA, "requests", "--mine")[0]
    assert again["reason"].endswith("compare payments") and again["role"] == "read"
    staged.say(ANA, "return", str(staged.object(ANA, "show", again["id"])["grant"]))
    assert not window.faults, window.faults
