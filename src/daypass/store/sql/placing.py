"""Writing entries that have their places, with their index rows and text, straight from their drafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daypass.domain.events import Draft, IndexRow, Sequenced
from daypass.store.sql.bulk import Bulk
from daypass.store.sql.searching import UNSAID, terms_of

TEXT_INDEXED_MAX = 64 * 1024
"""Characters of one entry's text that search sees; PostgreSQL refuses documents beyond 1 MB."""

_INTO_ENTRIES = (
    'INSERT INTO entries (idx, id, type, t, actor, request, "grant", session, target, statement, leaf, entry) {source}'
)
_ENTRIES = ("bigint", "text", "text", "bigint", *["text"] * 5, "bigint", "text", "bytea")
_INTO_SEARCH = "INSERT INTO entry_search (idx, kind, effect, fingerprint, tables) {source}"
_INTO_TEXT = (
    "WITH v (idx, text, tables, kind) AS ({source}) INSERT INTO entry_text (rowid, text, tables, terms) "
    "SELECT e.idx, v.text, v.tables, {terms} FROM v JOIN entries AS e ON e.idx = v.idx"
)
_NOTHING = IndexRow("")


async def place(bulk: Bulk, placed: Sequence[tuple[Draft, Sequenced]]) -> None:
    """Write entries at their places, and what search finds them by."""
    await bulk.write(_INTO_ENTRIES, _ENTRIES, [_entry_row(draft, one) for draft, one in placed])
    kinds: list[tuple[Any, ...]] = []
    texts: list[tuple[Any, ...]] = []
    for draft, one in placed:
        row = draft.index or _NOTHING
        if row.kind:
            kinds.append((one.index, row.kind, row.effect, row.fingerprint, row.tables))
        if row.text or draft.type not in UNSAID:
            texts.append((one.index, indexed(row.text), row.tables, row.kind))
    await bulk.write(_INTO_SEARCH, ("bigint", *["text"] * 4), kinds)
    into_text = _INTO_TEXT.replace("{terms}", terms_of(bulk.dialect, "e", "v.kind"))
    await bulk.write(into_text, ("bigint", "text", "text", "text"), texts)


def indexed(text: str) -> str:
    """A text as search keeps it: PostgreSQL's holds no NUL."""
    return text[:TEXT_INDEXED_MAX].replace("\0", " ")


def _entry_row(draft: Draft, one: Sequenced) -> tuple[Any, ...]:
    return (
        one.index,
        draft.id,
        draft.type,
        draft.t,
        draft.actor,
        draft.request,
        draft.grant,
        draft.session,
        draft.target,
        draft.statement,
        one.leaf,
        one.entry,
    )
