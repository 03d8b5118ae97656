"""The insights page: every question's number is the API's, its address is the question, its files are all its rows."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import expect

from daypass.cli.demo.gateway import ANA, CLEO, Member
from daypass.insights.questions import QUESTIONS
from tests.servers.daypass import Daypass
from tests.web.accessible import serious
from tests.web.browser import PHONE, Browser


def asked(daypass: Daypass, name: str, by: Member = CLEO) -> Any:
    bearer = {"Authorization": f"Bearer {daypass.token(by)}"}
    url = f"{daypass.web}/api/v1/insights/{name}"
    with urllib.request.urlopen(urllib.request.Request(url, headers=bearer), timeout=30) as answer:
        return json.load(answer)


def test_every_question_is_there_with_its_number(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/insights")
    for name, question in QUESTIONS.items():
        card = page.get_by_role("article", name=question.title, exact=True)
        expect(card).to_contain_text(question.definition)
        found = asked(staged, name)
        if question.unit == "count":
            expect(card.locator(".figure")).to_have_text(f"{found['number']:g}")
        elif question.unit == "share":
            said = "–" if found["number"] is None else re.compile(r"^[\d.]+ %$")
            expect(card.locator(".figure")).to_have_text(said)
    assert not window.faults, window.faults


def test_one_question_with_its_chart_groups_rows_and_files(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/insights?last=7d")
    page.get_by_role("main").get_by_role("link", name="Requests", exact=True).click()
    expect(page).to_have_url(re.compile(r"/insights/requests\?last=7d"))
    expect(page.locator("canvas")).to_be_visible()
    page.get_by_role("button", name="by team").click()
    page.get_by_role("button", name=re.compile("payments-oncall")).click()
    expect(page).to_have_url(re.compile("only=payments-oncall"))
    rows = page.get_by_role("table", name="The rows behind it")
    expect(rows.get_by_role("row").nth(1)).to_contain_text("@acme.test")
    number = page.locator(".figure").inner_text()
    shared = browser.window(staged, CLEO).go(page.url.removeprefix(staged.web))
    expect(shared.locator(".figure")).to_have_text(number)
    expect(shared.get_by_role("button", name="everything, not only payments-oncall")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    lines = saved.value.path().read_text().splitlines()
    assert lines[0] == ",".join(QUESTIONS["requests"].columns) and len(lines) == 1 + int(number)
    with page.expect_download() as saved:
        page.get_by_role("button", name="JSON").click()
    assert len(json.loads(saved.value.path().read_text())) == int(number)
    page.get_by_text("What is counted exactly").click()
    expect(page.get_by_text("are the groups that the requester is in now")).to_be_visible()
    assert not window.faults, window.faults


def test_who_reads_no_log_is_told_of_their_own(staged: Daypass, browser: Browser) -> None:
    page = browser.window(staged, ANA).go("/insights/requests")
    expect(page.get_by_text("of your own access")).to_be_visible()
    expect(page.locator(".figure")).to_have_text(f"{asked(staged, 'requests', ANA)['number']:g}")
    page = browser.window(staged, ANA).go("/insights/weather")
    expect(page.get_by_role("alert")).to_contain_text("there is no question weather")


@pytest.mark.parametrize(("scheme", "size"), [("light", (1280, 860)), ("dark", PHONE)])
def test_axe_finds_nothing_serious(staged: Daypass, browser: Browser, scheme: str, size: tuple[int, int]) -> None:
    window = browser.window(staged, CLEO, size, color_scheme=scheme, bypass_csp=True)
    window.go("/")
    for path in ("/insights", "/insights/requests?by=team", "/insights/unused-grants", "/insights/agreeing-pairs"):
        assert not serious(window.turn(path)), path
