"""The shape of a statement: its text without anything that somebody put into it as a value.

Comments go, constants become `?`, names and operators stay. PostgreSQL's own scanner says which is which; only what is
known to be neither comment nor constant is kept. What the grammar does not take has no shape, as words in it could be
anything.
"""

from __future__ import annotations

from functools import lru_cache

import postgast

from daypass.domain.statement import UNKNOWN
from daypass.protocols.postgres.analyse import CACHED_CHARS_MAX, analyse

CACHED = 2048

_NAMES = frozenset({"IDENT", "UIDENT", "PARAM", "TYPECAST", "COLON_EQUALS", "EQUALS_GREATER", "LESS_EQUALS",
                    "GREATER_EQUALS", "NOT_EQUALS", "DOT_DOT", "Op"})  # fmt: skip
_COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})


def shape(text: str) -> str:
    """The shape, on one line; empty where there is none. Never raises."""
    return _kept(text) if len(text) <= CACHED_CHARS_MAX else _shape(text)


def _shape(text: str) -> str:
    if analyse(text) == UNKNOWN:
        return ""
    raw = text.encode()
    try:
        tokens = postgast.scan(text).tokens
    except (postgast.PgQueryError, ValueError, UnicodeError):
        return ""
    kept = []
    for token in tokens:
        name = postgast.pg_query_pb2.Token.Name(token.token)
        if name in _COMMENTS:
            continue
        stays = token.keyword_kind != 0 or name in _NAMES or name.startswith("ASCII_")
        kept.append(raw[token.start : token.end].decode(errors="replace") if stays else "?")
    return " ".join(kept)


_kept = lru_cache(CACHED)(_shape)
