"""The search page: the question stands in the address, facets narrow it down, and files hold every hit of it."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

from playwright.sync_api import Page, expect

from daypass.cli.demo.gateway import ANA, CLEO
from tests.servers.daypass import Daypass
from tests.web.browser import Browser


def saved(page: Page, name: str) -> str:
    """What the file of this button holds."""
    with page.expect_download() as file:
        page.get_by_role("button", name=name, exact=True).click()
    return file.value.path().read_text()


def counted(daypass: Daypass, question: str) -> dict[str, dict[str, int]]:
    """How many hits there are of each value, by facet, as the API says."""
    found: dict[str, Any] = json.loads(daypass.get(f"search/facets?{question}"))
    assert found["state"] == "WHOLE"
    return {one["name"]: {value["label"]: value["count"] for value in one["values"]} for one in found["facets"]}


def test_its_question_is_in_the_address(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/search?q=refund")
    expect(page.get_by_text("paid twice").first).to_be_visible()
    page.get_by_label("What to look for").fill("customer")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page).to_have_url(re.compile("q=customer"))
    page.get_by_label("What to look for").fill("nobody ever said this")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("Nothing was found")).to_be_visible()
    expect(page.get_by_role("button", name="CSV")).to_be_disabled()
    assert not window.faults


def test_facets_count_all_hits_and_narrow_them_down(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/search?q=refund")
    narrow = page.get_by_label("Narrow down")
    whole = counted(staged, "q=refund")
    hits = page.get_by_role("group", name="Hits")
    for name, values in whole.items():
        facet = narrow.get_by_role("region", name=name, exact=True)
        for label, count in values.items():
            words = re.compile(rf"^{re.escape(label)}\s*{count}$")
            expect(facet.get_by_role("button").filter(has_text=words)).to_have_count(1)
    ana = narrow.get_by_role("region", name="person").get_by_role("button").filter(has_text="Ana")
    ana.click()
    expect(page).to_have_url(re.compile("person=ana%40acme.test"))
    expect(ana).to_have_attribute("aria-pressed", "true")
    expect(narrow).to_contain_text(f"{whole['person']['Ana']} hits")
    narrow.get_by_role("region", name="kind").get_by_role("button").filter(has_text="request.created").click()
    both = counted(staged, "q=refund&person=ana@acme.test&kind=request.created")
    expect(narrow).to_contain_text(f"{both['kind']['request.created']} hits")
    expect(hits.locator(".hit")).to_have_count(both["kind"]["request.created"])
    expect(hits).not_to_contain_text("Dora")
    shared = browser.window(staged, CLEO).go(page.url.removeprefix(staged.web))
    expect(shared.get_by_role("group", name="Hits").locator(".hit")).to_have_count(both["kind"]["request.created"])
    expect(shared.get_by_role("textbox", name="person")).to_have_value(ANA.email)
    ana.click()
    expect(page).not_to_have_url(re.compile("person="))
    expect(narrow.get_by_role("region", name="person")).to_contain_text("Dora")
    assert not window.faults, window.faults


def test_a_day_is_chosen_and_let_go_again(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/search?q=refund")
    days = page.get_by_label("Narrow down").get_by_role("region", name="time").get_by_role("button")
    (day, *_) = counted(staged, "q=refund")["time"]
    days.filter(has_text=day).click()
    expect(page).to_have_url(re.compile(r"since=\d+&until=\d+"))
    expect(days.filter(has_text=day)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("paid twice").first).to_be_visible()
    page.get_by_role("button", name="any time again").click()
    expect(page).not_to_have_url(re.compile("since="))
    page.goto(f"{staged.web}/search?q=refund&since=1000000000000&until=1000086400000")
    expect(page.get_by_text("Nothing was found")).to_be_visible()
    assert not window.faults, window.faults


def test_files_hold_every_hit_of_the_question(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/search?kind=request.created&person=ana@acme.test")
    expect(page.get_by_role("group", name="Hits").locator(".hit").first).to_be_visible()
    asked: list[Any] = json.loads(staged.get("search?kind=request.created&person=ana@acme.test&limit=100"))["items"]
    found = json.loads(saved(page, "JSON"))
    assert [one["id"] for one in found] == [one["id"] for one in asked]
    assert [one["said"] for one in found] == [one["said"] for one in asked], "as it was said, to the byte"
    rows = list(csv.DictReader(io.StringIO(saved(page, "CSV"))))
    assert [row["leaf"] for row in rows] == [one["leaf"] for one in asked]
    assert {row["person"] for row in rows} == {ANA.email} and {row["type"] for row in rows} == {"request.created"}
    assert not window.faults, window.faults
