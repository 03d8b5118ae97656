"""Shapes: names and words of the grammar stay, everything that could be a value goes."""

from __future__ import annotations

import pytest

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
