"""What is looked for in the record, as a value: words, and whose, where, what and when. Pure.

A search text is words that must all be there; `"words in quotes"` stand next to each other in this order, and a word
that ends in `*` is only the beginning of one. Letters' case does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from daypass.domain.errors import Invalid

PHRASES_MAX = 20
"""More words than anybody types."""

OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "approved": ("request.approved", "glass.ratified"),
    "denied": ("request.denied", "policy.rejected"),
    "refused": ("request.refused", "session.refused", "statement.refused"),
    "failed": ("statement.completed", "grant.end_unconfirmed", "session.end_unconfirmed", "notice.failed"),
    "expired": ("request.expired", "grant.lapsed", "obligation.overdue"),
    "ended": ("session.killed", "session.ended", "grant.ended", "request.withdrawn"),
    "flagged": ("obligation.flagged",),
}
"""How something came out, by the types of entry that say so. A completed statement is found by search only if it
failed: that it went well says nothing that its own entry does not."""

_PART = re.compile(r'"([^"]*)"?|(\S+)')
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand next to each other. `open_end`: the last one may go on."""

    words: tuple[str, ...]
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class Sought:
    """Every field narrows. `table` may be a name with or without its schema; `kind` is what a statement does (`select`)
    or the type of an entry (`grant.ended`), `outcome` one of `OUTCOMES`. Times are ms: from `since` on, before
    `until`."""

    phrases: tuple[Phrase, ...] = ()
    person: str | None = None
    target: str | None = None
    table: str | None = None
    kind: str | None = None
    since: int | None = None
    until: int | None = None
    outcome: str | None = None


def phrases_of(text: str) -> tuple[Phrase, ...]:
    """Read a search text. Raises Invalid for one that has no word in it, or too many."""
    found = []
    for quoted, bare in _PART.findall(text):
        words = tuple(word.lower() for word in words_of(quoted or bare))
        if words:
            found.append(Phrase(words, bare.endswith("*")))
    if len(found) > PHRASES_MAX:
        raise Invalid(f"a search has at most {PHRASES_MAX} words")
    if text.strip() and not found:
        raise Invalid(f"there is no word in {text.strip()[:100]!r}", hint="signs are not searched for, words are")
    return tuple(found)


def words_of(text: str) -> list[str]:
    """The words of a text, as the index sees them: letters and digits between anything else."""
    return _WORD.findall(text)
