"""Anything at all from either side: an error and an ended session, never an exception, however it is cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from daypass.domain.statement import Completed, Submitted
from daypass.protocols.interface import Close, Ending, Limits, Record, Send, Side
from daypass.protocols.postgres import POSTGRES, messages
from daypass.protocols.postgres.relay import Relay
from daypass.protocols.postgres.rows import unpack_rows, unpack_values
from tests.protocols.postgres.client import WELCOME, Guest, probed
from tests.protocols.postgres.script import said

CLIENT = [
    "Query select 1", "Query execute p", "Query prepare q as select 2", "Query discard all", "Query select theirs(1)",
    "Parse p select $1", "Parse - select 2", "Bind - p 1", "Bind c - x", "Bind - nope", "Describe S p", "Describe P -",
    "Execute -", "Execute c 2", "Close S p", "Close P c", "Sync", "Sync", "Flush", "Call 5 a", "CopyData abc",
    "CopyDone", "CopyFail no", "Terminate",
]  # fmt: skip
TARGET = [
    "ParseComplete", "BindComplete", "CloseComplete", "Columns a b", "Row 1 2", "Row NULL", "Done SELECT 1",
    "Done PREPARE", "Ready I", "Ready I", "Ready T", "Error 42601 no", "Fatal 57P01 bye", "NoData", "Params 25",
    "Suspended", "Empty",
    "CopyIn", "CopyOut", "CopyData abc", "CopyDone", "Notice x", "Status a b", "Result x",
]  # fmt: skip

ASKS = [
    ["Bind - p 1", "Describe P -", "Execute -", "Sync"],
    ["Parse - select 2", "Bind - - 1", "Describe P -", "Execute -", "Sync"],
    ["Parse - select 3", "Bind - -", "Execute -", "Sync"],
    ["Parse - deallocate p", "Bind - -", "Execute -", "Sync"],
]
ANSWERS = [
    ["BindComplete", "Columns a b", "Row 1 2", "Done SELECT 1", "Ready I"],
    ["ParseComplete", "BindComplete", "Columns a b", "Row 1 2", "Row 3 4", "Done SELECT 2", "Ready T"],
    ["ParseComplete", "BindComplete", "Done INSERT 0 1", "Ready I"],
    ["Error 42601 no", "Ready I"],
    ["ParseComplete", "Error 22P02 no", "Ready E"],
]
"""Whole round trips, which chance would hardly ever put together: most of them are taken in one step (`steady`)."""

turns = st.lists(
    st.one_of(
        st.tuples(st.just(Side.CLIENT), st.sampled_from(ASKS)),
        st.tuples(st.just(Side.TARGET), st.sampled_from(ANSWERS)),
        st.tuples(st.just(Side.CLIENT), st.lists(st.sampled_from(CLIENT), min_size=1, max_size=6)),
        st.tuples(st.just(Side.TARGET), st.lists(st.sampled_from(TARGET), min_size=1, max_size=6)),
    ),
    max_size=12,
)


def relay(*, results: bool = False) -> Relay:
    return Relay(Limits(message_bytes=100_000), results=results, parameters={})


def bytes_to(side: Side, effects: Sequence[Any]) -> bytes:
    return b"".join(effect.data for effect in effects if isinstance(effect, Send) and effect.side is side)


def facts(effects: Sequence[Any]) -> list[Any]:
    """Facts whose place and content cannot depend on how bytes were cut."""
    return [e.fact for e in effects if isinstance(e, Record) and isinstance(e.fact, Submitted | Completed)]


def close_books(talk: Relay, effects: list[Any]) -> None:
    """However it went: once it has ended, every statement submitted is completed exactly once."""
    if not talk.ended:
        effects += talk.end(Ending("expired", "x"))
    found = facts(effects)
    submitted = [fact.n for fact in found if isinstance(fact, Submitted)]
    completed = [fact.n for fact in found if isinstance(fact, Completed)]
    assert sorted(submitted) == sorted(completed)
    assert len(set(submitted)) == len(submitted)
    assert isinstance(effects[-1], Close)


@given(st.lists(st.tuples(st.sampled_from(Side), st.binary(max_size=60)), max_size=10))
def test_random_bytes_into_a_relay(chunks: list[tuple[Side, bytes]]) -> None:
    talk = relay()
    effects: list[Any] = []
    for side, data in chunks:
        effects += talk.received(side, data, 1.0)
    close_books(talk, effects)


@given(turns, st.booleans())
@settings(max_examples=200)
def test_any_order_of_messages_keeps_the_books(script: list[tuple[Side, list[str]]], results: bool) -> None:
    talk = relay(results=results)
    effects: list[Any] = []
    for side, lines in script:
        effects += talk.received(side, b"".join(map(said, lines)), 1.0)
    close_books(talk, effects)


@given(turns, st.data())
@settings(max_examples=200)
def test_cutting_the_bytes_anywhere_changes_nothing(script: list[tuple[Side, list[str]]], data: st.DataObject) -> None:
    whole, cut = relay(), relay()
    a: list[Any] = []
    b: list[Any] = []
    for side, lines in script:
        chunk = b"".join(map(said, lines))
        a += whole.received(side, chunk, 1.0)
        while chunk:
            size = data.draw(st.integers(1, len(chunk)))
            b += cut.received(side, chunk[:size], 1.0)
            chunk = chunk[size:]
    if not whole.ended and not cut.ended:
        assert bytes_to(Side.TARGET, a) == bytes_to(Side.TARGET, b)
        assert bytes_to(Side.CLIENT, a) == bytes_to(Side.CLIENT, b)
        assert facts(a) == facts(b)
    assert whole.ended == cut.ended


@given(turns, st.integers(0, 500), st.integers(0, 255))
@settings(max_examples=200)
def test_a_flipped_byte_is_no_exception(script: list[tuple[Side, list[str]]], where: int, value: int) -> None:
    talk = relay()
    effects: list[Any] = []
    for side, lines in script:
        chunk = bytearray(b"".join(map(said, lines)))
        if 0 <= where < len(chunk):
            chunk[where] = value
        where -= len(chunk)
        effects += talk.received(side, bytes(chunk), 1.0)
    close_books(talk, effects)


@given(turns)
@settings(max_examples=200)
def test_nothing_reaches_the_target_before_it_is_recorded(script: list[tuple[Side, list[str]]]) -> None:
    talk = relay()
    waiting = 0
    for side, lines in script:
        for effect in talk.received(side, b"".join(map(said, lines)), 1.0):
            if isinstance(effect, Record) and isinstance(effect.fact, Submitted):
                waiting += 1
            elif isinstance(effect, Send) and effect.side is Side.TARGET:
                waiting -= sum(effect.data.count(said(line)) for line in ("Query select 1", "Call 5 a"))
                assert waiting >= 0


@given(st.lists(st.binary(max_size=80), max_size=8), st.booleans())
def test_random_bytes_into_a_new_session(chunks: list[bytes], tls: bool) -> None:
    guest = Guest(tls=tls)
    for chunk in chunks:
        guest.say(chunk)
    assert guest.session.handle(Ending("expired", "x")) is not None
    assert guest.session.handle(Ending("expired", "x")) == []


@given(st.integers(0, 400), st.integers(0, 255), st.integers(1, 50))
def test_a_target_that_garbles_its_welcome(where: int, value: int, size: int) -> None:
    guest = Guest()
    guest.start()
    guest.sign_in()
    data = bytearray(WELCOME + probed())
    data[where % len(data)] = value
    for pos in range(0, len(data), size):
        guest.target(bytes(data[pos : pos + size]))
    guest.say(messages.TERMINATE)


@given(st.binary(max_size=200))
def test_unpacking_never_raises(packed: bytes) -> None:
    unpack_values(packed)
    unpack_rows(packed)


@given(st.text(max_size=80))
def test_analysis_never_raises(text: str) -> None:
    assert POSTGRES.analyse(text).kind
