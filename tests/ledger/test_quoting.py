"""Large texts in slices are what they are in one piece."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.ledger.quoting import SLICE, based, decoded, encoded, quoted

PIECES = st.lists(st.sampled_from(["a", '"', "\\", "\n", "\x00", "ü", "€", "😀", "\x7f", " "]), min_size=1, max_size=8)


@pytest.mark.parametrize("before", [0, 1, SLICE - 2, SLICE - 1, SLICE, 2 * SLICE - 1])
@given(pieces=PIECES)
def test_slices_join_to_the_whole(before: int, pieces: list[str]) -> None:
    text = "x" * before + "".join(pieces) * 3 + "y" * (SLICE // 2)
    raw = text.encode()
    assert json.loads(quoted(text)) == text
    assert quoted(text) == json.dumps(text, ensure_ascii=False)
    assert encoded(text) == raw
    assert decoded(raw) == text
    assert based(raw) == base64.b64encode(raw).decode()


@pytest.mark.parametrize("before", [0, SLICE - 1, SLICE])
def test_bytes_that_are_no_text(before: int) -> None:
    raw = b"x" * before + b"\xe2\x82" + b"y" * SLICE
    with pytest.raises(UnicodeDecodeError):
        decoded(raw)
    assert decoded(raw, "backslashreplace") == raw.decode(errors="backslashreplace")
    with pytest.raises(UnicodeDecodeError):
        decoded(b"x" * SLICE + b"\xe2\x82")


def test_half_of_a_pair_is_no_utf8() -> None:
    with pytest.raises(UnicodeEncodeError):
        encoded("x" * SLICE + "\ud800")
