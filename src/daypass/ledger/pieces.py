"""Pieces of an entry's text: members of its body, what search finds it by, the lines that a player shows. Pure.

Everything here is called for each statement, so what repeats is kept. It escapes what it is given; it knows no session.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

from daypass.domain.events import IndexRow
from daypass.domain.statement import Analysis, Completed, Value
from daypass.ledger.quoting import SLICE, quoted

KEPT = 4096
"""Pieces that are kept: as many different statements as repeat on one gateway."""
INDEXED_CHARACTERS = 64 * 1024
"""What of one statement search sees."""
VALUES_SHOWN, VALUE_CHARACTERS = 32, 256
"""What of a statement's bind values the readable lines show; the data beside them has all of it."""
NAMES_BYTES_MAX = 6 * 1024
"""How much one list of names (tables, columns, tags) takes in an entry, as an entry has 32 KiB in all. The rest is
counted under `<list>_more`."""


@lru_cache(KEPT)
def analysed(analysis: Analysis) -> tuple[str, str]:
    """What a text would do as members of a body, in two parts, as `statement` and `via` sort between them."""
    before = f'"effect":"{analysis.effect.value}","fingerprint":{quoted(analysis.fingerprint)},'
    before += f'"kind":{quoted(analysis.kind)},'
    if analysis.reads:
        before += f"{listed('reads', analysis.reads)},"
    return before, f",{listed('writes', analysis.writes)}" if analysis.writes else ""


def index_row(analysis: Analysis, text: str) -> IndexRow:
    """What search finds a statement by."""
    return IndexRow(
        text[:INDEXED_CHARACTERS], _tables(analysis), analysis.kind, analysis.effect.value, analysis.fingerprint
    )


@lru_cache(KEPT)
def _tables(analysis: Analysis) -> str:
    return "\n".join(dict.fromkeys((*analysis.reads, *analysis.writes)))


@lru_cache(KEPT)
def listed(name: str, items: tuple[str, ...]) -> str:
    """A list of names as a member, cut where it would take too much of an entry."""
    kept: list[str] = []
    size = 0
    for item in items:
        one = quoted(clean(item))
        size += len(one.encode()) + 1
        if size > NAMES_BYTES_MAX:
            break
        kept.append(one)
    more = f',"{name}_more":{len(items) - len(kept)}' if len(kept) < len(items) else ""
    return f'"{name}":[{",".join(kept)}]{more}'


def value_member(value: Value) -> str:
    """A bind value as JSON: `{"text": …}`, null where it is NULL, or `{"base64": …}`."""
    if value.text is not None:
        return f'{{"text":{quoted(clean(value.text))}}}'
    return '{"text":null}' if value.base64 is None else f'{{"base64":"{value.base64}"}}'


def values_line(values: Sequence[Value]) -> str:
    """The line that shows a reader what a statement was bound to; what is no text, or long, in part."""
    shown = [f"${n} = {_value_shown(value)}" for n, value in enumerate(values[:VALUES_SHOWN], 1)]
    if len(values) > VALUES_SHOWN:
        shown.append(f"… ({len(values)} values)")
    return f"-- {', '.join(shown)}"


def remark(text: str) -> str:
    """Lines that say something of the statement above them."""
    return "\n".join(f"-- {line}" for line in clean(text).splitlines())


def _value_shown(value: Value) -> str:
    whole = value.text if value.text is not None else value.base64
    if whole is None:
        return "NULL"
    # One line, so that a value cannot look like the lines that follow.
    part = clean(whole[:VALUE_CHARACTERS]).replace("\r", "\\r").replace("\n", "\\n")
    more = f" … ({len(whole)} characters)" if len(whole) > VALUE_CHARACTERS else ""
    return f"'{part}'{more}" if value.text is not None else f"base64 {part}{more}"


def clean(text: str) -> str:
    """Without lone surrogates, which no UTF-8 can hold."""
    if text.isascii():
        return text
    return "".join([text[at : at + SLICE].encode("utf-8", "replace").decode() for at in range(0, len(text), SLICE)])


def committed(salt: bytes, text: str) -> str:
    """The commitment to a text, in hex."""
    return sha256(salt + text.encode()).hexdigest()


def outcome(fact: Completed, error: str, message: str) -> str:
    """The line that tells a reader what came of a statement."""
    took = f"{fact.duration_us / 1000:.3f} ms"
    if error:
        return f"ERROR {error}: {message} ({took})" if message else f"ERROR {error} ({took})"
    rows = f"{fact.rows} row{'' if fact.rows == 1 else 's'}"
    return f"{'; '.join(fact.tags) or 'done'} ({rows}, {took})"
