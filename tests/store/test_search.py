"""The index beside the log: what is found by words, people, targets, tables, kinds and days, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import psycopg
import pytest

from daypass.domain.errors import Invalid
from daypass.domain.events import IndexRow
from daypass.domain.finding import Phrase, Sought, phrases_of
from daypass.store.counting import DAY_MS, TRAITS, Light
from daypass.store.interface import Store
from daypass.store.postgresql import open_postgresql
from daypass.store.sql.searching import BLOCK_DAYS, NEAR_ROWS, days
from tests.servers.postgres import Postgres
from tests.store.things import ANA, BEN, draft, number

T = 1_700_000_000_000


async def filled(store: Store) -> None:
    async with store.begin() as tx:
        for n in range(1, 41):
            row = IndexRow(
                f"select secret{n} from t where note = 'don''t' -- ä_{n}",
                "public.orders" if n % 2 else "public.order_items",
                "select" if n % 4 else "update",
                "read",
                "f",
            )
            await tx.append(
                draft(n, t=T + n * DAY_MS, actor=ANA.id if n <= 20 else BEN.id, target=f"t{n % 3}", index=row)
            )
        await tx.append(draft(41, type="statement.completed", index=None, t=T + 41 * DAY_MS))
        await tx.append(draft(42, type="grant.ended", index=None, t=T + 42 * DAY_MS, session=None, target="t0"))
    await store.sequence(1000, number)


async def found(store: Store, text: str = "", before: int | None = None, limit: int = 100, **more: object) -> list[int]:
    async with store.reading() as tx:
        sought = Sought(phrases_of(text), **more)  # type: ignore[arg-type]
        return [entry.index + 1 for entry in await tx.search(sought, before=before, limit=limit)]


async def test_what_is_sought_is_found(store: Store) -> None:
    await filled(store)
    assert await found(store, "secret7") == [7]
    assert await found(store, "SECRET7 select") == [7]
    assert await found(store, "secret3*") == [39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 3]
    assert await found(store, '"secret7 from t"') == [7]
    assert await found(store, '"from secret7"') == []
    assert await found(store, "secret7 OR secret8") == []
    assert await found(store, "secret7", person=BEN.id) == []
    assert await found(store, person=BEN.id, target="t1", kind="update") == [40, 28]
    assert await found(store, kind="grant.ended") == [42]
    assert await found(store, table="public.order_items", since=T + 38 * DAY_MS) == [40, 38]
    assert await found(store, since=T + 3 * DAY_MS, until=T + 5 * DAY_MS) == [4, 3]
    assert await found(store, since=T + 40 * DAY_MS + 1) == [42]
    assert await found(store, until=T + 2 * DAY_MS) == [1]
    assert await found(store, since=T + 100 * DAY_MS) == []


Traits = dict[str, dict[str, int]]


def gathered(counts: Sequence[tuple[str, str, int]]) -> Traits:
    traits: Traits = {trait: {} for trait in TRAITS}
    for trait, value, count in counts:
        assert value not in traits[trait], "each value once"
        traits[trait][value] = count
    return traits


def traits_of(found: Sequence[Light]) -> Traits:
    return {
        "actor": Counter(one.actor for one in found),
        "target": Counter(one.target or "" for one in found),
        "tables": Counter(one.tables for one in found),
        "kind": Counter(one.kind or one.type for one in found),
        "type": Counter(one.type for one in found),
        "day": Counter(str(one.t // DAY_MS) for one in found),
    }


async def test_what_is_counted_is_what_is_found(store: Store) -> None:
    await filled(store)
    for sought in (Sought(), Sought(phrases_of("secret3*")), Sought(target="t1", since=T + 30 * DAY_MS)):
        async with store.reading() as tx:
            heavy, light = await tx.search(sought), await tx.search_light(sought, limit=100)
            assert [(one.place, one.type, one.t) for one in light] == [(one.index, one.type, one.t) for one in heavy]
            assert await tx.search_light(sought, limit=2) == light[:2]
            for limit in (100, 2, 1):
                assert gathered(await tx.count_found(sought, limit=limit)) == traits_of(light[:limit])
    async with store.reading() as tx:
        (one,) = await tx.search_light(Sought(phrases_of("secret8")), limit=5)
    assert (one.actor, one.target, one.kind, one.tables) == (ANA.id, "t2", "update", "public.order_items")


async def test_an_outcome_is_several_types(store: Store) -> None:
    await filled(store)
    assert await found(store, outcome="ended") == [42]
    assert await found(store, outcome="denied") == []


async def test_pages_follow_one_another(store: Store) -> None:
    await filled(store)
    assert await found(store, "select", limit=3) == [40, 39, 38]
    assert await found(store, "select", before=37, limit=3) == [37, 36, 35]
    assert len(await found(store)) == 41


async def test_a_page_goes_on_behind_the_newest_rows(postgres_15: Postgres) -> None:
    """PostgreSQL is asked for the newest rows first, and for all only where these hold no page."""
    url = postgres_15.create_database("behind")
    store = open_postgresql(url)
    try:
        await store.migrate()
        await filled(store)
        with psycopg.connect(url, autocommit=True) as beside:
            beside.execute(
                "INSERT INTO entries (idx, id, type, t, actor, leaf, entry) "
                "SELECT n, 'later' || n, 'later', %s, 'a', 'l' || n, '' FROM generate_series(42, 42 + %s) AS n",
                (T + 43 * DAY_MS, 2 * NEAR_ROWS),
            )
            beside.execute(
                "INSERT INTO entry_text (rowid, text, tables, terms) "
                "SELECT idx, CASE WHEN idx %% %s = 0 THEN 'secret37' ELSE 'later' END, '', '' "
                "FROM entries WHERE idx >= 42",
                (NEAR_ROWS,),
            )
        newer = [2 * NEAR_ROWS + 1, NEAR_ROWS + 1]
        assert await found(store, "secret37") == [*newer, 37]
        assert await found(store, "secret37", limit=2) == newer
        assert await found(store, "secret37", before=NEAR_ROWS + 1, limit=2) == [NEAR_ROWS + 1, 37]
        assert await found(store, "secret3*", limit=4) == [*newer, 39, 38]
        assert await found(store, "later", limit=1) == [2 * NEAR_ROWS + 43]
    finally:
        await store.close()


async def test_the_index_is_made_anew(store: Store) -> None:
    await filled(store)
    async with store.begin() as tx:
        await tx.reindex(0, 41, {n: IndexRow(f"other{n}", "public.x", "insert", "write", "g") for n in range(40)})
    assert await found(store, "secret7") == []
    assert await found(store, "other6", kind="insert", table="x") == [7]


async def test_an_erased_text_is_found_by_all_but_its_words(store: Store) -> None:
    await filled(store)
    async with store.begin() as tx:
        await tx.erase_bodies([], [6])
    await store.scrub(thorough=True)
    assert await found(store, "secret7") == []
    assert 7 in await found(store, person=ANA.id)


async def test_scrubbing_leaves_no_table_out_that_something_is_deleted_in(postgres_15: Postgres) -> None:
    store = open_postgresql(postgres_15.create_database("scrubbed"))
    await store.migrate()
    untouched = "SELECT relname FROM pg_stat_user_tables WHERE vacuum_count = 0"
    await store.scrub(thorough=False)
    try:
        assert {name for (name,) in postgres_15.execute(untouched, database="scrubbed")} == {
            "entries",
            "alembic_version",
        }
    finally:
        await store.close()


def test_days_and_blocks_cover_exactly_what_is_asked() -> None:
    def covered(terms: list[str]) -> list[int]:
        found: list[int] = []
        for term in terms:
            n = int(term[1:])
            found += [n] if term[0] == "d" else range(n * BLOCK_DAYS, (n + 1) * BLOCK_DAYS)
        return found

    for first, last in ((0, 1), (5, 9), (1, 200), (64, 128), (31, 33)):
        terms = days(first * DAY_MS + 1, last * DAY_MS)
        assert covered(terms) == list(range(first, last))
    assert len(days(0, 3650 * DAY_MS)) < 150


def test_search_texts() -> None:
    assert phrases_of('Drop "delete from" inc-7 cust*') == (
        Phrase(("drop",)),
        Phrase(("delete", "from")),
        Phrase(("inc", "7")),
        Phrase(("cust",), True),
    )
    assert phrases_of(" ") == ()
    with pytest.raises(Invalid):
        phrases_of("--")
    with pytest.raises(Invalid):
        phrases_of("a " * 100)
