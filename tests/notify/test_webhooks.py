"""Generic webhooks, their signatures checked by the reference library of Standard Webhooks; and Teams' cards."""

from __future__ import annotations

import base64
import json
import os

import pytest
from standardwebhooks import Webhook as Reference
from standardwebhooks.webhooks import WebhookVerificationError

from daypass.notify.interface import NotSent
from daypass.notify.reaching import Reach
from daypass.notify.teams import Teams
from daypass.notify.webhooks import Webhook, signing_key
from tests.notify.conftest import NASTY, REQUEST, message
from tests.notify.receivers import Web

SECRET = "whsec_" + base64.b64encode(os.urandom(32)).decode()
FORMER = "whsec_" + base64.b64encode(os.urandom(24)).decode()


async def test_the_reference_library_accepts_it(web: Web) -> None:
    assert await Webhook(Reach(web.url + "/in"), [SECRET]).send(message(), {}) == {"id": "0190-notice"}
    (heard,) = web.heard
    told = Reference(SECRET).verify(heard.body, dict(heard.headers))
    assert heard.path == "/in" and heard.headers["webhook-id"] == "0190-notice"
    assert told["type"] == "decide" and told["timestamp"].startswith("2023-11-14T22:13:20")
    assert told["data"]["request"] == REQUEST and told["data"]["facts"]["Who"] == "Ana"
    with pytest.raises(WebhookVerificationError):
        Reference(SECRET).verify(heard.body.replace(b"Ana", b"Eve"), dict(heard.headers))


async def test_while_a_secret_is_replaced_both_accept_it(web: Web) -> None:
    await Webhook(Reach(web.url), [SECRET, FORMER]).send(message(), {})
    (heard,) = web.heard
    for secret in (SECRET, FORMER):
        assert Reference(secret).verify(heard.body, dict(heard.headers))


async def test_every_attempt_has_the_same_id(web: Web) -> None:
    web.answers = [(500, {}, b"")]
    channel = Webhook(Reach(web.url), [SECRET])
    with pytest.raises(NotSent) as problem:
        await channel.send(message(), {})
    await channel.send(message(), {})
    assert not problem.value.final and {one.headers["webhook-id"] for one in web.heard} == {"0190-notice"}


@pytest.mark.parametrize(
    ("status", "headers", "final", "after"),
    [
        (410, {}, True, None),
        (404, {}, False, None),
        (429, {"Retry-After": "7"}, False, 7.0),
        (503, {"Retry-After": "99999"}, False, 3600.0),
        (302, {"Location": "http://127.0.0.1:1/"}, False, None),
    ],
)
async def test_what_answers_mean(web: Web, status: int, headers: dict[str, str], final: bool, after: float) -> None:
    web.answers = [(status, headers, b"")]
    with pytest.raises(NotSent) as problem:
        await Webhook(Reach(web.url), [SECRET]).send(message(), {})
    assert (problem.value.final, problem.value.after_seconds) == (final, after)
    assert len(web.heard) == 1  # no redirect is followed


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_!!!", SECRET.removeprefix("whsec_"), "whsec_YWJj"],
    ids=["empty", "nothing", "not base64", "without prefix", "too short"],
)
def test_a_weak_secret_is_none(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signing_key(secret)


async def test_teams_gets_a_card_in_which_nothing_is_markdown(web: Web) -> None:
    await Teams(Reach(web.url)).send(message(), {})
    (attachment,) = web.heard[0].json["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4") and card["body"][0]["id"] == "0190-notice"
    blocks = card["body"][0]["items"]
    assert {one["type"] for one in blocks} == {"RichTextBlock"}
    texts = [run["text"] for one in blocks for run in one["inlines"]]
    assert any("[click](https://evil.test)" in text for text in texts) and f"daypass approve {REQUEST}" in texts
    assert NASTY not in texts and "\u202e" not in json.dumps(card, ensure_ascii=False)


async def test_teams_says_no_in_a_status_of_200(web: Web) -> None:
    web.answers = [(200, {}, b"Webhook message delivery failed with error: HTTP error 429")]
    with pytest.raises(NotSent):
        await Teams(Reach(web.url)).send(message(), {})
