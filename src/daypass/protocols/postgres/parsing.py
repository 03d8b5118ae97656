"""PostgreSQL's own parser, and what keeps it from taking the gateway down.

It hands its tree over by going down into it, a piece of the stack for each level, and nothing bounds that: the 25,000
terms of `1+1+...` end the process that parses them. So what could be that deep is not given to it. A tree deeper than
a hundred messages is not taken from it either, which is 47 of such terms: that is text that cannot be parsed, too.
"""

from __future__ import annotations

from typing import Any, Final

import postgast
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

Node = Any
"""A node of the parser's tree: generated classes without types that are of use."""

DEEP_TOKENS_MAX: Final = 5000
"""A path down a tree has at most a level for each token. A level takes some 400 bytes of a stack of 8 MiB."""

_TOKEN = postgast.pg_query_pb2.Token
_COMMA: Final = _TOKEN.Value("ASCII_44")
_SEMICOLON: Final = _TOKEN.Value("ASCII_59")
_OPENING: Final = frozenset(map(_TOKEN.Value, ("ASCII_40", "ASCII_91")))
_CLOSING: Final = frozenset(map(_TOKEN.Value, ("ASCII_41", "ASCII_93")))
_SETS: Final = frozenset(map(_TOKEN.Value, ("UNION", "INTERSECT", "EXCEPT")))


class Unparsed(Exception):
    """This text has no tree."""


def parse(text: str) -> Node:
    """The tree of a text. Raises `Unparsed`, and nothing else, for whatever has none."""
    try:
        _refuse_deep(text)
        return postgast.parse(text)
    except (postgast.PgQueryError, DecodeError, ValueError, RecursionError) as problem:
        raise Unparsed from problem


def fingerprint(text: str) -> str:
    """What a text has in common with those that differ in their constants (and schemas, and numbers at the ends of
    names). Raises as `parse` does."""
    try:
        _refuse_deep(text)
        return str(postgast.fingerprint(text).hex)
    except (postgast.PgQueryError, DecodeError, ValueError, RecursionError) as problem:
        raise Unparsed from problem


def normalized(text: str) -> str:
    """A text with placeholders for its constants, every name as it is. Raises as `parse` does."""
    try:
        _refuse_deep(text)
        return str(postgast.normalize(text))
    except (postgast.PgQueryError, ValueError, RecursionError) as problem:
        raise Unparsed from problem


def _refuse_deep(text: str) -> None:
    if len(text) > DEEP_TOKENS_MAX and _depth_at_most(text) > DEEP_TOKENS_MAX:
        raise Unparsed


def _depth_at_most(text: str) -> int:
    """How deep the tree of a text may be. What a comma parts stands side by side, within its brackets, but for the
    columns of what a set operation puts together: its operands are as deep as there are such operations. Scanning goes
    nowhere deep."""
    deepest = 0
    around = 0
    here = sets = 0
    outer: list[tuple[int, int]] = []
    for token in postgast.scan(text).tokens:
        kind = token.token
        if kind in (_COMMA, _SEMICOLON):
            here, sets = 0, sets if kind == _COMMA else 0
            continue
        here += 1
        if kind in _SETS:
            sets += 1
        elif kind in _OPENING:
            outer.append((here, sets))
            around += here + sets
            here = sets = 0
        elif kind in _CLOSING and outer:
            here, sets = outer.pop()
            around -= here + sets
        deepest = max(deepest, around + here + sets)
    return deepest
