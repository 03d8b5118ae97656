"""Texts whose trees go deep: none of them ends the process, whoever looks at it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from daypass.domain.statement import UNKNOWN
from daypass.protocols.postgres import POSTGRES
from daypass.protocols.postgres.analyse import TEXT_CHARS_MAX
from daypass.protocols.postgres.console import PostgresConsole
from daypass.protocols.postgres.parsing import DEEP_TOKENS_MAX, Unparsed, parse
from daypass.protocols.postgres.scope_guard import ScopeGuard
from daypass.protocols.postgres.traits import traits

DEEP = {
    "terms": ("select 1", "+1", ""),
    "operators": ("select a", "!a", ""),
    "casts": ("select 1", "::a", ""),
    "collations": ("select a", " collate b", ""),
    "zones": ("select a", " at time zone b", ""),
    "not": ("select ", "not ", "true"),
    "joins": ("select f(1) from a", " cross join a", ""),
    "left joins": ("select 1 from a", " left join a using (a, b)", ""),
    "unions": ("select 1, 2", " union all select 1, 2", ""),
    "calls": ("select ", "f(", "1"),
    "arrays": ("select ", "array[", "1"),
    "selects": ("select ", "(select ", "1"),
    "cases": ("select ", "case when true then ", "1"),
}
CLOSING = {"calls": ")", "arrays": "]", "selects": ")", "cases": " end"}
SIZES = (3_000, 9_000, 30_000, TEXT_CHARS_MAX - 1_000)


def deep(name: str, size: int) -> str:
    """A text of about this size that goes down with each piece."""
    begin, piece, middle = DEEP[name]
    closing = CLOSING.get(name, "")
    count = size // len(piece + closing)
    return begin + piece * count + middle + closing * count


def look(name: str) -> None:
    """Have such texts looked at by everybody who does. Ends this process if that goes too deep."""
    console = PostgresConsole("ana", "orders", "dp_x", bytes(16))
    guard = ScopeGuard(POSTGRES.scope(["public.orders"]))
    for size in SIZES:
        text = deep(name, size)
        POSTGRES.analyse(text)
        POSTGRES.shape(text)
        console.pieces(text)
        traits(f"do $$$$; {text}".encode())
        assert guard.refusal(text.encode())


@pytest.mark.parametrize("name", DEEP)
def test_no_text_takes_the_process_down(name: str) -> None:
    argv = [sys.executable, "-c", f"from {__name__} import look; look({name!r})"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("name", ["terms", "joins", "left joins", "unions", "casts"])
def test_what_is_too_deep_is_unknown(name: str) -> None:
    for size in SIZES:
        assert POSTGRES.analyse(deep(name, size)) == UNKNOWN
        with pytest.raises(Unparsed):
            parse(deep(name, size))


def test_large_texts_that_lie_side_by_side_are_known() -> None:
    rows = "insert into t values " + ", ".join(f"({n}, 'some text', now())" for n in range(5_000))
    assert len(rows) > 25 * DEEP_TOKENS_MAX
    assert POSTGRES.analyse(rows).writes == ("t",)
    several = "; ".join(f"update t{n} set a = 1, b = f({n})" for n in range(3_000))
    assert POSTGRES.analyse(several).kind == "update"
    chosen = f"select * from t where id in ({', '.join(map(str, range(20_000)))})"
    assert POSTGRES.analyse(chosen).reads == ("t",)
