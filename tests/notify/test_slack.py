"""Slack: what it is asked, what it may answer, who somebody is, and whether a request comes from it."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.signature import SignatureVerifier

from daypass.domain.errors import Unauthenticated
from daypass.notify.interface import Choices, NotSent
from daypass.notify.reaching import Reach
from daypass.notify.slack import Slack
from daypass.notify.slack_blocks import APPROVE, blocks, choices_of, dialog, value_of
from daypass.notify.slack_signature import check_signature
from tests.notify.conftest import DIGEST, REQUEST, message
from tests.notify.receivers import BOT, SlackServer

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_700_000_000


def slack(workspace: SlackServer, **more: Any) -> Slack:
    return Slack(Reach(workspace.url + "/api"), BOT, **more)


def buttons(said: dict[str, Any]) -> list[str]:
    return [one["action_id"] for block in said["blocks"] if block["type"] == "actions" for one in block["elements"]]


async def test_a_person_is_told_and_the_message_is_changed_in_place(workspace: SlackServer) -> None:
    workspace.member("U1", "lea@acme.test")
    channel = slack(workspace)
    receipt = await channel.send(message(), {})
    assert receipt["channel"] == "D1" and len(buttons(workspace.of("D1")[0])) == 2
    over = message(id="0190-2", kind="closed", title="approved by Sam", choices=None, quiet=True)
    assert await channel.send(over, receipt) == receipt
    (said,) = workspace.of("D1")
    assert buttons(said) == [] and said["text"] == "approved by Sam"
    assert said["metadata"]["event_payload"]["id"] == "0190-2"


async def test_a_changed_request_takes_the_old_buttons_away(workspace: SlackServer) -> None:
    workspace.member("U1", "lea@acme.test")
    channel = slack(workspace)
    first = await channel.send(message(), {})
    await channel.send(message(choices=Choices(REQUEST, "cd" * 32)), first)
    old, new = workspace.of("D1")
    assert buttons(old) == [] and APPROVE in buttons(new)


async def test_where_nobody_takes_what_is_pressed_there_are_no_buttons(workspace: SlackServer) -> None:
    await slack(workspace, room="C9", buttons=False).send(message(), {})
    assert buttons(workspace.of("C9")[0]) == []


async def test_a_room_is_told_once(workspace: SlackServer) -> None:
    await slack(workspace, room="C9").send(message(), {})
    assert len(workspace.of("C9")) == 1


async def test_people_are_found_as_the_settings_say_then_as_slack_does(workspace: SlackServer) -> None:
    workspace.member("U1", "ana@acme.test")
    channel = slack(workspace, people={"lea@acme.test": "U7"})
    assert (await channel.send(message(), {}))["channel"] == "D7"
    assert await channel.email_of("U7") == "lea@acme.test"
    assert await channel.email_of("U1") == "ana@acme.test"
    await channel.email_of("U1")
    assert [name for name, _ in workspace.calls].count("users.info") == 1


@pytest.mark.parametrize(
    "flaw",
    [
        {"deleted": True},
        {"is_bot": True},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_stranger": True},
        {"is_email_confirmed": False},
        {"team_id": "T2"},
        {"profile": {}},
    ],
)
async def test_who_is_no_full_member_is_nobody(workspace: SlackServer, flaw: dict[str, Any]) -> None:
    workspace.member("U1", "lea@acme.test", **flaw)
    assert await slack(workspace).email_of("U1") is None


async def test_too_many_requests_are_waited_for(workspace: SlackServer) -> None:
    workspace.limited = 1
    with pytest.raises(NotSent) as problem:
        await slack(workspace, room="C9").send(message(), {})
    assert (problem.value.after_seconds, problem.value.final) == (30.0, False)


@pytest.mark.parametrize(
    ("error", "final"),
    [("channel_not_found", True), ("users_not_found", True), ("internal_error", False), ("invalid_auth", False)],
)
async def test_what_errors_mean(workspace: SlackServer, error: str, final: bool) -> None:
    workspace.errors = [error]
    with pytest.raises(NotSent) as problem:
        await slack(workspace, room="C9").send(message(), {})
    assert problem.value.final is final and error in problem.value.why and BOT not in problem.value.why


def test_slacks_own_models_accept_what_we_say() -> None:
    said = blocks(message(facts=(("Why", ""), ("Long", "x" * 5000))))
    for block in Block.parse_all(said):
        block.validate_json()
    assert [one["type"] for one in said] == ["header", "rich_text", "actions"]
    View(**dialog(value_of(Choices(REQUEST, DIGEST)))).validate_json()


def test_nothing_that_people_wrote_is_interpreted() -> None:
    """Rich text shows it as it is; the header is plain text; the fallback is escaped."""
    said = blocks(message(title="<!channel> *x*"))
    assert said[0]["text"] == {"type": "plain_text", "text": "<!channel> *x*", "emoji": False}
    kinds = {
        part["type"]
        for block in said
        if block["type"] == "rich_text"
        for one in block["elements"]
        for part in one["elements"]
    }
    assert kinds == {"text"}


def test_a_button_names_its_request_and_digest() -> None:
    assert choices_of(value_of(Choices(REQUEST, DIGEST))) == Choices(REQUEST, DIGEST)
    for bad in ("", "{}", "[]", '{"request":1,"digest":2}'):
        with pytest.raises(ValueError):
            choices_of(bad)


def test_slacks_own_signature_is_accepted_and_no_other() -> None:
    body = b"payload=%7B%7D"
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=str(NOW), body=body)
    assert signature
    check_signature(SECRET, str(NOW), body, signature, NOW + 299)
    wrong = [
        (SECRET, str(NOW), body + b"x", signature, NOW),
        ("other", str(NOW), body, signature, NOW),
        ("", str(NOW), body, signature, NOW),
        (SECRET, str(NOW), body, "", NOW),
        (SECRET, str(NOW), body, "v0=é", NOW),
        (SECRET, str(NOW + 1), body, signature, NOW),
        (SECRET, str(NOW), body, signature, NOW + 301),
        (SECRET, str(NOW), body, signature, NOW - 301),
        (SECRET, "", body, signature, NOW),
        (SECRET, "٣", body, signature, NOW),
    ]
    for secret, timestamp, sent, said, now in wrong:
        with pytest.raises(Unauthenticated):
            check_signature(secret, timestamp, sent, said, now)
