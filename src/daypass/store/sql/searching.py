"""The full-text index beside the log: what stands in it for each entry, and asking it. Part of a transaction.

`entry_text` holds of each entry its text, its tables and its terms. A term is one word: `p` and the actor's id without
dashes, `y`, `t` and `k` and the type, target and kind in hex, `d` and the day, `n` and the block of 32 days. So a
search by person and day is the same intersection of sorted lists as one by two words, and takes as little time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from daypass.domain.events import IndexRow
from daypass.domain.finding import OUTCOMES, Phrase, Sought, words_of
from daypass.store.counting import DAY_MS, TRAITS, Light, Trait
from daypass.store.interface import StoredEntry
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.statement import Part

BLOCK_DAYS = 32
"""Days that have a term in common: a search over years then asks for tens of terms, not for a thousand."""

NEAR_ROWS = 20_000
"""How far back PostgreSQL reads row by row: some 20 ms."""

UNSAID = ("statement.completed", "recording.kept", "ledger.heartbeat")
"""Types that are found only if they have a text of their own (an error message)."""

_OF_FOUND: Mapping[Trait, str] = {
    "actor": "e.actor",
    "target": "coalesce(e.target, '')",
    "tables": "coalesce(s.tables, '')",
    "kind": "CASE WHEN coalesce(s.kind, '') = '' THEN e.type ELSE s.kind END",
    "type": "e.type",
    "day": f"CAST(e.t / {DAY_MS} AS text)",
}
_WITH_KINDS = " LEFT JOIN entry_search AS s ON s.idx = e.idx"


@dataclass(frozen=True, slots=True)
class Look:
    """One way to the newest hits: from which row on, and by which order."""

    back: int | None = None
    order: str = "f.rowid"


PLAIN = Look()
COLLECTED = Look(order="f.rowid + 0")
"""No index has the order of a sum: all hits are collected from the index of words, and sorted."""

_HEX: Mapping[str, str] = {"sqlite": "hex({})", "postgresql": "encode(convert_to({}, 'UTF8'), 'hex')"}
_UNSAID = "({})".format(", ".join(f"'{type}'" for type in UNSAID))


def terms_of(dialect: str, row: str, kind: str) -> str:
    """The SQL expression for the terms of a row of `entries` or `pending`; `kind` is the one of its kind, or ''."""

    def hexed(value: str) -> str:
        return _HEX[dialect].format(value)

    return (
        f"'p' || replace({row}.actor, '-', '') || ' y' || {hexed(f'{row}.type')}"
        f" || coalesce(' t' || {hexed(f'{row}.target')}, '')"
        f" || CASE WHEN {kind} <> '' THEN ' k' || {hexed(kind)} ELSE '' END"
        f" || ' d' || ({row}.t / {DAY_MS}) || ' n' || ({row}.t / {DAY_MS * BLOCK_DAYS})"
    )


def into_text(dialect: str) -> str:
    """The statement that indexes what was just placed, from index `{p}1` on. PostgreSQL's `entry_text` is a table
    whose key is called rowid, as SQLite's FTS5 tables call it."""
    return (
        "INSERT INTO entry_text (rowid, text, tables, terms) "
        f"SELECT e.idx, p.text, p.tables, {terms_of(dialect, 'p', 'p.kind')} "
        "FROM entries AS e JOIN pending AS p ON p.id = e.id "
        f"WHERE e.idx >= {{p}}1 AND (p.text <> '' OR p.type NOT IN {_UNSAID})"
    )


