"""Several people at once, and the ways into the app: two who decide in the same moment, links from elsewhere, the
keyboard, what a request would take before it is sent, and what hangs on it for who decides."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Route, expect

from daypass.cli.demo.gateway import ANA, BEN, CLEO
from tests.servers.daypass import Daypass
from tests.web.browser import Browser
from tests.web.stage import DORA, SAM, ask

PRESS = """(at) => {
  const button = document.querySelector('[role=dialog] button[type=submit]')
  setTimeout(() => button.click(), at - Date.now())
}"""
"""Press it at this time (ms): in each window at the same."""
PRESSED_IN_MS = 500
DRAWN_MS = 300
"""By then an answer is in the page."""


def test_of_two_who_approve_in_the_same_moment_one_counts(staged: Daypass, browser: Browser) -> None:
    made = ask(staged, DORA, "write", "10m", "approved by two at once")
    pages = [browser.window(staged, member).go(f"/inbox/{made}") for member in (BEN, SAM)]
    for page in pages:
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("dialog").get_by_label("A note")).to_be_visible()
    at = time.time() * 1000 + PRESSED_IN_MS
    for page in pages:
        page.evaluate(PRESS, at)
    for page in pages:
        expect(page.get_by_role("dialog").get_by_role("button", name="Approve")).to_have_count(0)
    late = [page for page in pages if page.get_by_text("your vote was not counted").count()]
    assert len(late) == 1, "one of them was the first, and only one"
    shown = staged.object(DORA, "show", made)
    assert shown["state"] == "APPROVED" and len(shown["votes"]) == 1
    told = late[0].get_by_role("alert")
    expect(told).to_contain_text(f"{shown['votes'][0]['person']['name']} approved it")
    expect(told).to_contain_text("your vote was not counted")
    staged.say(DORA, "return", str(shown["grant"]))


def test_who_still_has_the_dialogue_open_is_told_that_it_is_decided(staged: Daypass, browser: Browser) -> None:
    made = ask(staged, DORA, "write", "10m", "withdrawn under somebody's hands")
    page = browser.window(staged, BEN).go(f"/inbox/{made}")
    page.get_by_role("button", name="Deny").click()
    staged.say(DORA, "withdraw", made)
    expect(page.get_by_role("alert")).to_contain_text("withdrawn meanwhile")
    expect(page.get_by_role("dialog").get_by_role("button", name="Deny")).to_have_count(0)


def test_a_link_from_elsewhere_leads_there_after_signing_in(staged: Daypass, browser: Browser) -> None:
    made = ask(staged, DORA, "write", "10m", "linked from a message")
    session = staged.sessions()[0]["id"]
    for path, seen in ((f"/inbox/{made}", "linked from a message"), (f"/sessions/{session}?n=1", "Statements")):
        page = browser.window(staged).go(path)
        page.get_by_role("button", name="Use a token").click()
        page.get_by_label("Your token").fill(staged.token(BEN))
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text(seen).first).to_be_visible()
        expect(page).to_have_url(f"{staged.web}{path}")
    staged.say(DORA, "withdraw", made)


def test_decisions_are_made_with_the_keyboard_alone(staged: Daypass, browser: Browser) -> None:
    first, second = (ask(staged, DORA, "write", "10m", f"by keyboard {n}") for n in (1, 2))
    page = browser.window(staged, BEN).go(f"/inbox/{second}")
    expect(page.get_by_role("heading", name=re.compile("wants orders:write"))).to_be_visible()
    expect(page.get_by_label("Requests to decide on").get_by_text("by keyboard 2")).to_be_visible()
    page.keyboard.press("j")
    expect(page).to_have_url(f"{staged.web}/inbox/{first}")
    page.keyboard.press("k")
    expect(page).to_have_url(f"{staged.web}/inbox/{second}")
    page.keyboard.press("q")
    page.get_by_label("Your question").press_sequentially("which rows?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("The request").get_by_text("which rows?")).to_be_visible()
    page.keyboard.press("d")
    page.get_by_label("Why not").press_sequentially("no answer")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert staged.object(DORA, "show", second)["state"] == "DENIED"
    staged.say(DORA, "withdraw", first)


def test_it_is_said_what_a_request_takes_before_it_is_sent(staged: Daypass, browser: Browser) -> None:
    page = browser.window(staged, DORA).go("/catalogue?pick=orders:write")
    foretold = page.get_by_label("What will happen")
    expect(foretold).to_contain_text("asks 1 of 3 people")
    expect(foretold).to_contain_text("at most 4 hours")
    expect(foretold).to_contain_text("afterwards a sign-off is owed")
    page.get_by_label("For how long").fill("5h")
    expect(foretold).to_contain_text("refused")
    page.get_by_label("For how long").fill("20m")
    page.get_by_role("textbox", name="Why").fill("kept under a name")
    page.get_by_label("Keep as a favourite called").fill("my-refund")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", name="orders:write for 20m")).to_be_visible()
    made = page.url.rpartition("/")[2]
    staged.say(DORA, "withdraw", made)
    page.goto(f"{staged.web}/catalogue")
    row = page.locator(".row").filter(has_text="my-refund")
    row.get_by_role("button", name="Ask now").click()
    expect(page.get_by_role("heading", name="orders:write for 20m")).to_be_visible()
    staged.say(DORA, "withdraw", page.url.rpartition("/")[2])


def test_a_button_that_is_pressed_stays_where_it_is(staged: Daypass, browser: Browser) -> None:
    """What will happen stands above the button: an answer that takes more room moved it away under the finger."""
    page = browser.window(staged, DORA).go("/catalogue?pick=orders:write")
    foretold = page.get_by_label("What will happen")
    page.get_by_role("textbox", name="Why").fill("pressed while the answer came")
    page.get_by_label("For how long").fill("5h")
    expect(foretold).to_contain_text("refused")
    held: list[Route] = []
    page.route("**/preview", lambda route: held.append(route))
    with page.expect_request("**/preview"):
        page.get_by_label("For how long").fill("20m")
    button = page.get_by_role("button", name="Send the request")
    button.hover()
    page.mouse.down()
    pressed_at = button.bounding_box()
    with page.expect_response("**/preview"):
        held.pop().continue_()
    page.wait_for_timeout(DRAWN_MS)
    assert button.bounding_box() == pressed_at
    page.mouse.up()
    expect(page.get_by_role("heading", name="orders:write for 20m")).to_be_visible()
    staged.say(DORA, "withdraw", page.url.rpartition("/")[2])


def test_several_things_are_asked_for_at_once(staged: Daypass, browser: Browser) -> None:
    page = browser.window(staged, DORA).go("/catalogue?pick=orders:write,orders:read")
    expect(page.get_by_role("heading", name="2 things at once")).to_be_visible()
    page.get_by_role("textbox", name="Why").fill("both at once")
    page.get_by_role("button", name="Ask for all of it").click()
    expect(page.get_by_text("a bundle")).to_be_visible()
    asked = [one for one in staged.object(DORA, "requests", "--mine") if one["reason"] == "both at once"]
    assert {one["role"] for one in asked} == {"write", "read"}
    for one in asked:
        staged.say(DORA, "withdraw", one["id"])


def test_a_part_of_a_target_is_asked_for_and_less_of_it_granted(staged: Daypass, browser: Browser) -> None:
    dora, ben = browser.window(staged, DORA), browser.window(staged, BEN)
    page = dora.go("/catalogue?pick=orders:write")
    page.get_by_role("textbox", name="Why").fill("a part of it will do")
    page.get_by_label("These parts only").fill("public.orders public.customers")
    expect(page.get_by_label("What will happen")).to_contain_text("asks 1 of 3 people")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_label("What was asked")).to_contain_text("public.customers, public.orders")
    made = page.url.rpartition("/")[2]
    case = ben.go(f"/inbox/{made}").get_by_label("The request")
    expect(case).to_contain_text("public.customers, public.orders")
    ben.page.keyboard.press("a")
    ben.page.get_by_label("For these parts only").fill("public.orders")
    ben.page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(ben.page.get_by_role("dialog")).to_have_count(0)
    grant = str(staged.object(DORA, "show", made)["grant"])
    card = dora.go("/").get_by_role("article", name="access to orders as write")
    expect(card).to_contain_text("public.orders")
    expect(card).not_to_contain_text("public.customers")
    staged.say(DORA, "return", grant)
    assert not dora.faults and not ben.faults


def test_who_decides_sees_what_hangs_on_it_and_what_was_before(staged: Daypass, browser: Browser) -> None:
    made = ask(staged, DORA, "write", "10m", "with a risk")
    page = browser.window(staged, BEN).go(f"/inbox/{made}")
    case = page.get_by_label("The request")
    expect(case).to_contain_text("it can change data")
    expect(case).to_contain_text("no ticket is named")
    expect(case.get_by_text(re.compile("never had this access before|session"))).not_to_have_count(0)
    expect(page.get_by_label("Similar cases").get_by_role("link").first).to_be_visible()
    staged.say(DORA, "withdraw", made)


def test_the_request_page_tells_why_and_leads_to_its_proof(staged: Daypass, browser: Browser) -> None:
    session = next(one for one in staged.sessions() if one["role"] == "read" and one["statements"] == 2)
    window = browser.window(staged, CLEO)
    page = window.go(f"/requests/{session['request']}")
    page.locator("details summary").first.click()
    expect(page.locator(".trace")).to_contain_text("on-call reads")
    expect(page.get_by_text("The end took", exact=False)).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="take it along").click()
    assert saved.value.path().read_text().startswith("c2sp.org/tlog-proof")
    page.get_by_role("link", name="check its proof here").click()
    expect(page.get_by_text("it stands in the log")).to_be_visible()
    assert not window.faults


def test_home_tells_each_client_how_to_connect(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, ANA, permissions=["clipboard-read", "clipboard-write"])
    page = window.go("/")
    card = page.get_by_role("article").first
    card.get_by_role("button", name="Connect").click()
    for name, words in (
        ("psql", "dbname=orders:write"),
        ("URL", "postgresql://ana%40acme.test@"),
        ("DBeaver / DataGrip", "jdbc:postgresql://"),
        ("Python", "psycopg.connect("),
    ):
        card.get_by_role("tab", name=name).click()
        card.get_by_role("button", name=f"copy how to connect with {name}").click()
        page.wait_for_function("words => navigator.clipboard.readText().then(t => t.includes(words))", arg=words)
    assert not window.faults
