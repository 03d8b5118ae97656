"""Receivers, started for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from daypass.notify.interface import Choices, Message, Recipient
from tests.notify.receivers import Mailbox, SlackServer, Web

REQUEST, DIGEST = "0190-request", "ab" * 32
NASTY = "see <!channel> & [click](https://evil.test) *now* \u202ekcab <script>alert(1)</script>\nsecond line"


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    made = Web()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def workspace() -> AsyncIterator[SlackServer]:
    made = SlackServer()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    made = Mailbox()
    await made.start()
    yield made
    await made.stop()


def message(**more: object) -> Message:
    """One that somebody can decide on."""
    usual: dict[str, object] = {
        "id": "0190-notice",
        "kind": "decide",
        "at": 1_700_000_000_000,
        "subject": "Ana asks for orders:write",
        "title": "Ana asks for orders:write for 30 minutes",
        "to": Recipient("lea@acme.test", "Lea"),
        "thread": REQUEST,
        "facts": (("Who", "Ana"), ("Why", NASTY)),
        "commands": (f"daypass approve {REQUEST}",),
        "choices": Choices(REQUEST, DIGEST),
        "data": {"request": REQUEST, "digest": DIGEST},
    }
    return Message(**{**usual, **more})  # type: ignore[arg-type]
