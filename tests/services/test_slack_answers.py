"""Deciding in Slack: verified, once, by somebody we know, and the very same vote as any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from daypass.domain.deciding import Changes
from daypass.domain.errors import Invalid, Unauthenticated
from daypass.domain.request import RequestState
from daypass.services.slack_answers import Reply, SlackAnswers
from tests.domain.things import HOUR
from tests.services.test_telling_people import Post, has_buttons, post

__all__ = ["post"]

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


class Presses:
    """People's hands in Slack, signed by Slack."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.answers = SlackAnswers(post.world.office, post.world.requests, post.slack, SECRET)
        self.sent: tuple[str, str, bytes] = ("", "", b"")

    async def send(self, payload: Mapping[str, Any]) -> Reply:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        timestamp = str(self.post.world.clock.t // 1000)
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)
        assert signature is not None
        self.sent = (timestamp, signature, body)
        reply = await self.answers.take(*self.sent)
        if reply.after is not None:
            await reply.after()
        return reply

    async def press(self, name: str, action: str, *, user: str = "") -> Reply:
        """Press a button of the newest message that stands in this person's conversation."""
        self.post.world.clock.t += 1000
        said = self.post.workspace.of(f"D{name.upper()}")[-1]
        (found,) = [
            one
            for block in said["blocks"]
            if block["type"] == "actions"
            for one in block["elements"]
            if one["action_id"] == f"daypass_{action}"
        ]
        return await self.send(
            {
                "type": "block_actions",
                "user": {"id": user or f"U{name.upper()}"},
                "trigger_id": "13345224609.738474920.8088930838d88f008e0",
                "container": {"type": "message", "channel_id": f"D{name.upper()}"},
                "actions": [{"action_id": found["action_id"], "value": found["value"]}],
            }
        )

    async def submit(self, name: str, note: str) -> Reply:
        """Send the dialog that was opened last."""
        (view,) = [given["view"] for method, given in self.post.workspace.calls if method == "views.open"][-1:]
        state = {"values": {"daypass_note": {"daypass_note": {"type": "plain_text_input", "value": note}}}}
        told = {**view, "state": state}
        return await self.send({"type": "view_submission", "user": {"id": f"U{name.upper()}"}, "view": told})

    def whispers(self) -> list[str]:
        return [given["text"] for method, given in self.post.workspace.calls if method == "chat.postEphemeral"]


@pytest.fixture
def presses(post: Post) -> Presses:
    return Presses(post)


async def test_a_button_approves_for_exactly_what_was_shown(presses: Presses) -> None:
    world = presses.post.world
    asked = await world.asked()
    await presses.post.send()
    await presses.press("lea", "approve")
    after = await world.request(asked.id)
    assert after.state is RequestState.APPROVED and after.votes[0].digest == asked.digest
    event = world.last("request.voted")
    assert event.actor.id == (await world.who("lea")).id and event.body["via"] == "slack"
    await presses.post.send()
    assert not any(has_buttons(said) for name in ("DLEA", "DBEN") for said in presses.post.workspace.of(name))


async def test_what_was_here_before_is_not_taken_again(presses: Presses) -> None:
    await presses.post.world.asked()
    await presses.post.send()
    await presses.press("lea", "approve")
    with pytest.raises(Unauthenticated):
        await presses.answers.take(*presses.sent)
    # Nor by another node, nor later.
    other = Presses(presses.post).answers
    with pytest.raises(Unauthenticated):
        await other.take(*presses.sent)
    presses.post.world.clock.t += HOUR
    with pytest.raises(Unauthenticated):
        await other.take(*presses.sent)


async def test_what_changed_meanwhile_is_not_approved(presses: Presses) -> None:
    world = presses.post.world
    asked = await world.asked()
    await presses.post.send()
    await world.requests.edit(await world.who("ana"), asked.id, Changes(reason="something else"))
    await presses.press("lea", "approve")
    assert (await world.request(asked.id)).state is RequestState.PENDING
    assert "the request has changed since you looked at it; nothing was decided" in presses.whispers()[0]


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("UEVE", "does not know you"),
        ("UNOBODY", "user_not_found"),
        ("UANA", "nobody decides on their own request"),
        ("USAM", "there is no request"),
    ],
)
async def test_who_may_not_decide_decides_nothing_there_either(presses: Presses, user: str, said: str) -> None:
    world = presses.post.world
    asked = await world.asked()
    presses.post.workspace.member("UEVE", "mallory@evil.test")
    await presses.post.send()
    await presses.press("lea", "approve", user=user)
    assert (await world.request(asked.id)).votes == () and said in presses.whispers()[0]


async def test_denying_asks_why(presses: Presses) -> None:
    world = presses.post.world
    asked = await world.asked()
    await presses.post.send()
    await presses.press("lea", "deny")
    assert (await world.request(asked.id)).state is RequestState.PENDING
    reply = await presses.submit("lea", "  ")
    assert reply.body["response_action"] == "errors"
    assert (await presses.submit("lea", "not on a Friday")).body == {}
    after = await world.request(asked.id)
    assert after.state is RequestState.DENIED and after.votes[0].note == "not on a Friday"


async def test_a_second_press_says_so_and_changes_nothing(presses: Presses) -> None:
    world = presses.post.world
    asked = await world.asked()
    await presses.post.send()
    await presses.press("lea", "approve")
    await presses.press("ben", "approve")
    assert len((await world.request(asked.id)).votes) == 1 and "APPROVED already" in presses.whispers()[0]


async def test_signed_votes_have_no_buttons(presses: Presses) -> None:
    world = presses.post.world
    world.use(_signed())
    await world.asked()
    await presses.post.send()
    (said,) = presses.post.workspace.of("DLEA")
    assert not has_buttons(said) and "--sign" in json.dumps(said)


def _signed() -> str:
    from tests.services.conftest import SIMPLE

    return SIMPLE.replace("      undecided_after: 4h\n", "      undecided_after: 4h\n      signed: true\n")


async def test_what_is_no_interaction_is_refused(presses: Presses) -> None:
    timestamp, body = str(presses.post.world.clock.t // 1000), b"hello"
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)
    with pytest.raises(Invalid):
        await presses.answers.take(timestamp, signature or "", body)
    assert (await presses.send({"type": "shortcut"})).body == {}
