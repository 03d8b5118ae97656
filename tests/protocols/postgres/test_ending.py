"""Every way in which a session ends: the work first, nothing forwarded after, every statement completed."""

from __future__ import annotations

import pytest

from daypass.protocols.interface import Cancel, Close, Ending, Record, Send, Side
from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.relay import REST_BYTES_MAX
from tests.protocols.postgres.script import Conversation, said, seen

EXPIRED = Ending("expired", "grant 7 has expired", "daypass request orders")


def running() -> Conversation:
    talk = Conversation()
    talk.say(Side.CLIENT, said("Query update t set a = 1"))
    return talk


def test_the_end_reaches_the_work_before_anything_else() -> None:
    talk = running()
    cancel, record, told, client, target = talk.relay.end(EXPIRED)
    assert cancel == Cancel()
    assert isinstance(record, Record) and record.fact.error == "57P01"
    assert isinstance(told, Send) and told.side is Side.CLIENT
    said_ = errors.read(told.data[5:])
    assert said_.severity == "FATAL" and said_.sqlstate == "57P01"
    assert (said_.message, said_.hint) == (EXPIRED.message, EXPIRED.hint)
    assert client == Close(Side.CLIENT, "expired", EXPIRED.message)
    assert target == Close(Side.TARGET, "expired", EXPIRED.message)


def test_nothing_is_forwarded_after_the_end() -> None:
    talk = running()
    talk.relay.end(EXPIRED)
    assert talk.say(Side.CLIENT, said("Query commit")) == []
    assert talk.say(Side.TARGET, said("Done UPDATE 1")) == []
    assert not talk.relay.wants(Side.CLIENT)


def test_in_the_middle_of_a_row_the_client_is_told_nothing() -> None:
    talk = running()
    talk.say(Side.TARGET, said("Columns a") + messages.data_row([b"x" * 100])[:50])
    assert [arrow for arrow, _ in seen(talk.relay.end(EXPIRED))] == ["!!", "##", "!!", "!!"]


def test_an_incomplete_message_that_was_not_forwarded_is_no_obstacle() -> None:
    talk = running()
    talk.say(Side.TARGET, said("Done UPDATE 1")[:7])
    assert any(isinstance(effect, Send) for effect in talk.relay.end(EXPIRED))


def test_once_hushed_the_outcome_is_recorded_and_nobody_is_told() -> None:
    talk = running()
    assert talk.relay.owed() == 1
    talk.relay.hush()
    answered = talk.say(Side.TARGET, said("Error 57014 no") + said("Ready I"))
    assert seen(answered) == [("##", "completed 1 error=57014")]
    assert talk.relay.owed() == 0
    told = [effect for effect in talk.relay.end(EXPIRED) if isinstance(effect, Send)]
    assert len(told) == 1 and errors.read(told[0].data[5:]).sqlstate == "57P01"


@pytest.mark.parametrize("kind", [b"D", b"d"])
def test_the_rest_of_a_message_that_has_begun_still_goes_to_the_client_so_that_it_can_be_told(kind: bytes) -> None:
    talk = running()
    row = kind + messages.data_row([b"x" * 100])[1:]
    talk.say(Side.TARGET, said("Columns a") + row[:50])
    talk.relay.hush()
    assert talk.say(Side.TARGET, row[50:60]) == [Send(Side.CLIENT, row[50:60])]
    last = talk.say(Side.TARGET, row[60:] + row + said("Error 57014 no") + said("Ready I"))
    assert last[0] == Send(Side.CLIENT, row[60:]), "and nothing of the next one"
    assert seen(last[1:]) == [("##", "completed 1 rows=2 error=57014")]
    (told,) = [effect for effect in talk.relay.end(EXPIRED) if isinstance(effect, Send)]
    assert errors.read(told.data[5:]).sqlstate == "57P01"