class Search(Part):
    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._bulk = bulk_on(connection)
        self._dialect = connection.dialect.name

    async def search(self, sought: Sought, *, before: int | None = None, limit: int = 100) -> Sequence[StoredEntry]:
        columns = "e.idx, e.id, e.type, e.t, e.leaf, e.entry"
        for look in await self._looks(sought, before):
            query, values = await self._newest(columns, "", sought, before, limit, look)
            found = await self._bulk.ask(query, *values)
            if len(found) == limit:
                break
        return [_entry(row) for row in found]

    async def search_light(self, sought: Sought, *, limit: int) -> Sequence[Light]:
        columns = "e.idx, e.type, e.t, e.actor, e.target, e.request, coalesce(s.kind, ''), coalesce(s.tables, '')"
        query, values = await self._newest(columns, _WITH_KINDS, sought, None, limit, PLAIN)
        return [Light(*row) for row in await self._bulk.ask(query, *values)]

    async def count_found(self, sought: Sought, *, limit: int) -> Sequence[tuple[Trait, str, int]]:
        # By the database: made into objects here, tens of thousands of them would hold up whatever else is served.
        columns = ", ".join(f"{_OF_FOUND[trait]} AS {trait}" for trait in TRAITS)
        query, values = await self._newest(columns, _WITH_KINDS, sought, None, limit, PLAIN)
        each = " UNION ALL ".join(
            f"SELECT '{trait}', {trait}, count(*) FROM found GROUP BY {trait}" for trait in TRAITS
        )
        rows = await self._bulk.ask(f"WITH found AS MATERIALIZED ({query}) {each}", *values)
        return [(trait, value, count) for trait, value, count in rows]

    async def _looks(self, sought: Sought, before: int | None) -> Sequence[Look]:
        """How to look, one after the other, until there is a page. SQLite keeps lists of rows in their order and needs
        one look. PostgreSQL has to choose: to read back from the newest row, which is slow where hits are rare or old,
        or to collect all hits and sort them, which is slow where they are many. Where the newest rows hold no page,
        they are few, or all of them old."""
        if self._dialect == "sqlite" or sought == Sought() or sought.until is not None:
            return [PLAIN]
        if before is None:
            ((before,),) = await self._bulk.ask("SELECT coalesce(max(rowid), 0) FROM entry_text")
        return [Look(before - NEAR_ROWS), COLLECTED]

    async def _newest(
        self, columns: str, more: str, sought: Sought, before: int | None, limit: int, look: Look
    ) -> tuple[str, Sequence[str | int]]:
        asked, values = await self._asked(sought)
        where = [asked] if asked else []
        parameters: list[str | int] = list(values)
        bounds = (
            ("f.rowid >= ", look.back),
            ("f.rowid < ", before),
            ("e.t >= ", sought.since),
            ("e.t < ", sought.until),
        )
        for condition, value in bounds:
            if value is not None:
                parameters.append(value)
                where.append(f"{condition}{{p}}{len(parameters)}")
        parameters.append(limit)
        # On SQLite the order of a CROSS JOIN is the order it is done in: the index first, its rows as they come.
        joined = "CROSS JOIN" if self._dialect == "sqlite" else "JOIN"
        query = (
            f"SELECT {columns} FROM entry_text AS f {joined} entries AS e ON e.idx = f.rowid{more} WHERE 1 = 1 "
            f"{''.join(f'AND {one} ' for one in where)}ORDER BY {look.order} DESC LIMIT {{p}}{len(parameters)}"
        )
        return query, parameters

    async def reindex(self, first: int, last: int, rows: Mapping[int, IndexRow]) -> None:
        await self._bulk.ask("DELETE FROM entry_search WHERE idx BETWEEN {p}1 AND {p}2", first, last)
        await self._bulk.ask("DELETE FROM entry_text WHERE rowid BETWEEN {p}1 AND {p}2", first, last)
        said = [(idx, row.kind, row.effect, row.fingerprint, row.tables) for idx, row in rows.items() if row.kind]
        await self._bulk.write(
            "INSERT INTO entry_search (idx, kind, effect, fingerprint, tables) {source}",
            ("bigint", "text", "text", "text", "text"),
            said,
        )
        await self._bulk.write(
            "WITH v (idx, text, tables, kind) AS ({source}) INSERT INTO entry_text (rowid, text, tables, terms) "
            f"SELECT e.idx, v.text, v.tables, {terms_of(self._dialect, 'e', 'v.kind')} "
            f"FROM v JOIN entries AS e ON e.idx = v.idx WHERE v.text <> '' OR e.type NOT IN {_UNSAID}",
            ("bigint", "text", "text", "text"),
            [(idx, row.text.replace("\0", " "), row.tables, row.kind) for idx, row in rows.items()],
        )

    async def _asked(self, sought: Sought) -> tuple[str, Sequence[str]]:
        terms = [
            [f"p{sought.person.replace('-', '')}"] if sought.person else [],
            [f"t{_hexed(sought.target)}"] if sought.target else [],
            [f"k{_hexed(sought.kind)}", f"y{_hexed(sought.kind)}"] if sought.kind else [],
            [f"y{_hexed(type)}" for type in OUTCOMES[sought.outcome]] if sought.outcome else [],
            await self._when(sought),
        ]
        tables = words_of(sought.table) if sought.table else []
        ask = _asked_sqlite if self._dialect == "sqlite" else _asked_postgresql
        return ask(sought.phrases, [word.lower() for word in tables], [some for some in terms if some])

    async def _when(self, sought: Sought) -> list[str]:
        if sought.since is None and sought.until is None:
            return []
        ((oldest, newest),) = await self._bulk.ask("SELECT (SELECT min(t) FROM entries), (SELECT max(t) FROM entries)")
        since = max(sought.since or 0, oldest or 0)
        until = (newest or 0) + 1 if sought.until is None else min(sought.until, (newest or 0) + 1)
        return days(since, until) or ["never"]


