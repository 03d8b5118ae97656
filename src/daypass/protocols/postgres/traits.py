"""What a text does to prepared names, found without slowing down texts that do nothing to them.

A few substring searches clear almost every text; only what may touch names is parsed. What cannot be parsed but might
touch them is `opaque`: after it no name's text can be vouched for. This is no guard: it decides what a record says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import postgast

from daypass.protocols.postgres.builtins import BUILT_IN
from daypass.protocols.postgres.parsing import Node, Unparsed, parse

if TYPE_CHECKING:
    from mypy_extensions import i64

NAME_BYTES_MAX: Final = 63
"""What PostgreSQL keeps of a prepared statement's name (NAMEDATALEN - 1)."""
CACHED_TEXTS: Final = 512
"""Texts whose traits are kept; short ones only, so that the cache stays small."""
CACHED_TEXT_BYTES_MAX: Final = 4096
PARSED_BYTES_MAX: Final = 32 * 1024
"""Longer texts that might touch names are taken as opaque rather than parsed on the data path, and only the name behind
their first word is seen: walking a tree takes two milliseconds a KiB, in which nobody else gets a turn."""
SCANNED_BYTES_MAX: Final = 1024 * 1024
"""Longer texts are taken as opaque unseen: a search through many MiB takes as long as a parse."""


GLANCED_BYTES_MAX: Final = 4096
"""Longer texts are searched rather than looked at byte by byte: a search is slow to begin and fast to go on."""
PARENTHESIS: Final = 1
WORDS: Final = 2

_CAL: Final = 0x63616C
_DEA: Final = 0x646561
_DEC: Final = 0x646563
_DIS: Final = 0x646973
_EXE: Final = 0x657865
_FET: Final = 0x666574
_MOV: Final = 0x6D6F76
_PRE: Final = 0x707265
_DO: Final = 0x646F
"""The beginnings of `_WORDS`, as numbers."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one statement of a text does to the names when its command tag comes: `text` None takes them away;
    `name` None means every name."""

    tag: str
    name: bytes | None
    text: bytes | None


@dataclass(frozen=True, slots=True)
class Traits:
    """`executes`: names it runs that it did not prepare itself. `opaque`: it can run code that changes names unseen.
    `leaves`: it prepares a transaction, which outlives its session; or could, where it cannot be parsed. `declares`: it
    opens a cursor, which is a portal; or seems to. `fetches`: it goes on with one, whose query may be anything that was
    declared before, by itself or by a function."""

    changes: tuple[Change, ...] = ()
    executes: tuple[bytes, ...] = ()
    opaque: bool = False
    leaves: bool = False
    declares: bool = False
    fetches: bool = False


_PREPARE: Final = re.compile(rb"\bprepare\b")
_TRANSACTION: Final = re.compile(rb"\btransaction\b")

NOTHING: Final = Traits()
OPAQUE: Final = Traits(opaque=True)
DECLARES: Final = Traits(declares=True)

_GAP: Final = rb"(?:\s|--[^\r\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)*+"
_BEGINS: Final = re.compile(
    _GAP + rb"(prepare|execute)\b" + _GAP + rb"(\"(?:[^\"]|\"\")++\"|[\w$\x80-\xff]++(?!&))"
    rb"(?:" + _GAP + rb"(?:\((?:[^()]|\([^()]*+\))*+\))?+" + _GAP + rb"as\b)?+",
    re.IGNORECASE,
)

_WORDS: Final = (b"prepare", b"execute", b"deallocate", b"discard", b"call", b"do", b"fetch", b"move")
_TOUCHES: Final = re.compile(
    rb"\b(?:prepare|execute|deallocate|discard|call|do(?!\s+(?:nothing|update|instead|also)\b)"
    rb"|fetch(?!\s+(?:first|next)\s[\w\s$()]{0,64}\bonly\b)|move)\b"
)
_NAME: Final = rb"[\w$.\"\x80-\xff]++"
_PLAIN: Final = rb"(?:[\w$]++|\"[\w$]++\")"
# Whole words, never a part of one tried again: so it takes the same time for each byte, whatever stands there. After
# INTO stand columns; after UESCAPE and what it says, a name ends.
_CALLS: Final = re.compile(
    rb"(?<![\w$.\"\x80-\xff])(?:into[ \t]++" + _PLAIN + rb"(?:\." + _PLAIN + rb")?+\s*+\("
    rb"|(" + _NAME + rb"(?=\s*+\()|uescape\b))"
)
# What keeps a name, its dot and its parenthesis apart, so that `_CALLS` does not see them as one.
_APART: Final = re.compile(rb"\.\s")
_HIDES: Final = re.compile(rb"--|\.\s*+/\*|\*/\s*+\(|\.\s++" + _NAME + rb"\s*+\(")


def unsure(text: bytes) -> Traits:
    """Traits of a text that cannot be relied on to mean what our parser reads: the worst that they may be."""
    lower = text.lower()
    prepares = _PREPARE.search(lower) if b"prepare" in lower else None
    leaves = prepares is not None and _TRANSACTION.search(lower, prepares.end()) is not None
    return Traits(opaque=True, leaves=True) if leaves else OPAQUE


