"""The app as people use it, in a real browser: the main job by several people, the record, hostile text, axe."""

from __future__ import annotations

import re
import subprocess

import pytest
from playwright.sync_api import expect

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Member
from tests.servers.daypass import Daypass, until
from tests.web.accessible import serious
from tests.web.browser import PHONE, Browser
from tests.web.stage import DORA, ask

HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'> \u202egnp.exe \u001b[31mred\u200b"
PLACES = ("/", "/catalogue", "/inbox", "/requests", "/sessions", "/search", "/reviews", "/log", "/settings", "/me")


def test_signing_in_with_a_token_and_out_again(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged)
    page = window.go("/requests")
    page.get_by_role("button", name="Use a token").click()
    page.get_by_label("Your token").fill("dp_nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Your token").fill(staged.token(ANA))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Requests")).to_be_visible()
    page.get_by_role("button", name="Ana").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_label("Your password")).to_be_visible()


def test_a_command_line_is_let_in_from_a_browser(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, ANA)
    line = subprocess.Popen(
        [*staged.command(), "login", staged.web],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=staged.environment(),
    )
    try:
        assert line.stdout is not None
        where = line.stdout.readline().split()[-1]
        page = window.go("/device" + where.partition("/device")[2])
        page.get_by_role("button", name="Allow").click()
        expect(page.get_by_text("go back to the command line")).to_be_visible()
        said, _ = line.communicate(timeout=30)
    finally:
        line.kill()
    assert f"as {ANA.email}" in said and line.returncode == 0
    assert not window.faults


def test_three_people_ask_decide_and_look_back_without_a_reload(staged: Daypass, browser: Browser) -> None:
    ana, ben, cleo = (browser.window(staged, member) for member in (ANA, BEN, CLEO))
    ben.go("/inbox")
    expect(ben.page.get_by_role("heading", name="Decisions")).to_be_visible()
    page = ana.go("/catalogue")
    page.get_by_role("button", name="orders as write").click()
    expect(page.get_by_text("would wait for a decision")).to_be_visible()
    page.get_by_label("For how long").fill("25m")
    page.get_by_role("textbox", name="Why").fill("refund the order of the three windows")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", name="orders:write for 25m")).to_be_visible()
    cleo.go(page.url.removeprefix(staged.web))
    expect(cleo.page.get_by_text("pending").first).to_be_visible()

    ben.page.get_by_role("link", name=re.compile("refund the order of the three windows")).first.click()
    expect(ben.page.get_by_role("heading", name="Ana wants orders:write for 25m")).to_be_visible()
    ben.page.keyboard.press("a")
    ben.page.get_by_label("For less time").fill("20m")
    ben.page.get_by_label("A note").fill("twenty minutes will do")
    ben.page.get_by_role("dialog").get_by_role("button", name="Approve").click()

    for window in (ana, cleo):
        expect(window.page.get_by_text("twenty minutes will do")).to_be_visible()
        expect(window.page.get_by_text("approved").first).to_be_visible()
    page.get_by_role("button", name="Hand back").click()
    expect(cleo.page.get_by_text("The access ended", exact=False).first).to_be_visible()
    assert not ana.faults and not ben.faults and not cleo.faults


def test_a_live_session_is_watched_and_ended(staged: Daypass, browser: Browser) -> None:
    argv = staged.psql_argv("select 'seen live' as said", "select pg_sleep(600)", target="orders:write")
    before = {one["id"] for one in staged.sessions("--live")}
    client = staged.start_client(*argv)
    try:
        window = browser.window(staged, BEN)
        page = window.go("/sessions?view=live")
        expect(page.get_by_role("link", name="Ana")).to_have_count(len(before) + 1)
        (new,) = {one["id"] for one in staged.sessions("--live")} - before
        window.go(f"/sessions/{new}")
        expect(page.get_by_role("log").get_by_text("seen live")).to_be_visible()
        page.get_by_role("button", name="End the session").click()
        page.get_by_label("Why").fill("it is not what was asked for")
        page.get_by_role("button", name="End it now").click()
        expect(page.get_by_text("cut", exact=True).first).to_be_visible()
        assert client.wait(30) != 0 and "57P01" not in (client.stdout.read() if client.stdout else "")
        assert not window.faults
    finally:
        client.kill()


