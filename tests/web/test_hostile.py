"""Hostile text in every field that people, databases and settings fill: on each page it is text, and nothing else."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Setup, sample_policy
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres
from tests.web.browser import PHONE, Browser, Window
from tests.web.stage import DORA, SAM, ask
from tests.web.test_passkeys import Authenticator, broken, entered

MARK = "gnp.exe"
ACTING = (
    f"<script>window.hit = 1</script><img src=x onerror='window.hit = 1'> \u202e{MARK} \u200b"
    "[a](javascript:window.hit=1) javascript:window.hit=1 {{7*7}} ${7*7} \u2066isolated"
)
TURNING = {"\u202e", "\u2066", "\u200b", "\x1b"}
NAME = f"An <b onclick=window.hit=1>a</b> \u202e{MARK}\u001b[31m"
RULE = f"on-call <u>reads</u> \u202e{MARK}"
DRIVEN = f"{ACTING} \x1b[2J\x1b]0;title\x07\x1b[31mred"
TABLE = f"<u>t</u> \u202e{MARK}"
LABEL = f"<u>team</u> \u202e{MARK}"


@dataclass(frozen=True, slots=True)
class Played:
    """What is on record once everything hostile was said."""

    daypass: Daypass
    open: str
    past: str
    session: str
    killed: str
    owed: str
    entry: int
    """The place in the log of a statement that reads a table of such a name."""


@pytest.fixture(scope="module")
def played(built: Path, postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    owes = "{ sign_off: { by: [group:payments-leads], within: 2d } }"
    policy = f"# \u202e{MARK}\n" + sample_policy(owes=owes).replace("on-call reads", json.dumps(RULE))
    # In the file the name stands in quotes, as JSON is YAML.
    people = (replace(ANA, name=json.dumps(NAME)), BEN, CLEO, SAM, DORA)
    labels = f", {json.dumps(LABEL)}: {json.dumps(ACTING)}"
    given = Setup(policy=policy, people=people, target="    record: results\n", labels=labels)
    with Daypass(tmp_path_factory.mktemp("hostile"), postgres_15, given) as daypass:
        past = ask(daypass, ANA, "read", "30m", ACTING, f"INC-7 {ACTING}")
        quoted = DRIVEN.replace("'", "''")
        daypass.psql(f"select '{quoted}' as \"{MARK} <u>\"", target="orders:read")
        daypass.psql(f"select '{quoted}'::int", target="orders:read")
        daypass.psql(f'select * from "{TABLE}"', target="orders:read")
        grant = str(daypass.object(ANA, "show", past)["grant"])
        daypass.say(ANA, "extend", grant, "--by", "5m", "--reason", ACTING)
        with daypass.start_client(*daypass.psql_argv("select pg_sleep(600)", target="orders:read")):
            killed = until(lambda: daypass.sessions("--live") or None, "a session that is open")[0]["id"]
            daypass.say(SAM, "kill", killed, "--reason", ACTING)
        daypass.say(ANA, "return", grant)
        daypass.say(SAM, "lock", "person", DORA.email, "--for", "1h", "--reason", ACTING)
        kept = {"name": "late", "target": "orders", "role": "read", "duration_ms": 60_000, "reason": ACTING}
        post(daypass, "favourites", kept)
        post(daypass, "snippets", {"name": f"<u>s</u> {MARK}", "text": f"select '{quoted}'"})
        daypass.grant("write", "1h", ACTING)
        opened = ask(daypass, ANA, "write", "30m", ACTING, ACTING)
        daypass.say(BEN, "ask", opened, ACTING)
        daypass.say(ANA, "answer", opened, ACTING)
        refused = ask(daypass, ANA, "write", "30m", ACTING)
        daypass.say(BEN, "deny", refused, "--note", ACTING)
        owed = next(one["id"] for one in daypass.object(BEN, "obligations"))
        daypass.say(BEN, "sign-off", owed, "--flag", "--note", ACTING)
        daypass.say(ANA, "token", "new", "--for", "10m", "--label", NAME)
        session = daypass.sessions()[-1]["id"]
        yield Played(daypass, opened, past, session, killed, owed, entry_of(daypass, TABLE))


def post(daypass: Daypass, path: str, body: Mapping[str, object]) -> None:
    """Send what the page would send, as Ana."""
    headers = {"Authorization": f"Bearer {daypass.token(ANA)}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{daypass.web}/api/v1/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 201


def entry_of(daypass: Daypass, table: str) -> int:
    """The place in the log of the first statement that reads this table."""

    def place() -> int | None:
        named = (n for n, raw in enumerate(daypass.published()) if table in json.loads(raw)["body"].get("reads", ()))
        return next(named, None)

    return until(place, "the statement in the log")


def check(page: Page, where: str) -> None:
    """Nothing of it acts, and nothing of it turns what is read around."""
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert page.evaluate("window.hit") is None, where
    assert page.locator("#app img[src=x], #app script, #app b[onclick], #app u").count() == 0, where
    assert page.locator("a[href^='javascript:']").count() == 0, where
    text, title = page.inner_text("body"), page.title()
    assert MARK in text, where
    assert not TURNING & set(text + title), where
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} is wider than its window"


@pytest.mark.parametrize("size", [(1280, 860), PHONE], ids=["desktop", "phone"])
def test_it_is_only_text_on_every_page(played: Played, browser: Browser, size: tuple[int, int]) -> None:
    cleo, ben, ana = (browser.window(played.daypass, one, size) for one in (CLEO, BEN, ANA))
    places: list[tuple[Window, str]] = [
        (ana, "/"),
        (ana, "/catalogue"),
        (ana, f"/requests/{played.open}"),
        (ana, "/settings"),
        (ben, "/"),
        (ben, f"/inbox/{played.open}"),
        (ben, f"/reviews/{played.owed}"),
        (cleo, "/requests"),
        (cleo, f"/requests/{played.past}"),
        (cleo, "/sessions"),
        (cleo, f"/sessions/{played.killed}"),
        (cleo, "/search?q=gnp"),
        (cleo, "/reviews?view=all"),
        (cleo, "/policy"),
        (cleo, "/policy?as=yaml"),
        (cleo, "/policy/edit/payments-production"),
        (cleo, "/admin/people"),
        (cleo, "/admin/targets"),
        (cleo, "/admin/tokens"),
        (cleo, "/admin/locks"),
        (cleo, f"/log/{played.entry}"),
        (cleo, "/insights/requests?by=reason"),
    ]
    for window in (ana, ben, cleo):
        window.go("/me")
    for window, path in places:
        page = window.turn(path)
        expect(page.get_by_text(MARK).first).to_be_attached()
        check(page, path)
    assert not cleo.faults and not ben.faults and not ana.faults


def test_it_is_only_text_in_a_recording(played: Played, browser: Browser) -> None:
    window = browser.window(played.daypass, CLEO)
    page = window.go(f"/sessions/{played.session}")
    expect(page.locator(".ap-player")).to_contain_text(MARK)
    check(page, "the replay")
    page.get_by_role("tab", name="Transcript").click()
    expect(page.get_by_role("log")).to_contain_text(MARK)
    expect(page.get_by_role("log").get_by_text("U+202E").first).to_be_visible()
    check(page, "the transcript")
    assert not window.faults


def test_it_is_only_text_among_ones_keys(played: Played, browser: Browser) -> None:
    window = browser.window(played.daypass)
    page = window.page
    Authenticator(window)
    entered(played.daypass, page, BEN)
    page.goto(f"{window.url}/me")
    page.get_by_label("A new passkey's name").fill(NAME)
    page.get_by_role("button", name="Enrol a passkey").click()
    keys = page.get_by_label("Passkeys")
    expect(keys).to_contain_text(MARK)
    check(page, "/me")
    expect(keys.get_by_text("U+202E").first).to_be_visible()
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_label("Its name")).to_be_visible()
    page.keyboard.press("Escape")
    assert not broken(window), window.faults


def test_it_is_only_text_among_snippets(played: Played, browser: Browser) -> None:
    window = browser.window(played.daypass, ANA)
    page = window.go("/console")
    page.get_by_role("tab", name="Snippets").click()
    expect(page.get_by_role("tabpanel", name="Snippets")).to_contain_text(MARK)
    check(page, "the console")
    assert not window.faults