def traits(text: bytes) -> Traits:
    """Find the traits of a text. Never raises."""
    size = len(text)
    if size > SCANNED_BYTES_MAX:
        return _long(text)
    if size <= GLANCED_BYTES_MAX:
        seen = _glance(text)
        if seen == 0:
            return NOTHING
        if seen == PARENTHESIS:
            return _calls(text.lower(), text)
    return _searched(text)


def _glance(text: bytes) -> int:
    """A short text in one pass: 0 if there is no parenthesis and nothing that begins as one of the words does,
    `PARENTHESIS` if that is all, `WORDS` otherwise."""
    found = 0
    recent: i64 = 0
    at: i64 = 0
    end: i64 = len(text)
    while at < end:
        byte: i64 = text[at]
        if byte == 0x28:
            found = PARENTHESIS
        before: i64 = recent >> 16
        recent = (recent << 8 | byte | 0x20) & 0xFFFFFF  # the last three, in lower case
        if recent in (_CAL, _DEA, _DEC, _DIS, _EXE, _PRE) or recent & 0xFFFF == _DO:
            return WORDS
        if recent in (_FET, _MOV) and (before < 0x61 or before > 0x7A):  # `removed` is no MOVE
            return WORDS
        at += 1
    return found


def _searched(text: bytes) -> Traits:
    lower = text.lower()
    if not any(word in lower for word in _WORDS) or not _TOUCHES.search(lower):
        found = _calls(lower, text)
        return DECLARES if found is NOTHING and b"declare" in lower else found
    return _looked_up(text)


def _calls(lower: bytes, text: bytes) -> Traits:
    """Traits of a text that touches no names itself: does it call anything that is not built in?"""
    if b"(" not in lower:
        return NOTHING
    apart = b"--" in lower or b"/*" in lower or _APART.search(lower) is not None
    if apart and _HIDES.search(lower) is not None:
        return _looked_up(text)
    for name in _CALLS.findall(lower):
        if name and name.removeprefix(b"pg_catalog.") not in BUILT_IN:
            return _looked_up(text)
    return NOTHING


def _looked_up(text: bytes) -> Traits:
    return _cached(text) if len(text) <= CACHED_TEXT_BYTES_MAX else _parsed(text)


def _parsed(text: bytes) -> Traits:
    if b"\0" in text:
        return unsure(text)
    if len(text) > PARSED_BYTES_MAX:
        return _long(text)
    try:
        tree = parse(text.decode("utf-8"))
    except (Unparsed, UnicodeDecodeError):
        return unsure(text)
    changes: list[Change] = []
    executes: list[bytes] = []
    own: set[bytes] = set()
    opaque = leaves = fetches = False
    for raw in tree.stmts:
        start = raw.stmt_location
        statement = text[start : start + raw.stmt_len] if raw.stmt_len else text[start:]
        for _, node in postgast.walk(raw.stmt):
            kind = type(node).__name__
            if kind == "PrepareStmt":
                name = _name(node)
                own.add(name)
                changes.append(Change("PREPARE", name, _after_as(statement)))
            elif kind == "ExecuteStmt" and _name(node) not in own:
                executes.append(_name(node))
            elif kind in ("DeallocateStmt", "DiscardStmt"):
                changes += _removal(kind, node)
            elif kind == "TransactionStmt":
                leaves = leaves or node.kind == postgast.pg_query_pb2.TRANS_STMT_PREPARE
            elif kind == "FetchStmt":
                fetches = True
            elif kind in ("DoStmt", "CallStmt") or (kind == "FuncCall" and not _built_in(node)):
                opaque = True
    return Traits(tuple(changes), tuple(executes), opaque, leaves, b"declare" in text.lower(), fetches)


_cached = lru_cache(CACHED_TEXTS)(_parsed)


def _long(text: bytes) -> Traits:
    """Traits of a text that is too long to be parsed: what it prepares or executes first, and otherwise the worst."""
    worst = unsure(text)
    found = _BEGINS.match(text)
    if found is None:
        return worst
    verb, word = found.groups()
    name = word[1:-1].replace(b'""', b'"') if word.startswith(b'"') else word.lower()
    name = name[:NAME_BYTES_MAX]
    if verb.lower() == b"execute":
        return Traits(executes=(name,), opaque=True)
    return Traits((Change("PREPARE", name, text[found.end() :].strip()),), opaque=True, leaves=worst.leaves)


def _name(node: Node) -> bytes:
    name: str = node.name
    return name.encode()[:NAME_BYTES_MAX]


def _removal(kind: str, node: Node) -> Iterator[Change]:
    if kind == "DeallocateStmt":
        name = _name(node)
        yield Change("DEALLOCATE", name, None) if name else Change("DEALLOCATE ALL", None, None)
    elif node.target == postgast.pg_query_pb2.DISCARD_ALL:
        yield Change("DISCARD ALL", None, None)


def _built_in(node: Node) -> bool:
    parts = [part.string.sval for part in node.funcname]
    return parts[-1].encode() in BUILT_IN and (len(parts) == 1 or parts[:-1] == ["pg_catalog"])


def _after_as(statement: bytes) -> bytes:
    """The statement that PREPARE prepares: what stands behind the first AS outside of parentheses."""
    text = statement.decode("utf-8")
    depth = 0
    for token in postgast.scan(text).tokens:
        word = statement[token.start : token.end].lower()
        depth += (word == b"(") - (word == b")")
        if word == b"as" and depth == 0:
            return statement[token.end :].strip()
    return statement