@pytest.mark.parametrize(("size", "come"), [(100, 80), (REST_BYTES_MAX + 100, REST_BYTES_MAX + 200)])
def test_who_has_half_a_message_is_told_nothing(size: int, come: int) -> None:
    """Its rest does not come in time, or is so long that it is not waited for."""
    talk = running()
    row = messages.data_row([b"x" * size])
    talk.say(Side.TARGET, said("Columns a") + row[:50])
    talk.relay.hush()
    got = talk.say(Side.TARGET, row[50:come])
    assert got == ([Send(Side.CLIENT, row[50:come])] if size < REST_BYTES_MAX else [])
    assert not any(isinstance(effect, Send) for effect in talk.relay.end(EXPIRED))


def test_once_hushed_a_fault_of_the_target_gives_the_client_no_more_than_its_rest() -> None:
    talk = running()
    row = messages.data_row([b"x" * 100])
    talk.say(Side.TARGET, said("Columns a") + row[:50])
    talk.relay.hush()
    broken = talk.say(Side.TARGET, row[50:] + row + b"!" * 10)
    assert [effect for effect in broken if not isinstance(effect, Record)] == [Send(Side.CLIENT, row[50:])]


@pytest.mark.parametrize(
    ("sent", "owed"),
    [
        ("Query select 1 | Query select 2", 2),
        ("Parse - select 1 | Bind - - x | Execute - | Sync", 1),
        ("Parse a select 1", 1),
    ],
)
def test_what_the_target_still_owes(sent: str, owed: int) -> None:
    talk = Conversation()
    for one in sent.split(" | "):
        talk.say(Side.CLIENT, said(one))
    assert talk.relay.owed() == owed


def test_a_farewell_owes_nothing() -> None:
    talk = running()
    talk.relay.hush()
    talk.say(Side.TARGET, said("Fatal 57P01 shutting down"))
    assert talk.relay.owed() == 0


def test_where_nothing_can_be_recorded_nothing_is_tried() -> None:
    effects = running().relay.end(Ending("record failed", "the journal cannot be written"))
    assert not any(isinstance(effect, Record) for effect in effects)
    assert effects[0] == Cancel()


def test_a_client_that_sends_no_more_gets_what_it_asked_for() -> None:
    talk = running()
    assert talk.relay.pulse() == []
    talk.say(Side.CLIENT, said("Query select 1")[:7])  # its beginning is nothing
    assert talk.relay.closed(Side.CLIENT) == [Send(Side.TARGET, said("Terminate"))]
    (sign,) = talk.relay.pulse()
    assert sign == Send(Side.CLIENT, said("Status server_version 15.18"))
    answer = said("Columns a") + messages.data_row([b"x" * 100])
    assert talk.say(Side.TARGET, answer[:50]) and talk.relay.pulse() == []  # inside a message
    assert talk.say(Side.TARGET, answer[50:] + said("Done UPDATE 1") + said("Ready I"))
    assert seen(talk.relay.closed(Side.TARGET)) == [
        ("!!", "close client: client left"),
        ("!!", "close target: client left"),
    ]


def test_what_is_held_back_of_a_client_that_sends_no_more_is_sent() -> None:
    talk = Conversation()
    ahead = said("Query prepare p as select 1") + said("Query execute p")
    talk.say(Side.CLIENT, ahead + said("Query select 2")[:7])
    assert talk.relay.closed(Side.CLIENT) == []
    assert seen(talk.say(Side.TARGET, said("Done PREPARE") + said("Ready I")))[1:] == [
        ("##", "submitted 2 query [p] resolved=select 1: execute p"),
        ("->", said("Query execute p")),
        ("->", said("Terminate")),
        ("<=", said("Ready I")),
        ("##", "completed 1 PREPARE"),
    ]


