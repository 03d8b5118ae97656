"""Codes that people type."""

from __future__ import annotations

import pytest

from daypass.identity.user_codes import CODE_CHARS, ENTROPY_BYTES, LETTERS, make, plain


@pytest.mark.parametrize(
    ("number", "code"),
    [(0, "BBBBBBBB"), (1, "CBBBBBBB"), (20, "BCBBBBBB"), (20**8 - 1, "ZZZZZZZZ"), (20**8, "BBBBBBBB")],
)
def test_each_number_below_the_count_of_codes_is_one(number: int, code: str) -> None:
    assert make(number.to_bytes(ENTROPY_BYTES, "big")) == code
    assert len(code) == CODE_CHARS


@pytest.mark.parametrize("typed", ["bcdf-ghjk", " BCDF GHJK ", "B.C.D.F.G.H.J.K", "BCDFGHJK"])
def test_it_is_the_same_however_it_is_typed(typed: str) -> None:
    assert plain(typed) == "BCDFGHJK"


def test_nothing_in_it_looks_like_a_word_or_something_else() -> None:
    assert set(LETTERS).isdisjoint("AEIOUY01258") and len(set(LETTERS)) == len(LETTERS) == 20
