"""Telling people, from outside: a real `serve`, killed while it sends; a button in Slack; the operator's own look."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook as Reference

from tests.api.serving import Served
from tests.cli.running import daypass
from tests.notify.receivers import BOT, Mailbox, SlackServer, Web

WHSEC = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
SECONDS_MAX = 30.0
NOTIFY = """\
notify:
  email: {{ server: '127.0.0.1:{mail}', tls: none, from: Daypass <daypass@acme.test> }}
  slack: {{ token: {{ file: bot }}, signing_secret: {{ file: signing }}, api: 'http://127.0.0.1:{slack}/api' }}
  webhooks: [ {{ name: siem, url: 'http://127.0.0.1:{web}/in', secret: {{ file: whsec }} }} ]
"""


class Scene:
    """A served Daypass and everything that it tells."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.mailbox, self.workspace, self.web = Mailbox(), SlackServer(), Web()

    async def start(self) -> None:
        for receiver in (self.mailbox, self.workspace, self.web):
            await receiver.start()
        for name in ("ana", "ben"):
            self.workspace.member(f"U{name.upper()}", f"{name}@acme.test")
        self.served = Served(self.home)
        for name, text in (("bot", BOT), ("signing", SIGNING), ("whsec", WHSEC)):
            (self.home / name).write_text(text)
        with (self.home / "daypass.yaml").open("a") as file:
            file.write(NOTIFY.format(mail=self.mailbox.port, slack=self.workspace.port, web=self.web.port))

    async def stop(self) -> None:
        await asyncio.to_thread(self.served.stop)
        for receiver in (self.mailbox, self.workspace, self.web):
            await receiver.stop()

    async def until(self, count: int) -> None:
        """Wait until so many webhooks have arrived about requests."""
        give_up = time.monotonic() + SECONDS_MAX
        while len(self.heard()) < count:
            assert time.monotonic() < give_up, self.served.log()
            await asyncio.sleep(0.05)

    def heard(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.web.heard if one.json["data"].get("request")]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_killed_between_sending_and_noting_it_is_sent_again_with_the_same_id(scene: Scene) -> None:
    await asyncio.to_thread(scene.served.start)
    scene.web.stall = True
    asked = await asyncio.to_thread(scene.served.ask)
    await scene.until(1)
    await asyncio.to_thread(scene.served.kill)
    scene.web.stall = False
    await asyncio.to_thread(scene.served.start)
    await scene.until(2)
    assert len(set(scene.heard())) == 1
    last = [one for one in scene.web.heard if one.json["data"].get("request") == asked["id"]][-1]
    assert Reference(WHSEC).verify(last.body, dict(last.headers))["type"] == "decide"
    assert len(scene.workspace.of("DBEN")) >= 1 and any("ben@acme.test" in one["To"] for one in scene.mailbox.mails)


async def test_a_button_pressed_in_slack_decides(scene: Scene) -> None:
    await asyncio.to_thread(scene.served.start)
    asked = await asyncio.to_thread(scene.served.ask)
    await scene.until(1)
    give_up = time.monotonic() + SECONDS_MAX
    while not scene.workspace.of("DBEN"):
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)
    (approve, _) = scene.workspace.of("DBEN")[0]["blocks"][-1]["elements"]
    action = {"action_id": approve["action_id"], "value": approve["value"]}
    payload = {"type": "block_actions", "user": {"id": "UBEN"}, "actions": [action]}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    now = str(int(time.time()))
    signature = SignatureVerifier(SIGNING).generate_signature(timestamp=now, body=body) or ""

    def press(signed: str) -> int:
        headers = {"X_Slack_Signature": signed, "X_Slack_Request_Timestamp": now}
        headers["Content_Type"] = "application/x-www-form-urlencoded"
        return scene.served.call("POST", "/api/v1/slack/actions", raw=body, **headers).status

    assert await asyncio.to_thread(press, signature[:-4] + "zzzz") == 401
    assert await asyncio.to_thread(press, signature) == 200
    assert await asyncio.to_thread(press, signature) == 401
    shown = await asyncio.to_thread(scene.served.call, "GET", f"/api/v1/requests/{asked['id']}", by="ana")
    assert shown.json["state"] == "APPROVED"
    await scene.until(2)


async def test_the_operator_tries_channels(scene: Scene) -> None:
    def run(*argv: str) -> str:
        done = daypass(scene.home, *argv)
        assert done.returncode == 0, done.stderr
        return done.stdout

    checked = await asyncio.to_thread(run, "check")
    assert "3 channels" in checked and "Told over siem, to its readers: everything." in checked
    assert "STARTTLS" not in await asyncio.to_thread(run, "notify", "channels")
    await asyncio.to_thread(run, "notify", "test", "email", "--to", "ana@acme.test")
    await asyncio.to_thread(run, "notify", "test", "slack", "--to", "ana@acme.test")
    await asyncio.to_thread(run, "notify", "test", "siem")
    assert "this channel works" in str(scene.mailbox.mails[0])
    assert len(scene.workspace.of("DANA")) == 1 and scene.web.heard[0].json["type"] == "test"
    done = await asyncio.to_thread(daypass, scene.home, "notify", "test", "pager")
    assert done.returncode == 2 and "there is no channel pager" in done.stderr
    await scene.mailbox.stop()
    done = await asyncio.to_thread(daypass, scene.home, "notify", "channels")
    assert done.returncode == 1 and "FAILED" in done.stdout
