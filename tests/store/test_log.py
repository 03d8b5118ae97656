"""Drafts become entries: shipped once, numbered without gaps, never changed afterwards."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from daypass.domain.errors import Conflict, Invalid
from daypass.store.interface import Store
from daypass.store.sql.store import SqlStore
from tests.store.conftest import Opener
from tests.store.test_objects import save_all
from tests.store.things import GRANT, REQUEST, SESSION, blob, draft, id_of, number


async def indexes(store: Store) -> list[int]:
    async with store.reading() as t:
        return [entry.index for entry in await t.entries(limit=100_000)]


async def test_an_entry_is_committed_with_its_state(store: Store) -> None:
    body = blob(b"\x28\xb5\x2f\xfd\x00", SESSION.id)
    async with store.begin() as t:
        await t.append(draft(1, blobs=(body, body)))
    assert await indexes(store) == []
    assert await store.sequence(10, number) == 1
    assert await store.sequence(10, number) == 0
    async with store.reading() as t:
        (entry,) = await t.entries()
        assert (entry.index, entry.id, entry.type, entry.t) == (0, draft(1).id, "statement.submitted", draft(1).t)
        assert entry.entry == draft(1).entry
        assert await t.blobs(session=SESSION.id) == [body]
        assert await t.blobs(sha256=[body.sha256]) == [body]
        assert await t.blobs(sha256=["0" * 64]) == []
        assert await t.newest_t() == draft(1).t


async def test_roll_back_leaves_no_gap(store: Store) -> None:
    for n in range(6):
        try:
            async with store.begin() as t:
                await t.append(draft(n))
                if n % 2:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        await store.sequence(10, number)
    assert await indexes(store) == [0, 1, 2]


async def test_the_newest_time_counts_what_waits_too(store: Store) -> None:
    async with store.reading() as t:
        assert await t.newest_t() == 0
    async with store.begin() as t:
        await t.append(draft(5))
        await t.append(draft(4))
    async with store.reading() as t:
        assert await t.newest_t() == draft(5).t


async def test_entries_are_found_by_what_they_belong_to(store: Store) -> None:
    await save_all(store)
    of_session = draft(1)
    of_grant = draft(2, type="grant.ended", session=None, grant=GRANT.id, request=REQUEST.id)
    of_request = draft(3, type="request.created", session=None, request=REQUEST.id)
    other = draft(4, type="request.created", session=id_of(99), request=id_of(98))
    async with store.begin() as t:
        for one in (of_session, of_grant, of_request, other):
            await t.append(one)
    await store.sequence(10, number)
    async with store.reading() as t:
        assert [one.index for one in await t.entries(session=SESSION.id)] == [0]
        assert [one.index for one in await t.entries(grant=GRANT.id)] == [0, 1]
        assert [one.index for one in await t.entries(request=REQUEST.id)] == [0, 1, 2]
        assert [one.index for one in await t.entries(types=["request.created"])] == [2, 3]
        assert [one.index for one in await t.entries(since=1, limit=2)] == [1, 2]


async def test_shipping_is_contiguous_and_happens_once(store: Store) -> None:
    assert await store.shipped("one") == 0
    await store.ship("one", 1, 3, [draft(n) for n in (1, 2, 3)])
    for first, last in ((1, 3), (3, 4), (5, 5), (4, 3)):
        with pytest.raises(Conflict):
            await store.ship("one", first, last, [draft(9)])
    await store.ship("two", 1, 1, [])
    await store.ship("one", 4, 9, [draft(4)])
    assert (await store.shipped("one"), await store.shipped("two")) == (9, 1)
    await store.sequence(100, number)
    assert await indexes(store) == [0, 1, 2, 3]


async def test_two_shippers_of_one_node_never_ship_the_same(store: Store) -> None:
    async def ship(n: int) -> bool:
        try:
            await store.ship("one", 1, 10, [draft(100 * n + k) for k in range(10)])
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*(ship(n) for n in range(5)))) == [False, False, False, False, True]
    await store.sequence(100, number)
    assert await indexes(store) == list(range(10))


async def test_batches_of_any_size_arrive_whole(store: Store) -> None:
    sizes = (1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 257, 600)
    first = 1
    for size in sizes:
        await store.ship("one", first, first + size - 1, [draft(n) for n in range(first, first + size)])
        first += size
    while await store.sequence(300, number):
        pass
    async with store.reading() as t:
        found = await t.entries(limit=10_000)
    assert [one.index for one in found] == list(range(sum(sizes)))
    assert [one.entry for one in found] == [draft(n).entry for n in range(1, first)]


async def test_chains_go_on_where_they_stopped(store: Store) -> None:
    seen: dict[str, int] = {}

    def watching(first, drafts, heads):  # type: ignore[no-untyped-def]
        seen.update({name: head.n for name, head in heads.items()})
        return number(first, drafts, heads)

    for n in range(3):
        await store.ship("one", 1 + 200 * n, 200 + 200 * n, [draft(200 * n + k) for k in range(200)])
        await store.sequence(200, watching)
    assert seen == {f"session:{SESSION.id}": 399 + 128, "target:orders": 399 + 128}


async def test_two_sequencers_never_repeat_an_index(opener: Opener, store: Store) -> None:
    await store.ship("one", 1, 1, [draft(n) for n in range(400)])
    others = [store, opener(), opener()]

    async def work(mine: Store) -> None:
        while await mine.sequence(7, number):
            pass

    try:
        await asyncio.gather(*(work(mine) for mine in others))
    finally:
        for other in others[1:]:
            await other.close()
    assert await indexes(store) == list(range(400))
    async with store.reading() as t:
        assert len({one.id for one in await t.entries(limit=1000)}) == 400


async def test_a_sequencer_that_fails_moves_nothing(store: Store) -> None:
    def broken(first, drafts, heads):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError

    await store.ship("one", 1, 1, [draft(1)])
    with pytest.raises(ZeroDivisionError):
        await store.sequence(10, broken)
    assert await store.sequence(10, number) == 1


@pytest.mark.parametrize("change", ["UPDATE entries SET t = 0", "DELETE FROM entries"])
async def test_entries_are_never_changed_or_removed(store: Store, change: str) -> None:
    await store.ship("one", 1, 1, [draft(1)])
    await store.sequence(10, number)
    with pytest.raises((Invalid, Conflict), match="append-only"):
        async with store.begin() as t:
            await t._connection.execute(text(change))  # type: ignore[attr-defined]
    assert await indexes(store) == [0]


async def test_there_is_news_when_something_was_appended(store: Store) -> None:
    news: list[str] = []
    store.on_append(lambda: news.append("!"))
    async with store.begin() as t:
        await t.save_setting("a", "b")
    async with store.reading() as t:
        await t.setting("a")
    await store.ship("one", 1, 1, [])
    assert news == []
    async with store.begin() as t:
        await t.append(draft(1))
        assert news == []
    assert news == ["!"]
    await store.ship("one", 2, 2, [draft(2)])
    assert news == ["!", "!"]


async def test_text_is_indexed_with_its_place(store: Store) -> None:
    drafts = [draft(1), draft(2, index=None), draft(3)]
    await store.ship("one", 1, 3, drafts)
    await store.sequence(10, number)
    assert isinstance(store, SqlStore)
    words, tables = "text MATCH 'zoë'", "tables MATCH '\"public payments\"'"
    async with store.reading() as t:
        connection = t._connection  # type: ignore[attr-defined]
        if connection.dialect.name == "postgresql":
            words = "text_words @@ phraseto_tsquery('simple', 'zoë')"
            tables = "tables_words @@ phraseto_tsquery('simple', 'public payments')"
        for condition in (words, tables):
            found = await connection.execute(text(f"SELECT rowid FROM entry_text WHERE {condition} ORDER BY rowid"))
            assert [row[0] for row in found] == [0, 2]
        found = await connection.execute(text("SELECT idx, kind, effect, fingerprint FROM entry_search ORDER BY idx"))
        assert [tuple(row) for row in found] == [(0, "select", "read", "f1"), (2, "select", "read", "f1")]


async def test_what_is_sequenced_leaves_nothing_behind_in_pending(store: Store) -> None:
    await store.ship("one", 1, 1, [draft(1)])
    await store.sequence(10, number)
    async with store.reading() as t:
        assert (await t._connection.execute(text("SELECT count(*) FROM pending"))).scalar() == 0  # type: ignore[attr-defined]


async def test_the_newest_statement_of_each_session(store: Store) -> None:
    await save_all(store)
    completed = {"type": "statement.completed"}
    other = id_of(99)
    async with store.begin() as t:
        for one in (draft(1), draft(2), draft(3, statement=1, **completed), draft(4, statement=2, **completed)):
            await t.append(one)
        await t.append(draft(5, type="recording.kept", statement=None))
        await t.append(draft(6, session=other))
    await store.sequence(10, number)
    async with store.reading() as t:
        assert [one.index for one in await t.newest_statements([SESSION.id, other])] == [1, 3]
        assert await t.newest_statements([]) == []
        of_second = await t.entries(session=SESSION.id, statements=(2, 2))
        assert [one.index for one in of_second] == [1, 3]
