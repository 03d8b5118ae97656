"""Header, chunks and footer are one valid asciicast v3 file, and drive nobody's terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sessions import PROTOCOL, T_US, Entropy, at, info, session_id

from daypass.domain.session import Session, SessionState
from daypass.domain.statement import Completed, Rows, Submitted
from daypass.ledger.drafting import Drafting
from daypass.ledger.entry import open_blob
from daypass.ledger.recording import SHOWN_CHARACTERS, Tape, cast_footer, cast_header, payloads
from daypass.protocols import PROTOCOLS

SESSION = Session(
    session_id(1), SessionState.ENDED, "g", "r", "p", "t", "orders", PROTOCOL, "write", "one", "client",
    T_US // 1000, {}, T_US // 1000 + 5000, "client left",
)  # fmt: skip


def valid(cast: bytes) -> list[tuple[float, str, str]]:
    """Check a file against asciicast v3; return its events."""
    lines = cast.decode().split("\n")
    assert lines.pop() == ""
    header: dict[str, Any] = json.loads(lines[0])
    assert header["version"] == 3
    assert header["term"]["cols"] > 0 and header["term"]["rows"] > 0
    assert isinstance(header["timestamp"], int)
    events = [json.loads(line) for line in lines[1:]]
    for interval, code, data in events:
        assert isinstance(interval, float) and interval >= 0
        assert isinstance(code, str) and isinstance(data, str)
    return [tuple(event) for event in events]


def test_a_session_reassembles_into_one_valid_file() -> None:
    work = Drafting(PROTOCOLS, Entropy())
    work.introduce(session_id(1), info())
    cast = cast_header(SESSION)
    for n in range(1, 4):
        work.add(at(1000 * n, Submitted(n, "query", f"SELECT {n} -- “ü”\n\x1b[31m".encode())))
        work.add(at(1000 * n + 20, Completed(n, (f"SELECT {n}",), n, 10, 20_000)))
        cast += b"".join(open_blob(blob.content) for one in work.drafts() for blob in one.blobs)
    events = valid(cast + cast_footer(SESSION))
    shown = "".join(data for _, code, data in events if code == "o")
    assert "orders:write=> SELECT 1 -- “ü”\r\n" in shown and "SELECT 3 (3 rows, 20.000 ms)" in shown
    assert "\x1b" not in shown
    assert [code for _, code, _ in events][:4] == ["sql.q", "o", "sql.r", "o"]
    assert sum(interval for interval, _, _ in events) == pytest.approx(2.02)
    assert events[-1][1:] == ("x", "0") and events[-2][1:] == ("m", "client left")


def test_a_gap_is_marked_and_an_open_session_has_no_end() -> None:
    gap = valid(cast_header(SESSION) + cast_footer(replace(SESSION, recording="gap")))
    assert (0.0, "m", "gap") in gap
    assert cast_footer(replace(SESSION, state=SessionState.OPEN)) == b""


def test_rows_are_shown_as_the_client_saw_them() -> None:
    tape = Tape("=> ", None)
    tape.rows(5, [("1", None, "a\tb"), ("2", "\x07ü", "")], False, '{"n":1}')
    lines = tape.take().decode().splitlines()
    assert json.loads(lines[1])[2] == "1 |  | a\tb\r\n2 | �ü | \r\n"
    assert tape.take() == b"" and tape.size == 0


def test_rows_of_a_protocol_are_kept_as_data_too() -> None:
    protocol = PROTOCOLS[PROTOCOL]
    assert protocol.rows(b"") == ()
    work = Drafting(PROTOCOLS, Entropy())
    work.introduce(session_id(1), info())
    work.add(at(0, Rows(4, b"")))
    (one,) = work.drafts()
    assert list(payloads(open_blob(one.blobs[0].content))) == [("sql.d", {"n": 4, "cut": 0, "rows": []})]


def test_very_long_texts_are_shown_in_part() -> None:
    tape = Tape("=> ", None)
    tape.question(1, "x" * (SHOWN_CHARACTERS + 1), "{}")
    shown = json.loads(tape.take().decode().splitlines()[1])[2]
    assert len(shown) < SHOWN_CHARACTERS + 100 and f"({SHOWN_CHARACTERS + 1} characters)" in shown


@given(st.text(st.characters(exclude_categories=("Cs",))), st.integers(0, 2**60), st.integers(0, 2**60))
def test_any_text_at_any_time_is_one_valid_event(text: str, before: int, after: int) -> None:
    tape = Tape("=> ", None)
    tape.question(before, text, json.dumps({"text": text}))
    tape.result(after, text, "{}")
    tape.mark(after, text)
    content = tape.take()
    events = valid(cast_header(SESSION) + content)
    assert len(events) == 5
    shown = "".join(data for _, code, data in events if code == "o")
    assert not any((ord(one) < 32 and one not in "\t\r\n") or 127 <= ord(one) < 160 for one in shown)
    assert next(payloads(content))[1] == {"text": text}
