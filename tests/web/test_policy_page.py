"""The policy page: read, explained, changed in a branch, tried, held against history, approved by a second person."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from daypass.cli.demo.gateway import ANA, CLEO
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres
from tests.web.accessible import serious
from tests.web.browser import PHONE, Browser
from tests.web.stage import DORA, POLICY, SAM, TESS, ask, setup

POLICY_NAME = "payments-production"
SURE_MS = 200
"""A list of completions takes no key that comes as soon as it opens, as that was meant for the text."""


@pytest.fixture(scope="module")
def ruled(built: Path, postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    """A gateway whose policy may be changed, with two requests that were asked under it."""
    with Daypass(tmp_path_factory.mktemp("ruled"), postgres_15, setup()) as daypass:
        for by, role, for_ in ((DORA, "write", "3h"), (DORA, "write", "20m")):
            ask(daypass, by, role, for_, f"asked for {for_}")
        yield daypass


def propose(daypass: Daypass) -> str:
    """Sam proposes a remark; its id."""
    body = json.dumps({"text": f"# a remark\n{POLICY}", "note": "why not"}).encode()
    headers = {"Authorization": f"Bearer {daypass.token(SAM)}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{daypass.web}/api/v1/policy/proposals", body, headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return str(json.load(answer)["id"])


def write(page: Page, text: str) -> None:
    """Have the editor say this. Emptied first: Chromium gives what it puts in the place of a selection styles of its
    own, which our policy refuses with a complaint."""
    editor = page.get_by_role("textbox", name=re.compile("The policy"))
    expect(editor).to_be_visible()
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def file_of(daypass: Daypass) -> Path:
    return daypass.home / "policies" / "payments.yaml"


def test_the_policy_is_read_as_rules_and_as_its_file(ruled: Daypass, browser: Browser) -> None:
    window = browser.window(ruled, CLEO)
    page = window.go("/policy")
    rules = page.get_by_role("list", name=f"Rules of {POLICY_NAME}")
    expect(rules.get_by_role("listitem")).to_have_count(3)
    expect(rules).to_contain_text("1 of group:payments-leads or group:security, other than the requester")
    page.get_by_text("YAML", exact=True).click()
    expect(page.get_by_role("group", name=f"The file of {POLICY_NAME}")).to_contain_text("expect:")
    assert not window.faults, window.faults


def test_who_may_not_read_policy_is_told_where_to_look(ruled: Daypass, browser: Browser) -> None:
    page = browser.window(ruled, ANA).go("/policy")
    expect(page.get_by_text("Policies are read by security and auditors")).to_be_visible()


def test_an_answer_is_explained_rule_by_rule(ruled: Daypass, browser: Browser) -> None:
    window = browser.window(ruled, CLEO)
    page = window.go("/policy?view=explain&who=ana@acme.test&target=orders&role=read&for=30m&ticket=PAY-1")
    answer = page.get_by_role("region", name="The answer")
    expect(answer.get_by_role("status")).to_contain_text(
        "ana@acme.test asking for orders:read for 30 minutes would wait"
    )
    looked = answer.get_by_role("list", name="What was looked at").get_by_role("listitem")
    expect(looked).to_have_count(2)
    expect(looked.first).to_contain_text('request.ticket.startsWith("INC-") no')
    expect(looked.last).to_contain_text("it fits, and decides")
    expect(answer).to_contain_text("ben@acme.test")
    page.get_by_role("textbox", name="Ticket").fill("INC-4")
    page.get_by_role("button", name="Explain", exact=True).click()
    expect(answer.get_by_role("status")).to_contain_text("would be approved at once")
    expect(page).to_have_url(re.compile("ticket=INC-4"))
    assert not window.faults, window.faults


def test_who_could_get_it_tonight(ruled: Daypass, browser: Browser) -> None:
    page = browser.window(ruled, CLEO).go("/policy?view=who&target=orders&role=read")
    page.get_by_role("button", name="Tonight at 22:00").click()
    expect(page).to_have_url(re.compile("at=.*22"))
    able = page.get_by_role("table", name="Who could get it")
    anas = able.get_by_role("row").filter(has_text="ana@acme.test").filter(has_text="on-call reads")
    expect(anas).to_contain_text("automatically")
    expect(anas).to_contain_text('request.ticket.startsWith("INC-")')
    expect(able).not_to_contain_text("cleo@acme.test")


def test_a_change_is_completed_checked_tried_and_put_into_force_by_two(ruled: Daypass, browser: Browser) -> None:
    sam, tess = browser.window(ruled, SAM), browser.window(ruled, TESS)
    page = sam.go("/policy")
    page.get_by_role("link", name="Change it").click()
    write(page, POLICY.replace("decide: automatic", "deside: automatic"))
    trying = page.get_by_role("status", name="What came of trying it")
    expect(trying).to_contain_text("It would not load")
    expect(page.locator(".cm-lintRange-error").first).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type("cov")
    expect(page.get_by_role("option", name="covers")).to_be_visible()
    page.wait_for_timeout(SURE_MS)
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name=re.compile("The policy"))).to_contain_text("covers: ")

    write(page, POLICY.replace("longest: 4h", "longest: 1h").replace("then: refused", "then: automatic"))
    expect(trying).to_contain_text("1 of 3 cases fail")
    expect(page.get_by_role("button", name="Propose to a second person")).to_be_disabled()
    changed = POLICY.replace("longest: 4h", "longest: 1h")
    write(page, changed)
    expect(trying).to_contain_text("all 3 cases of expect hold")
    page.get_by_text("History", exact=True).click()
    page.get_by_role("button", name="Hold it against what was asked").click()
    differing = page.get_by_role("table", name="Who would have been decided otherwise")
    expect(differing.get_by_role("row")).to_have_count(2)
    expect(differing).to_contain_text("dora@acme.test")
    expect(differing).to_contain_text("at most 1h")
    page.reload()
    page.get_by_text("Changes", exact=True).click()
    expect(page.locator(".cm-deletedChunk")).to_contain_text("longest: 4h")
    page.get_by_role("textbox", name="Why it should change").fill("nobody needed four hours")
    page.get_by_role("button", name="Propose to a second person").click()
    expect(page.get_by_text("A second person of security has to approve it")).to_be_visible()
    assert file_of(ruled).read_text() == POLICY

    other = tess.go("/policy?view=proposals")
    other.get_by_role("link", name=POLICY_NAME).click()
    expect(other.locator(".cm-deletedChunk")).to_contain_text("longest: 4h")
    expect(other.get_by_role("status", name="What came of trying it")).to_contain_text("all 3 cases")
    other.get_by_role("button", name="Approve").click()
    other.get_by_role("dialog").get_by_role("button", name="Put it into force").click()
    expect(other.locator(".heading").get_by_text("approved")).to_be_visible()
    expect(page.locator(".heading").get_by_text("approved")).to_be_visible()
    assert file_of(ruled).read_text() == changed
    assert not sam.faults and not tess.faults, (sam.faults, tess.faults)


def test_a_file_that_changed_meanwhile_is_noticed_and_nothing_is_overwritten(ruled: Daypass, browser: Browser) -> None:
    file = file_of(ruled)
    before = file.read_text()
    window = browser.window(ruled, SAM)
    page = window.go(f"/policy/edit/{POLICY_NAME}")
    write(page, before.replace("times: 2", "times: 3"))
    expect(page.get_by_text("all 3 cases of expect hold")).to_be_visible()
    page.get_by_role("button", name="Throw my changes away").click()
    expect(page.get_by_role("textbox", name=re.compile("The policy"))).to_contain_text("times: 2")
    write(page, before.replace("times: 2", "times: 3"))
    expect(page.get_by_role("button", name="Throw my changes away")).to_be_visible()
    file.write_text(f"{before}# by hand\n")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("changed since you began")
    page.get_by_role("button", name="What they changed").click()
    expect(page.locator(".cm-insertedLine")).to_contain_text("# by hand")
    expect(page.get_by_role("button", name="Propose to a second person")).to_be_disabled()
    page.get_by_role("button", name="I have taken it over: go on").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("textbox", name="Why it should change").fill("three times")
    page.get_by_role("button", name="Propose to a second person").click()
    expect(page.get_by_text("A second person of security has to approve it")).to_be_visible()
    file.write_text(f"{before}# by hand, again\n")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("was changed since this was proposed")
    page.get_by_role("button", name="Take it back").click()
    page.get_by_label("Why").fill("anew")
    page.get_by_role("dialog").get_by_role("button", name="Take it back").click()
    expect(page.locator(".heading").get_by_text("rejected")).to_be_visible()
    assert not window.faults, window.faults


@pytest.mark.parametrize(("scheme", "size"), [("light", (1280, 860)), ("dark", PHONE)])
def test_axe_finds_nothing_serious(ruled: Daypass, browser: Browser, scheme: str, size: tuple[int, int]) -> None:
    window = browser.window(ruled, SAM, size, color_scheme=scheme, bypass_csp=True)
    proposals = ruled.object(SAM, "policy", "proposals")
    proposed = proposals[0]["id"] if proposals else propose(ruled)
    window.go("/")
    for path in (
        "/policy",
        "/policy?as=yaml",
        "/policy?view=who&target=orders&role=read",
        "/policy?view=explain&who=ana@acme.test&target=orders&role=read&for=30m",
        "/policy?view=proposals",
        f"/policy/edit/{POLICY_NAME}",
        f"/policy/proposals/{proposed}",
    ):
        assert not serious(window.turn(path)), path
