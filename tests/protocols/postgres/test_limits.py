"""What a client can make a session hold: whoever wants more is told so, and it ends."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest

from daypass.protocols.interface import Limits, Send, Side
from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.statements import COLUMNS_MAX, NAMES_MAX
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


def test_names_of_columns_are_limited() -> None:
    talk = Conversation()
    say(talk, [said("Query many")])
    *_, record = talk.say(Side.TARGET, (said("Columns a b") + said("Done SELECT 1")) * 2000 + said("Ready I"))
    assert record.fact.columns == ("a", "b") * (COLUMNS_MAX // 2)


BIG = b"x" * 10_000


@pytest.mark.parametrize("execute", [b"", messages.execute()], ids=["bound", "executed"])
@pytest.mark.parametrize("answered", [True, False])
def test_values_of_portals_that_are_no_more_are_not_kept(execute: bytes, answered: bool) -> None:
    talk = Conversation(limits=Limits(message_bytes=10 * len(BIG)))
    say(talk, [messages.parse(b"p", b"x")])
    talk.say(Side.TARGET, messages.PARSE_COMPLETE)
    answer = messages.BIND_COMPLETE + (messages.command_complete("INSERT 0 1") if execute else b"")
    tracemalloc.start()
    try:
        for _ in range(1000):
            *_, sent = say(talk, [messages.bind(b"", b"p", [BIG]), execute])
            assert isinstance(sent, Send) and sent.side is Side.TARGET
            if answered:
                talk.say(Side.TARGET, answer)
        assert tracemalloc.get_traced_memory()[0] < 300 * len(BIG)
    finally:
        tracemalloc.stop()


def test_values_of_portals_are_limited() -> None:
    talk = Conversation(limits=Limits(message_bytes=3 * len(BIG)))
    say(talk, [messages.parse(b"p", b"x")])
    effects = say(talk, (messages.bind(b"c%d" % i, b"p", [BIG]) for i in range(3)))
    assert [effect.reason for effect in effects[-2:]] == ["too large", "too large"]


def test_what_portals_stand_for_is_limited() -> None:
    talk = Conversation(limits=Limits(message_bytes=3 * len(BIG)))
    say(talk, [messages.parse(b"e", b"execute p")])
    talk.say(Side.TARGET, messages.PARSE_COMPLETE)
    effects: list[Any] = []
    for number in range(4):
        pieces = messages.parse(b"p", BIG), messages.bind(b"c%d" % number, b"e"), messages.close(b"S", b"p")
        effects = say(talk, pieces)
        talk.say(Side.TARGET, messages.PARSE_COMPLETE + messages.BIND_COMPLETE + messages.CLOSE_COMPLETE)
    assert [effect.reason for effect in effects[-2:]] == ["too large", "too large"]


def test_portals_that_nobody_executes_are_limited() -> None:
    talk = Conversation()
    say(talk, [messages.parse(b"p", b"x")])
    effects = say(talk, (messages.bind(b"", b"p") for _ in range(NAMES_MAX + 1)))
    assert [effect.reason for effect in effects[-2:]] == ["too large", "too large"]


def test_a_portal_whose_values_are_not_kept_is_not_vouched_for_when_it_comes_back() -> None:
    talk = Conversation(limits=Limits(message_bytes=2 * len(BIG)))
    say(talk, [messages.parse(b"p", b"x"), messages.bind(b"", b"p", [BIG]), messages.SYNC])
    talk.say(Side.TARGET, messages.PARSE_COMPLETE + messages.BIND_COMPLETE + messages.ready(b"T"))
    say(talk, [messages.bind(b"", b"p", [BIG]), messages.SYNC])
    talk.say(Side.TARGET, said("Error 22P02 no number") + messages.ready(b"E"))
    record, _ = say(talk, [messages.execute(), messages.SYNC])
    assert record.fact.values == b"" and not record.fact.verified
