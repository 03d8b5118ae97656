"""The time line of a request: who did what, on which day, with what words, and what was done in its sessions."""

from __future__ import annotations

from playwright.sync_api import expect

from daypass.cli.demo.gateway import ANA, BEN, CLEO
from tests.servers.daypass import Daypass, until
from tests.web.browser import Browser
from tests.web.stage import ask


def test_the_story_goes_from_what_was_asked_to_the_words_of_who_signed_it_off(
    staged: Daypass, browser: Browser
) -> None:
    made = ask(staged, ANA, "read", "10m", "INC-8: one look for the story", "INC-8")
    staged.psql("select count(*) from customers where id = 77", target="orders:read")
    staged.say(ANA, "return", str(staged.object(ANA, "show", made)["grant"]))
    window = browser.window(staged, CLEO)
    page = window.go(f"/requests/{made}")
    story = page.get_by_label("The story")
    expect(story).to_contain_text("the rule “on-call reads” matched")
    expect(story.get_by_label("Statements")).to_contain_text("select count(*) from customers where id = 77")
    expect(story.locator(".day")).to_contain_text("20")
    owed = until(lambda: next((o for o in staged.object(BEN, "obligations") if o["request"] == made), None), "a duty")
    staged.say(BEN, "sign-off", owed["id"], "--note", "it was one look, as asked")
    expect(story).to_contain_text("Ben signed it off")
    expect(story).to_contain_text("it was one look, as asked")
    story.get_by_role("link", name="select count(*) from customers").click()
    expect(page.get_by_role("heading", name="Ana in orders:read")).to_be_visible()
    assert not window.faults, window.faults


def test_a_vote_says_yes_or_no_and_why(staged: Daypass, browser: Browser) -> None:
    denied = next(one for one in staged.object(CLEO, "requests", "--all") if one["reason"] == "clean up old rows")
    story = browser.window(staged, CLEO).go(f"/requests/{denied['id']}").get_by_label("The story")
    expect(story).to_contain_text("Ben voted no")
    expect(story).to_contain_text("please name the rows")


def test_a_request_for_more_time_leads_to_what_it_extends(staged: Daypass, browser: Browser) -> None:
    grant = next(one for one in staged.object(ANA, "grants") if one["role"] == "write" and one["state"] == "ACTIVE")
    more = staged.object(ANA, "extend", grant["id"], "--by", "5m", "--reason", "the refund takes longer")
    page = browser.window(staged, CLEO).go(f"/requests/{more['id']}")
    expect(page.get_by_role("heading", name="5m more of orders:write")).to_be_visible()
    expect(page.get_by_label("The story")).to_contain_text("Ana asked for 5m more of orders:write")
    page.get_by_label("What was asked").get_by_role("link", name="orders:write for 45m").click()
    expect(page.get_by_role("heading", name="orders:write for 45m")).to_be_visible()
    staged.say(ANA, "withdraw", more["id"])