def test_a_past_session_is_replayed_with_its_statements(staged: Daypass, browser: Browser) -> None:
    session = next(one for one in staged.sessions() if one["role"] == "read" and one["statements"] == 2)
    window = browser.window(staged, CLEO)
    page = window.go(f"/sessions/{session['id']}")
    expect(page.locator(".ap-player")).to_be_visible()
    page.get_by_role("button", name=re.compile("select id, customer_id")).click()
    expect(page.locator(".ap-player")).to_be_visible()
    page.get_by_role("tab", name="Transcript").click()
    expect(page.get_by_role("log").get_by_text("select id, customer_id")).to_be_visible()
    assert not window.faults, window.faults


def test_a_proof_is_checked_in_the_browser(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/log/3")
    expect(page.get_by_text("it stands in the log")).to_be_visible()
    page.route("**/api/v1/log/3", lambda route: route.fulfill(response=(a := route.fetch()), body=_changed(a.text())))
    page.reload()
    expect(page.get_by_text("this could not be shown")).to_be_visible()


def _changed(text: str) -> str:
    """The same answer with one digit of the entry's time another one."""
    at = text.index('\\"t\\":') + len('\\"t\\":')
    return text[:at] + ("2" if text[at] != "2" else "3") + text[at + 1 :]


def test_hostile_text_is_only_text(staged: Daypass, browser: Browser) -> None:
    made = ask(staged, DORA, "write", "10m", HOSTILE.replace("\u001b", ""))
    window = browser.window(staged, BEN)
    for path in ("/inbox", f"/inbox/{made}", f"/requests/{made}", "/requests", "/search?q=gnp"):
        page = window.go(path)
        expect(page.get_by_text("gnp.exe").first).to_be_visible()
        expect(page.get_by_text("U+202E").first).to_be_attached()
        assert page.evaluate("window.hit") is None and "\u202e" not in page.inner_text("body")
    staged.say(DORA, "withdraw", made)
    assert not window.faults


@pytest.mark.parametrize("who", [ANA, CLEO], ids=lambda member: str(member.name))
def test_axe_finds_nothing_serious(staged: Daypass, browser: Browser, who: Member) -> None:
    found = []
    for scheme, size in (("light", (1280, 860)), ("dark", PHONE)):
        window = browser.window(staged, who, size, color_scheme=scheme, bypass_csp=True)
        window.go("/")
        for path in (*_details(staged), *PLACES):
            found += [f"{scheme} {path} {one}" for one in serious(window.turn(path))]
    assert not found, "\n".join(found)


def _details(staged: Daypass) -> list[str]:
    """A request, a session with its recording, a grant that runs, and a review."""
    past = next(one for one in staged.sessions() if one["role"] == "read" and one["statements"] == 2)
    live = next((one for one in staged.sessions("--live") if one["state"] == "OPEN"), past)
    owed = staged.object(BEN, "obligations")[0]["id"]
    return [
        f"/requests/{past['request']}",
        f"/requests/{live['request']}",
        f"/sessions/{past['id']}",
        f"/reviews/{owed}",
        "/catalogue?pick=orders:write",
        "/search?q=orders",
        "/log/3",
    ]


def test_a_phone_can_approve(staged: Daypass, browser: Browser) -> None:
    made = ask(staged, DORA, "write", "10m", "approved on a phone")
    window = browser.window(staged, BEN, PHONE, has_touch=True)
    page = window.go(f"/inbox/{made}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the phone"
    page.get_by_role("button", name="Approve").tap()
    page.get_by_role("dialog").get_by_role("button", name="Approve").tap()
    shown = page.get_by_text("Nothing is to be decided here any more")
    expect(shown.or_(page.get_by_text("approved", exact=True)).first).to_be_visible()
    # The page may say "approved" of what was decided earlier.
    until(lambda: staged.object(DORA, "show", made)["state"] == "APPROVED" or None, "the vote to count")
    staged.say(DORA, "return", str(staged.object(DORA, "show", made)["grant"]))


def test_it_says_when_the_server_is_away_and_comes_back_by_itself(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    page = window.go("/requests")
    expect(page.get_by_role("heading", name="Requests")).to_be_visible()
    window.context.set_offline(True)
    staged.stop()
    expect(page.get_by_text("Daypass does not answer")).to_be_visible()
    window.context.set_offline(False)
    staged.start()
    expect(page.get_by_text("Daypass does not answer")).to_have_count(0)
    made = ask(staged, DORA, "write", "10m", "asked after the server came back")
    expect(page.get_by_text("asked after the server came back")).to_be_visible()
    staged.say(DORA, "withdraw", made)
