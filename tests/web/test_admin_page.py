"""Administration: how it goes, people and their tokens, groups, targets with a check, locks, channels with a test."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from daypass.cli.demo.gateway import ANA, CLEO
from tests.servers.daypass import Daypass
from tests.servers.http import Serving
from tests.servers.postgres import Postgres
from tests.web.accessible import serious
from tests.web.browser import PHONE, Browser
from tests.web.stage import DORA, SAM, setup

PARTS = ("", "/people", "/groups", "/targets", "/tokens", "/locks", "/channels", "/people/ana@acme.test")


class Receiver(Serving):
    """Takes webhooks on a free port, in a thread of its own; `closed`: it is told of nothing any more."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.closed = False
        super().__init__(_Taking)


class _Taking(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.server.closed:
            self.server.heard.append(json.loads(body))
        self.send_response(410 if self.server.closed else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """What it hears is in `heard`."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as taking:
        yield taking


@pytest.fixture(scope="module")
def looked_after(built: Path, tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Daypass]:
    """A gateway with a channel, in front of a server of its own, which a test stops."""
    home = tmp_path_factory.mktemp("admin")
    (home / "whsec").write_text("whsec_" + base64.b64encode(bytes(range(32))).decode())
    (home / "whsec").chmod(0o600)
    hook = f"{{ name: siem, url: 'http://127.0.0.1:{receiver.server_port}/in', secret: {{ file: {home}/whsec }} }}"
    told = replace(setup(), extra=f"notify: {{ webhooks: [ {hook} ] }}\n")
    with Postgres.copied() as server, Daypass(home, server, told) as daypass:
        yield daypass


def test_how_it_goes(looked_after: Daypass, browser: Browser) -> None:
    window = browser.window(looked_after, CLEO)
    page = window.go("/admin")
    expect(page.get_by_text("Nothing is wrong")).to_be_visible()
    expect(page.get_by_role("region", name="Nodes")).to_contain_text("(this one)")
    expect(page.get_by_role("region", name="The record")).to_contain_text("all of it is in the store")
    expect(page.get_by_role("region", name="Witnesses")).to_contain_text("None are set up")
    expect(page.get_by_text("Every login is as our grants say")).to_be_visible()
    assert not window.faults, window.faults


def test_who_does_not_look_after_it_is_told_where_their_own_is(looked_after: Daypass, browser: Browser) -> None:
    page = browser.window(looked_after, ANA).go("/admin")
    expect(page.get_by_text("This is for security, auditors and operators")).to_be_visible()
    page.get_by_role("link", name="My account").last.click()
    expect(page.get_by_role("heading", name="My tokens")).to_be_visible()


def test_somebody_is_found_and_their_tokens_are_revoked(looked_after: Daypass, browser: Browser) -> None:
    made = json.loads(looked_after.run(DORA, "token", "new", "--for", "1h", "--label", "a script", "--json").stdout)
    window = browser.window(looked_after, SAM)
    page = window.go("/admin/people")
    page.get_by_label("Find people").fill("DORA")
    expect(page).to_have_url(re.compile("q=DORA"))
    expect(page.get_by_role("table", name="People").get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Dora").click()
    expect(page.get_by_text("payments-oncall")).to_be_visible()
    script = page.locator(".row", has_text="a script")
    expect(script).to_contain_text("never used")
    script.get_by_role("button", name="Revoke").click()
    expect(script).to_have_count(0)
    page.get_by_role("button", name="Revoke all").click()
    page.get_by_role("button", name="Revoke all of them").click()
    expect(page.get_by_text("No live token")).to_be_visible()
    assert looked_after.run(DORA, "whoami").returncode != 0
    looked_after.tokens.pop(DORA.email)
    page = window.go("/admin/tokens")
    expect(page.get_by_role("table", name="Tokens")).to_contain_text("sam@acme.test")
    expect(page.get_by_role("table", name="Tokens")).not_to_contain_text(str(made["label"]))
    page.get_by_role("link", name="Groups", exact=True).click()
    page.get_by_label("Find groups").fill("oncall")
    page.get_by_role("link", name="payments-oncall").click()
    expect(page.get_by_role("link", name="Dora")).to_be_visible()
    assert not window.faults, window.faults


def test_a_person_is_locked_and_let_in_again(looked_after: Daypass, browser: Browser) -> None:
    window = browser.window(looked_after, SAM)
    page = window.go("/admin/people/dora@acme.test")
    page.get_by_role("button", name="Lock this person").click()
    dialogue = page.get_by_role("dialog")
    dialogue.get_by_label("For how long").fill("20m")
    dialogue.get_by_label("Why").fill("her laptop was stolen")
    dialogue.get_by_role("button", name="Lock now").click()
    expect(dialogue).to_have_count(0)
    assert "locked" in looked_after.run(DORA, "whoami").stderr
    page.get_by_role("link", name="Locks", exact=True).click()
    locks = page.get_by_role("table", name="Locks")
    expect(locks).to_contain_text("her laptop was stolen")
    locks.get_by_role("button", name="Lift").click()
    page.get_by_role("dialog").get_by_label("Why").fill("it was found")
    page.get_by_role("dialog").get_by_role("button", name="Lift").click()
    expect(page.get_by_text("Nothing is locked")).to_be_visible()
    page.get_by_text("All there were").click()
    expect(locks.get_by_text("lifted")).to_be_visible()
    assert looked_after.run(DORA, "whoami").returncode == 0
    assert not window.faults, window.faults


def test_a_target_is_checked_and_says_what_to_do(looked_after: Daypass, browser: Browser) -> None:
    window = browser.window(looked_after, CLEO)
    page = window.go("/admin/targets")
    orders = page.get_by_role("article", name="orders")
    orders.get_by_role("button", name="Check the connection").click()
    came = page.get_by_role("status", name="What came of signing in to orders")
    expect(came.get_by_text("reached")).to_have_count(2)
    server = looked_after.server
    server.stop()
    try:
        orders.get_by_role("button", name="Check the connection").click()
        expect(came.get_by_text("failed").first).to_be_visible()
        # What is wrong, and what to do.
        expect(came.get_by_role("listitem").first.locator("div")).to_have_count(2)
    finally:
        server.start()
    orders.get_by_role("button", name="Check the connection").click()
    expect(came.get_by_text("reached")).to_have_count(2)
    assert not window.faults, window.faults


def test_a_channel_is_tested_and_it_is_on_record(looked_after: Daypass, receiver: Receiver, browser: Browser) -> None:
    window = browser.window(looked_after, SAM)
    page = window.go("/admin/channels")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status").filter(has_text="its receiver took it")).to_be_visible()
    assert [one["type"] for one in receiver.heard].count("test") == 1
    receiver.closed = True
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status").filter(has_text="410")).to_contain_text("daypass check")
    receiver.closed = False
    assert [one["body"]["state"] for one in looked_after.wait_entries("channel.tested", 2)] == ["SENT", "FAILED"]
    assert not window.faults, window.faults


@pytest.mark.parametrize(("scheme", "size"), [("light", (1280, 860)), ("dark", PHONE)])
def test_axe_finds_nothing_serious(looked_after: Daypass, browser: Browser, scheme: str, size: tuple[int, int]) -> None:
    window = browser.window(looked_after, SAM, size, color_scheme=scheme, bypass_csp=True)
    window.go("/")
    for part in PARTS:
        assert not serious(window.turn(f"/admin{part}")), part
