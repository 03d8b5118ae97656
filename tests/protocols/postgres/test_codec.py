"""The codec as a table: each message built, read, and walked, whole and byte by byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from daypass.protocols.interface import Side
from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.errors import Complaint
from daypass.protocols.postgres.frames import Malformed, Tail, bodies, size_at, skip
from tests.protocols.postgres.script import Conversation, said

ROUND_TRIPS: list[tuple[str, bytes, Callable[[bytes], Any], Any]] = [
    ("S\0\0\0\x08a\0b\0", messages.parameter_status("a", "b"), messages.read_parameter_status, ("a", "b")),
    (
        "R\0\0\0\x0c\0\0\0\x0ax\0y\0\0",
        messages.sasl_mechanisms(("x", "y")),
        messages.read_sasl_mechanisms,
        ("x", "y"),
    ),
    ("p\0\0\0\x0bM\0\0\0\0\x01f", messages.sasl_initial("M", b"f"), messages.read_sasl_initial, ("M", b"f")),
    (
        "T\0\0\0\x1a\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\xff\xff\xff\xff\xff\xff\0\x01",
        messages.row_description([messages.Column("a", 23, 1)]),
        messages.read_row_description,
        (messages.Column("a", 23, 1),),
    ),
    (
        "D\0\0\0\x0f\0\x02\0\0\0\x01a\xff\xff\xff\xff",
        messages.data_row([b"a", None]),
        messages.read_data_row,
        (b"a", None),
    ),
    (
        "E\0\0\0\x21SERROR\0VERROR\0C26000\0Mno\0Hyes\0\0",
        errors.error("26000", "no", hint="yes", severity="ERROR"),
        errors.read,
        Complaint("ERROR", "26000", "no", "yes"),
    ),
]


@pytest.mark.parametrize(("wire", "built", "read", "value"), ROUND_TRIPS, ids=[case[0][0] for case in ROUND_TRIPS])
def test_messages_both_ways(wire: str, built: bytes, read: Callable[[bytes], Any], value: Any) -> None:
    raw = wire.encode("latin-1")
    raw = raw[:1] + (len(raw) - 1).to_bytes(4, "big") + raw[5:]
    assert built == raw
    assert read(built[5:]) == value


@pytest.mark.parametrize(("wire", "built", "read", "value"), ROUND_TRIPS[:5], ids=[c[0][0] for c in ROUND_TRIPS[:5]])
def test_a_message_that_ends_too_early_is_malformed(wire: str, built: bytes, read: Any, value: Any) -> None:
    for end in range(len(built) - 5):
        with pytest.raises(Malformed):
            read(built[5 : 5 + end])


def test_startup_both_ways() -> None:
    packet = messages.startup(messages.PROTOCOL_3_2, {"user": "ana@acme.test", "database": "orders:read"})
    assert packet[:8] == b"\0\0\0\x2e\0\x03\0\x02"[:3] + bytes([len(packet)]) + b"\0\x03\0\x02"
    read = messages.read_startup(packet[4:])
    assert read == messages.Startup(messages.PROTOCOL_3_2, {"user": "ana@acme.test", "database": "orders:read"})


SAID = (
    (
        Side.CLIENT,
        "Query a | Parse p b | Bind - p 1 | Describe P - | Execute - | Close S p | Sync | Call 1 a | Query c",
    ),
    (
        Side.TARGET,
        "Notice x | Columns a | Row 1 | Row 2 | Done SELECT 2 | Ready I | ParseComplete | BindComplete"
        " | NoData | Row 3 | Done SELECT 1 | CloseComplete | Ready I | Result x | Ready I | CopyIn",
    ),
    (Side.CLIENT, "CopyData xyz | CopyDone | Terminate"),
    (Side.TARGET, "Done COPY 1 | Ready I"),
)


def test_conversations_byte_by_byte_do_the_same_as_whole() -> None:
    whole, slow = Conversation(), Conversation()
    for side, lines in SAID:
        data = b"".join(map(said, lines.split(" | ")))
        a = whole.say(side, data)
        b = [effect for byte in data for effect in slow.say(side, bytes([byte]))]
        assert b"".join(e.data for e in a if hasattr(e, "data")) == data
        assert b"".join(e.data for e in b if hasattr(e, "data")) == data
        outcomes = [
            [(type(e.fact).__name__, e.fact.n) for e in effects if hasattr(e, "fact") and hasattr(e.fact, "n")]
            for effects in (a, b)
        ]
        assert outcomes[0] == outcomes[1]
    assert not whole.relay.ended and not slow.relay.ended


def test_skipping_stops_at_another_kind_and_at_what_is_incomplete() -> None:
    rows = said("Row 1") * 3
    assert skip(rows + said("Done x"), 0, ord("D")) == (len(rows), 3)
    assert skip(rows[:-1], 0, ord("D")) == (len(rows) // 3 * 2, 2)
    assert skip(rows[:4], 0, ord("D")) == (0, 0)
    assert bodies(rows, 0, len(rows)) == [rows[5:12]] * 3
    with pytest.raises(Malformed):
        skip(b"D\0\0\0\3", 0, ord("D"))
    with pytest.raises(Malformed):
        size_at(b"D\x80\0\0\0", 0)


def test_a_tail_is_joined_when_it_is_complete() -> None:
    data = said("Query select 1")
    tail = Tail()
    tail.keep(data[:3])
    assert tail.ready(data[3:5]) == data[:5]
    tail.keep(data[:5])
    assert tail.ready(data[5:8]) is None
    assert tail.ready(data[8:] + b"X") == data + b"X"
    assert tail.have == 0
