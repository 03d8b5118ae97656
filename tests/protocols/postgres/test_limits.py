"""What a client can make a session hold: whoever wants more is told so, and it ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from daypass.protocols.interface import Limits, Send, Side
from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.statements import NAMES_MAX
from tests.protocols.postgres.script import Conversation, said


def say(talk: Conversation, pieces: Iterable[bytes]) -> list[Any]:
    return talk.say(Side.CLIENT, b"".join(pieces))


@pytest.mark.parametrize("came", [100, 3000], ids=["its beginning", "whole"])
@pytest.mark.parametrize("message", ["Query {}", "Parse - {}", "Bind - - {}", "Call 1 {}"])
def test_a_statement_over_the_limit_ends_the_session(message: str, came: int) -> None:
    talk = Conversation(limits=Limits(message_bytes=1000))
    effects = talk.say(Side.CLIENT, said(message.format("x" * 2000))[:came])
    assert isinstance(effects[0], Send) and effects[0].side is Side.CLIENT
    assert errors.read(effects[0].data[5:]).sqlstate == "54000"
    assert [effect.reason for effect in effects[1:]] == ["too large", "too large"]
    assert talk.say(Side.CLIENT, said("Query x")) == []


@pytest.mark.parametrize("request_", ["Parse - {} | Bind - -", "Parse - a | Bind - - {}"])
def test_a_round_trip_with_a_message_over_the_limit_ends_the_session(request_: str) -> None:
    talk = Conversation(limits=Limits(message_bytes=1000))
    pieces = f"{request_.format('x' * 1000)} | Execute - | Sync".split(" | ")
    *_, told, to_client, _ = say(talk, map(said, pieces))
    assert errors.read(told.data[5:]).sqlstate == "54000"
    assert to_client.missing == 0


def test_messages_that_are_over_the_limit_only_together_pass() -> None:
    Conversation(limits=Limits(message_bytes=1000)).play(f"""
        <- Parse - {"x" * 600} | Bind - - {"y" * 600} | Execute - | Sync
        ## submitted 1 bind ['{"y" * 600}']: {"x" * 600}
        -> Parse - {"x" * 600} | Bind - - {"y" * 600} | Execute - | Sync
    """)


def test_names_are_limited() -> None:
    effects = say(Conversation(), (messages.parse(b"p%d" % i, b"x") for i in range(NAMES_MAX + 1)))
    assert [effect.reason for effect in effects[-2:]] == ["too large", "too large"]


def test_texts_of_names_are_limited() -> None:
    talk = Conversation(limits=Limits(message_bytes=10_000))
    effects = say(talk, (messages.parse(b"p%d" % i, b"x" * 4000) for i in range(5)))
    assert [effect.reason for effect in effects[-2:]] == ["too large", "too large"]
