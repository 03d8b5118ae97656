"""Passwords and passkeys in a real browser, with Chromium's own virtual authenticator: not our bytes on either side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from daypass.cli.demo.gateway import ANA, BEN, Member, Setup
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres
from tests.web.accessible import violations
from tests.web.browser import PHONE, Browser, Window
from tests.web.stage import PEOPLE, POLICY, SAM, TESS, ask

PASSWORD, OTHER = "seven lamps hum quietly", "four otters knit a ladder"
STEP_UP = POLICY.replace("      undecided_after: 4h\n", "      undecided_after: 4h\n      step_up: passkey\n")
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def stepping(built: Path, postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    """A gateway whose policy takes votes by passkey only."""
    setup = Setup(policy=STEP_UP, people=PEOPLE)
    with Daypass(tmp_path_factory.mktemp("stepping"), postgres_15, setup) as daypass:
        yield daypass


class Authenticator:
    """A virtual one of this window."""

    def __init__(self, window: Window) -> None:
        self._cdp = window.context.new_cdp_session(window.page)
        self._cdp.send("WebAuthn.enable")
        self.id = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]

    def credentials(self) -> list[Any]:
        found = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(found["credentials"])

    def verifies(self, verifies: bool) -> None:
        """Whether its person is recognised."""
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verifies})


def sign_in(page: Page, member: Member, password: str = PASSWORD) -> None:
    page.get_by_label("Your address").fill(member.email)
    page.get_by_label("Your password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def entered(daypass: Daypass, page: Page, member: Member) -> None:
    """Set a password by the link that the operator was given, and sign in with it."""
    link = daypass.object(None, "people", "password", member.email, "--config", str(daypass.config))["link"]
    page.goto(link)
    page.get_by_label("The password", exact=True).fill(PASSWORD)
    page.get_by_label("Once more", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, member)
    expect(page.get_by_role("navigation", name="Pages").first).to_be_visible()


def broken(window: Window) -> list[str]:
    """What the page complained of, beside being told that nobody is signed in."""
    return [one for one in window.faults if "401" not in one]


def sign_out(page: Page, member: Member) -> None:
    page.get_by_role("button", name=member.name, exact=True).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_visible()


def enrol(page: Page, name: str) -> None:
    page.get_by_label("A new passkey's name").fill(name)
    page.get_by_role("button", name="Enrol a passkey").click()
    expect(page.get_by_text(name, exact=True)).to_be_visible()


def test_from_a_link_to_a_vote_that_anybody_can_check(stepping: Daypass, browser: Browser) -> None:
    window = browser.window(stepping)
    page, device = window.page, Authenticator(window)
    window.go("/password#dp_an-earlier-link")
    entered(stepping, page, BEN)

    made = ask(stepping, ANA, "write", "25m", "INC-7: a refund that needs a passkey", "")
    window.go(f"/inbox/{made}")
    page.get_by_role("button", name="Approve").click()
    dialogue = page.get_by_role("dialog")
    expect(dialogue.get_by_text("takes votes signed by a passkey")).to_be_visible()
    expect(dialogue.get_by_role("button", name="Approve")).to_be_disabled()
    dialogue.get_by_role("link", name="Enrol one").click()

    enrol(page, "laptop")
    (credential,) = device.credentials()
    assert credential["isResidentCredential"] and credential["rpId"] == "localhost"
    window.go(f"/inbox/{made}")
    page.get_by_role("button", name="Approve").click()
    dialogue.get_by_label("For less time").fill("20m")
    dialogue.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert").filter(has_text="approved")).to_be_visible()
    window.go(f"/requests/{made}")
    expect(page.get_by_text("signed by a passkey")).to_be_visible()

    (voted,) = stepping.wait_entries("request.voted", request=made)
    signed = voted["body"]["signed"]
    assert json.loads(signed["statement"])["narrowed_ms"] == 20 * 60_000
    (enrolled,) = stepping.entries("key.enrolled")
    assert signed["passkey"]["enrolled"] == enrolled["id"]
    done = stepping.run(None, "ledger", "verify", str(stepping.data / "ledger"), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["signed_votes"] == 1, done.stderr
    assert not broken(window), window.faults


def test_what_a_passkey_narrows_is_what_it_signed(stepping: Daypass, browser: Browser) -> None:
    window = browser.window(stepping)
    page = window.page
    Authenticator(window)
    entered(stepping, page, TESS)
    window.go("/me")
    enrol(page, "key ring")
    made = ask(stepping, ANA, "write", "25m", "INC-8: look before it is changed", "")
    window.go(f"/inbox/{made}")
    page.get_by_role("button", name="Approve").click()
    dialogue = page.get_by_role("dialog")
    dialogue.get_by_label("For less time").fill("15m")
    dialogue.get_by_role("combobox", name="As a lesser role").click()
    page.get_by_role("option", name="read").click()
    dialogue.get_by_label("For these parts only").fill("public.orders, public.customers")
    dialogue.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert").filter(has_text="approved")).to_be_visible()

    (voted,) = stepping.wait_entries("request.voted", request=made)
    said = json.loads(voted["body"]["signed"]["statement"])
    assert (said["decision"], said["narrowed_ms"], said["narrowed_role"]) == ("approve", 15 * 60_000, "read")
    assert sorted(said["narrowed_scope"]) == ["public.customers", "public.orders"]
    (grant,) = [one for one in stepping.object(ANA, "grants") if one["request"] == made]
    assert (grant["role"], grant["duration_ms"]) == ("read", 15 * 60_000)
    assert sorted(grant["scope"]) == sorted(said["narrowed_scope"])
    stepping.verify()
    assert not broken(window), window.faults


def test_signing_in_by_passkey_and_by_password_with_it(stepping: Daypass, browser: Browser) -> None:
    window = browser.window(stepping)
    page, device = window.page, Authenticator(window)
    entered(stepping, page, SAM)
    window.go("/me")
    enrol(page, "phone")
    sign_out(page, SAM)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Passkeys")).to_be_visible()
    sign_out(page, SAM)
    sign_in(page, SAM)
    expect(page.get_by_role("heading", name="Passkeys")).to_be_visible()
    assert device.credentials()[0]["signCount"] >= 3
    sign_out(page, SAM)
    device.verifies(False)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator(".problem")).to_contain_text("no passkey was shown")

    elsewhere = browser.window(stepping)
    elsewhere.go("/me")
    Authenticator(elsewhere)
    sign_in(elsewhere.page, SAM)
    expect(elsewhere.page.get_by_role("alert")).to_contain_text("no passkey was shown")
    expect(elsewhere.page.get_by_label("Your password")).to_be_visible()


def test_my_keys_are_renamed_removed_and_the_password_changed(stepping: Daypass, browser: Browser) -> None:
    window = browser.window(stepping)
    page = window.page
    Authenticator(window)
    entered(stepping, page, ANA)
    page.get_by_role("button", name="Ana", exact=True).click()
    page.get_by_role("menuitem", name="My keys").click()
    enrol(page, "first")
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Its name").fill("blue key")
    page.get_by_role("button", name="Save the name").click()
    expect(page.get_by_text("blue key", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)
    page.get_by_role("button", name="Show a passkey").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("You have no passkey")).to_be_visible()
    page.get_by_label("The old one").fill(PASSWORD)
    page.get_by_label("The new one").fill(OTHER)
    page.get_by_role("button", name="Change the password").click()
    sign_in(page, ANA, OTHER)
    expect(page.get_by_role("heading", name="Passkeys")).to_be_visible()
    assert not broken(window), window.faults


def test_two_others_vouch_over_browser_and_command_line(stepping: Daypass, browser: Browser) -> None:
    window = browser.window(stepping, ANA)
    page = window.go("/me")
    Authenticator(window)
    page.get_by_role("button", name="ask two others").click()
    code = page.locator("b.mono", has_text=re.compile("^[A-Z]{4}-[A-Z]{4}$")).inner_text()
    sam = browser.window(stepping, SAM)
    sam.go("/me")
    sam.page.get_by_label("The code that they told you").fill(code.lower())
    sam.page.get_by_role("button", name="Look").click()
    expect(sam.page.get_by_text(ANA.email)).to_be_visible()
    sam.page.get_by_role("button", name="It is really them").click()
    expect(sam.page.get_by_text("vouched; it is on record")).to_be_visible()
    assert "1 of 2" in stepping.say(SAM, "passkeys", "vouch", code, "--look")
    refused = stepping.run(SAM, "passkeys", "vouch", code)
    assert refused.returncode == 1 and "already" in refused.stderr


def test_axe_finds_nothing_serious_on_the_pages_of_keys(stepping: Daypass, browser: Browser) -> None:
    found = []
    for member, path in ((None, "/sign-in"), (None, "/password#x"), (BEN, "/me")):
        for scheme, size in (("light", (1280, 860)), ("dark", PHONE)):
            window = browser.window(stepping, member, size, color_scheme=scheme, bypass_csp=True)
            page = window.go(path)
            expect(page.locator("h1")).to_be_visible()
            expect(page.locator("[aria-busy=true]")).to_have_count(0)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, size)
            found += [f"{scheme} {path} {one}" for one in violations(page)]
    assert not found, "\n".join(found)