@pytest.mark.parametrize(
    ("data", "outcome"),
    [(b"", "completed 1 error=08006"), (said("CopyData 77")[:6], "completed 1 error=08006 copied=1")],
    ids=["between two messages", "inside one"],
)
def test_a_client_that_leaves_a_copy_behind_has_it_cancelled(data: bytes, outcome: str) -> None:
    talk = Conversation()
    talk.say(Side.CLIENT, said("Query copy t from stdin"))
    talk.say(Side.TARGET, said("CopyIn"))
    talk.say(Side.CLIENT, data)
    assert seen(talk.relay.closed(Side.CLIENT)) == [
        ("!!", "cancel"),
        ("##", outcome),
        ("!!", "close client: client left"),
        ("!!", "close target: client left"),
    ]


def test_an_idle_client_just_leaves() -> None:
    assert seen(Conversation().relay.closed(Side.CLIENT)) == [
        ("!!", "close client: client left"),
        ("!!", "close target: client left"),
    ]


def test_a_client_that_said_goodbye_gets_what_it_asked_for() -> None:
    talk = running()
    talk.say(Side.CLIENT, said("Terminate"))
    assert talk.relay.closed(Side.CLIENT) == []
    assert seen(talk.say(Side.TARGET, said("Done UPDATE 1") + said("Ready I")))[-1] == (
        "##",
        "completed 1 UPDATE 1 rows=1",
    )
    assert seen(talk.relay.closed(Side.TARGET))[0] == ("!!", "close client: client left")


def test_nothing_is_read_behind_a_goodbye() -> None:
    effects = Conversation().say(Side.CLIENT, said("Terminate") + said("Query select 1"))
    assert effects == [Send(Side.TARGET, said("Terminate"))]


def test_a_target_that_is_gone_is_an_error() -> None:
    told = seen(running().relay.closed(Side.TARGET))
    assert told[0] == ("##", "completed 1 error=08006")
    assert isinstance(told[1][1], bytes) and errors.read(told[1][1][5:]).sqlstate == "08006"


def test_a_target_that_said_why_is_not_talked_over() -> None:
    talk = running()
    talk.say(Side.TARGET, said("Fatal 57P01 shutting down"))
    assert seen(talk.relay.closed(Side.TARGET)) == [
        ("##", "completed 1 error=57P01"),
        ("!!", "close client: target left"),
        ("!!", "close target: target left"),
    ]


def test_a_warning_stands_between_two_messages() -> None:
    talk = running()
    row = messages.data_row([b"x" * 100])
    talk.say(Side.TARGET, said("Columns a") + row[:50])
    assert talk.relay.warn("two minutes left") == []
    lines = seen(talk.say(Side.TARGET, row[50:]))
    assert [arrow for arrow, _ in lines] == ["<=", "<="]
    (now,) = talk.relay.warn("one minute left")
    assert errors.read(now.data[5:]).message == "one minute left"


@pytest.mark.parametrize(
    ("side", "garbage"),
    [
        (Side.CLIENT, b"\x00\x00\x00\x00\x08"),
        (Side.CLIENT, b"Q\x00\x00\x00\x03"),
        (Side.CLIENT, b"Q\xff\xff\xff\xff"),
        (Side.CLIENT, b"p\x00\x00\x00\x04"),
        (Side.CLIENT, b"B\x00\x00\x00\x05x"),
        (Side.TARGET, b"T\x00\x00\x00\x05x"),
        (Side.TARGET, b"D\x00\x00\x00\x06\x00\x00"),
        (Side.TARGET, b"Z\x00\x00\x00\x05I"),
        (Side.TARGET, b"1\x00\x00\x00\x04"),
        (Side.TARGET, b"W\x00\x00\x00\x04"),
        (Side.TARGET, b"\xff\xff\xff\xff\xff"),
    ],
)
def test_garbage_is_a_protocol_error(side: Side, garbage: bytes) -> None:
    effects = Conversation().say(side, garbage)
    told, client, _ = [effect for effect in effects if not isinstance(effect, Cancel)]
    assert errors.read(told.data[5:]).sqlstate == "08P01"
    assert client.reason == "protocol error"
