"""Recordings in the terminal: in order, at their pace, and never obeyed."""

from __future__ import annotations

import json

import pytest

from daypass.cli.sessions import outputs, play
from daypass.cli.showing import brief, clean, clean_lines, short, table
from daypass.domain.errors import Unavailable

HEADER = json.dumps({"version": 3, "term": {"cols": 80, "rows": 24}})


def cast(*events: tuple[float, str, str]) -> list[str]:
    return [HEADER, *(json.dumps(event) for event in events)]


def test_only_output_is_shown_but_all_time_counts() -> None:
    lines = cast((1.0, "o", "a"), (0.5, "sql.q", "{}"), (0.25, "m", "mark"), (0.25, "o", "b"))
    assert list(outputs(lines)) == [(1.0, "a"), (1.0, "b")]


def test_a_replay_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    play(cast((9.0, "o", "select '\x1b]0;owned\x07\x1b[2J\u202e'\r\n")), 0)
    assert capsys.readouterr().out == "select '␛]0;owned␇␛[2J\\u202e'\n"


@pytest.mark.parametrize("line", ["{", "[]", '["x", "o", "y"]', "7"])
def test_what_is_no_recording_is_told(line: str) -> None:
    with pytest.raises(Unavailable, match="line 2 of the recording"):
        list(outputs([HEADER, line]))


def test_cells_are_one_line() -> None:
    assert clean("a\nb\x1b[1m\x9b") == "a␊b␛[1m\\u009b"
    assert clean_lines("a\tb\r\nc\rd") == "a\tb\nc␍d"


def test_tables_line_up_wide_letters_too(capsys: pytest.CaptureFixture[str]) -> None:
    table(("who", "n"), [("ana", 1), ("日本", 22)], "nobody")
    assert capsys.readouterr().out.splitlines() == ["WHO   N", "ana   1", "日本  22"]
    table(("who",), [], "nobody")
    assert capsys.readouterr().out == "nobody\n"


def test_lengths_are_brief() -> None:
    assert [brief(ms) for ms in (0, 999, 61_000, 90_061_000)] == ["0s", "0s", "1m1s", "1d1h"]
    assert short("0190-abcdefgh") == "abcdefgh"