def days(since: int, until: int) -> list[str]:
    """The terms of the days from `since` to before `until` (ms): whole blocks where they fit, days around them."""
    terms = []
    day, end = since // DAY_MS, -(-until // DAY_MS)
    while day < end:
        if day % BLOCK_DAYS == 0 and day + BLOCK_DAYS <= end:
            terms.append(f"n{day // BLOCK_DAYS}")
            day += BLOCK_DAYS
        else:
            terms.append(f"d{day}")
            day += 1
    return terms


def _entry(row: tuple[Any, ...]) -> StoredEntry:
    index, id, type, t, leaf, raw = row
    # SQLite takes text for bytes: an entry that somebody changed by hand is found, and then seen to be damaged.
    return StoredEntry(index, id, type, t, leaf, raw.encode() if isinstance(raw, str) else bytes(raw))


def _hexed(value: str) -> str:
    return value.encode().hex()


def _asked_sqlite(
    phrases: Sequence[Phrase], tables: Sequence[str], terms: Sequence[Sequence[str]]
) -> tuple[str, Sequence[str]]:
    """One FTS5 expression. Every word is quoted, so that nothing in it is an operator."""
    parts = [f'{{text tables}} : "{" ".join(one.words)}"{" *" if one.open_end else ""}' for one in phrases]
    parts += [f'tables : "{" ".join(tables)}"'] if tables else []
    parts += [f"terms : ({' OR '.join(some)})" for some in terms]
    return ("entry_text MATCH {p}1", [" AND ".join(parts)]) if parts else ("", [])


def _asked_postgresql(
    phrases: Sequence[Phrase], tables: Sequence[str], terms: Sequence[Sequence[str]]
) -> tuple[str, Sequence[str]]:
    """One condition for each part; every word is quoted for `to_tsquery`, so that nothing in it is an operator."""
    where, values = [], []
    for one in phrases:
        values.append(" <-> ".join(f"'{word}'" for word in one.words) + (":*" if one.open_end else ""))
        query = f"to_tsquery('simple', {{p}}{len(values)})"
        where.append(f"(f.text_words @@ {query} OR f.tables_words @@ {query})")
    if tables:
        values.append(" <-> ".join(f"'{word}'" for word in tables))
        where.append(f"f.tables_words @@ to_tsquery('simple', {{p}}{len(values)})")
    for some in terms:
        values.append(" | ".join(some))
        where.append(f"f.terms_words @@ to_tsquery('simple', {{p}}{len(values)})")
    return " AND ".join(where), values
