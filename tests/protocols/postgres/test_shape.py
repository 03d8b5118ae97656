"""Shapes: names and words of the grammar stay, everything that could be a value goes."""

from __future__ import annotations

import sys

import pytest

from daypass.protocols.postgres.analyse import analyse
from daypass.protocols.postgres.shape import shape


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select a from t where b = 'x' and c >= 5.1", "select a from t where b = ? and c >= ?"),
        ('update "My t" set a = $1 -- hunter2\n', 'update "My t" set a = $1'),
        ("select /* hunter2 */ E'a' || $$b$$ || B'01' || X'ff' || U&'c'", "select ? || ? || ? || ? || ?"),
        ("create view v as select 'hunter2'", "create view v as select ?"),
        ("alter role r password 'hunter2'", "alter role r password ?"),
        ("do $$ begin perform 'hunter2'; end $$", "do ?"),
        ("select 'ä'::text, x->>'k'", "select ? :: text , x ->> ?"),
        ("hunter2 is my password", ""),
        ("select 'unfinished", ""),
        ("", ""),
    ],
)
def test_shape(text: str, expected: str) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize("chars", [10_000, 1_000_000])
def test_a_long_text_is_not_kept(chars: int) -> None:
    """Thousands are remembered, so that a client could fill the memory with long ones."""
    text = f"select '{'x' * chars}'"
    held = sys.getrefcount(text)
    analyse(text)
    shape(text)
    assert sys.getrefcount(text) == held
