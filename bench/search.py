"""Searches over many events on SQLite or PostgreSQL, through the service that people's searches go through.

The rows are put into the store directly, as shipping a million statements would measure something else.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import psycopg

from daypass.domain.finding import Sought, phrases_of
from daypass.domain.identifiers import uuid7
from daypass.domain.people import Person
from daypass.ledger.published import PublishedLeaves
from daypass.services.counting_hits import CountingHits
from daypass.services.office import Office
from daypass.services.recordings import Recordings
from daypass.services.searching import Searching
from daypass.store.opening import FILE, open_store
from daypass.store.sql.searching import terms_of

FIRST_T = 1_760_000_000_000
STEP_MS = 8_000
"""A million events are then three months."""
PEOPLE, TARGETS, TABLES = 201, 21, 499
ROWS_AT_ONCE = 10_000
RUNS = 30
READER = Person("reader", "cleo@acme.test", "Cleo", frozenset({"auditors"}))

ENTRIES = "(idx, id, type, t, actor, target, leaf, entry, session)"
INDEXED = "(idx, kind, effect, fingerprint, tables)"

Show = Callable[[str, float, str], None]
Row = tuple[int, str, str, int, str, str, bytes, str, str, str]


def searching(setting: str, folder: Path, count: int, show: Show) -> None:
    """Fill the store that this setting names and search it."""
    asyncio.run(_migrated(setting, folder))
    began = time.perf_counter()
    if setting == "sqlite":
        _fill_sqlite(folder / FILE, count)
        show("bytes in the store for each event", (folder / FILE).stat().st_size / count, "")
    else:
        _fill_postgresql(setting, count)
    show("filled and indexed", count / (time.perf_counter() - began), "events/s")
    asyncio.run(_measure(setting, folder, count, show))


async def _migrated(setting: str, folder: Path) -> None:
    store = open_store(setting, folder)
    await store.migrate()
    await store.close()


def _fill_sqlite(file: Path, count: int) -> None:
    with sqlite3.connect(file) as store:
        store.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;")
        for rows in _batches(count):
            store.executemany(f"INSERT INTO entries {ENTRIES} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_entry, rows))
            store.executemany(f"INSERT INTO entry_search {INDEXED} VALUES (?, ?, ?, ?, ?)", map(_indexed, rows))
            store.executemany(
                "INSERT INTO entry_text (rowid, text, tables, terms) SELECT e.idx, ?2, ?3, "
                f"{terms_of('sqlite', 'e', '?4')} FROM entries AS e WHERE e.idx = ?1",
                map(_said, rows),
            )
            store.commit()


def _fill_postgresql(url: str, count: int) -> None:
    with psycopg.connect(url, autocommit=True) as store, store.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE said (idx bigint, text text, tables text, kind text)")
        # Word indexes are made at the end: a million additions to each would take most of the time.
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '% USING gin %'")
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        for rows in _batches(count):
            for into, made in (
                (f"entries {ENTRIES}", _entry),
                (f"entry_search {INDEXED}", _indexed),
                ("said", _said),
            ):
                with cursor.copy(f"COPY {into} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(made(row))
            cursor.execute(
                "INSERT INTO entry_text (rowid, text, tables, terms) SELECT e.idx, v.text, v.tables, "
                f"{terms_of('postgresql', 'e', 'v.kind')} FROM said AS v JOIN entries AS e ON e.idx = v.idx"
            )
            cursor.execute("TRUNCATE said")
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE")


def _entry(row: Row) -> tuple[object, ...]:
    return (*row[:6], sha256(b"\0" + row[6]).hexdigest(), row[6], row[9])


def _indexed(row: Row) -> tuple[object, ...]:
    return row[0], row[7], "read", "f", _table(row[0])


def _said(row: Row) -> tuple[object, ...]:
    return row[0], row[8], _table(row[0]), row[7]


def _table(n: int) -> str:
    return f"public.table_{n % TABLES}"


def _batches(count: int) -> Iterator[list[Row]]:
    for first in range(0, count, ROWS_AT_ONCE):
        yield [_row(n) for n in range(first, min(first + ROWS_AT_ONCE, count))]


def _row(n: int) -> Row:
    t = FIRST_T + n * STEP_MS
    kind = ("select", "update", "insert", "delete")[n % 4]
    person, target, table = _id(n % PEOPLE), f"target-{n % TARGETS}", _table(n)
    session = _id(1_000_000 + n // 40)
    entry = {
        "v": 1, "id": uuid7(t, n.to_bytes(10, "big")), "t": t, "type": "statement.submitted",
        "actor": {"id": person, "kind": "person"}, "session": session, "chains": [], "commit": {}, "blob": [],
        "target": {"name": target, "protocol": "wire"},
        "body": {"statement": n % 40, "via": "query", "kind": kind, "effect": "read", "reads": [table]},
    }  # fmt: skip
    raw = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
    text = f"{kind} customer, amount from {table} where id = {n} and note = 'word{n % 5000}' -- batch {n // 1000}"
    if n % 250_000 == 1234:
        text += " needle"
    return n, str(entry["id"]), "statement.submitted", t, person, target, raw, kind, text, session


def _id(n: int) -> str:
    return f"01900000-0000-7000-8000-{n:012x}"


async def _measure(setting: str, folder: Path, count: int, show: Show) -> None:
    store = open_store(setting, folder)
    office = Office(store, lambda: 0, os.urandom, {})
    service = Searching(office, PublishedLeaves(folder / "ledger"), Recordings(office))
    counting = CountingHits(office)
    newest = FIRST_T + count * STEP_MS
    week, day = newest - 7 * 86_400_000, newest - 40 * 86_400_000
    asked = {
        "a rare word": Sought(phrases_of("needle")),
        "a word in every event": Sought(phrases_of("customer")),
        "two frequent words that never meet": Sought(phrases_of("update word4999")),
        "a beginning": Sought(phrases_of("word49*")),
        "a phrase": Sought(phrases_of('"batch 77"')),
        "person, table and week": Sought(person=_id(7), table="table_7", since=week),
        "target, kind and week": Sought(target="target-3", kind="insert", since=week),
        "target, kind and a day long ago": Sought(target="target-3", kind="insert", since=day, until=day + 86_400_000),
        "a frequent word, person, target, kind, 90 days": Sought(
            phrases_of("customer"), _id(7), "target-7", None, "delete", newest - 90 * 86_400_000
        ),
        "no condition": Sought(),
    }
    for what, sought in asked.items():
        waits, hits = [], 0
        for _ in range(RUNS):
            began = time.perf_counter()
            hits = len((await service.search(READER, sought, limit=50)).hits)
            waits.append((time.perf_counter() - began) * 1000)
        show(f"{what}: {hits} hits, median", statistics.median(waits), "ms")
        show(f"{what}: slowest of {RUNS}", max(waits), "ms")
        began = time.perf_counter()
        counted = await counting.count(READER, sought)
        show(f"{what}: counting {counted.hits} by facet, once", (time.perf_counter() - began) * 1000, "ms")
    await store.close()
