"""Shipping straight into places: the same log as shipping first and numbering later, and as well fenced."""

from __future__ import annotations

import asyncio
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from daypass.domain.errors import Conflict, Unavailable
from daypass.domain.events import Draft
from daypass.domain.session import Session, SessionState
from daypass.ledger.chains import Chains
from daypass.ledger.merkle import leaf_hash
from daypass.ledger.sequencer import number
from daypass.store.interface import Store, StoredEntry, Transaction
from daypass.store.opening import open_store
from daypass.store.postgresql import open_postgresql
from tests.servers.postgres import Postgres
from tests.store import things
from tests.store.conftest import Opener

ROUNDS = 20
BATCH = 25


def draft(n: int, **more: object) -> Draft:
    """A draft whose chains can be followed."""
    return replace(things.draft(n, **more), entry=b'{"chains":[],"commit":{},"n":%d}' % n)  # type: ignore[arg-type]


async def log_of(store: Store) -> list[StoredEntry]:
    async with store.reading() as t:
        found = await t.entries(limit=10_000)
    assert [entry.index for entry in found] == list(range(len(found))), "no place is empty"
    Chains().follow(0, [entry.entry for entry in found], [leaf_hash(entry.entry) for entry in found])
    assert all(entry.leaf == leaf_hash(entry.entry).hex() for entry in found)
    return list(found)


async def rows(store: Store, table: str) -> list[tuple[object, ...]]:
    async with store.reading() as t:
        found = await t._connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))  # type: ignore[attr-defined]
        return [tuple(row) for row in found]


async def test_it_is_the_log_that_numbering_later_gives(opener: Opener, tmp_path: Path) -> None:
    drafts = [draft(n, index=None) if n % 3 == 0 else draft(n) for n in range(1, 301)]
    one = opener()
    await one.migrate()
    other = open_store("sqlite", tmp_path / "other")
    await other.migrate()
    assert await one.ship_placed("one", 1, 300, drafts, number) == 300
    await other.ship("one", 1, 300, drafts)
    while await other.sequence(1000, number):
        pass
    assert await log_of(one) == await log_of(other)
    for table in ("chains", "shipped", "entry_search"):
        assert await rows(one, table) == await rows(other, table)
    columns = "(SELECT rowid, text, tables, lower(terms) FROM entry_text) AS indexed"
    assert await rows(one, columns) == await rows(other, columns)
    await one.close()
    await other.close()


async def test_what_waits_comes_first(store: Store) -> None:
    async with store.begin() as t:
        await t.append(draft(1))
    assert await store.ship_placed("one", 1, 2, [draft(2), draft(3)], number) == 3
    assert [entry.id for entry in await log_of(store)] == [draft(n).id for n in (1, 2, 3)]


async def test_behind_many_that_wait_it_waits_as_well(store: Store) -> None:
    await store.ship("one", 1, 600, [draft(n) for n in range(1, 601)])
    assert await store.ship_placed("one", 601, 602, [draft(601), draft(602)], number) == 0
    while await store.sequence(1000, number):
        pass
    assert len(await log_of(store)) == 602


async def test_only_the_next_records_are_taken(store: Store) -> None:
    await store.ship_placed("one", 1, 2, [draft(1), draft(2)], number)
    for first, last in ((1, 2), (2, 3), (4, 5)):
        with pytest.raises(Conflict):
            await store.ship_placed("one", first, last, [draft(9)], number)
    assert len(await log_of(store)) == 2


async def test_what_rolls_back_leaves_no_gap(store: Store) -> None:
    for n in range(1, 30):
        try:
            async with store.begin() as t:
                await t.append(draft(n))
                if n % 3 == 0:
                    raise ValueError
        except ValueError:
            pass
        if n % 7 == 0:
            await store.sequence(3, number)
    await store.sequence(100, number)
    assert [entry.id for entry in await log_of(store)] == [draft(n).id for n in range(1, 30) if n % 3]


def _sequencer(setting: str, node: str, first: int) -> None:
    """A process of its own that ships and numbers, as fast as it can."""

    async def work() -> None:
        store = open_store(setting, Path())
        for turn in range(ROUNDS):
            at = turn * BATCH + 1
            drafts = [draft(first + at + n) for n in range(BATCH)]
            if turn % 2:
                await store.ship_placed(node, at, at + BATCH - 1, drafts, number)
            else:
                await store.ship(node, at, at + BATCH - 1, drafts)
            await store.sequence(10, number)
        while await store.sequence(100, number):
            pass
        await store.close()

    asyncio.run(work())


async def test_two_processes_that_number_give_no_place_twice(postgres_15: Postgres) -> None:
    setting = postgres_15.create_database("two_sequencers")
    store = open_store(setting, Path())
    await store.migrate()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_sequencer, args=(setting, f"n{k}", 100_000 * k)) for k in (1, 2, 3)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == 0
    found = await log_of(store)
    assert len({entry.id for entry in found}) == len(found) == 3 * ROUNDS * BATCH
    await store.close()


def _session(n: int) -> Session:
    return replace(things.SESSION, id=things.id_of(n), state=SessionState.OPEN, ended_at=None)


async def _save_grant(t: Transaction) -> None:
    await t.save_person(things.ANA)
    await t.save_person(things.BEN)
    await t.save_token(things.TOKEN)
    await t.save_request(things.REQUEST)
    await t.save_grant(things.GRANT)


async def test_what_comes_after_its_session_is_closed_is_late(opener: Opener) -> None:
    store = opener()
    await store.migrate()
    open_one, over = _session(1), replace(_session(2), state=SessionState.CUT)
    async with store.begin() as t:
        await _save_grant(t)
        await t.save_session(open_one)
        await t.save_session(over)
        assert await t.shipped_for_change("one") == 0
    drafts = [draft(1, session=open_one.id), draft(2, session=over.id), draft(3, session=None)]
    said: list[str] = []

    def late(one: Draft) -> Draft:
        said.append(one.id)
        return one

    assert await store.ship_placed("one", 1, 3, drafts, number, late) == 3
    assert said == [drafts[1].id]
    async with store.begin() as t:
        assert await t.shipped_for_change("one") == 3


async def test_a_session_is_not_closed_while_its_node_ships(opener: Opener) -> None:
    """Whoever closes it holds the node's row: what is shipped meanwhile waits, and then knows of the end."""
    store = opener()
    await store.migrate()
    if not store.shared:
        return  # one writer at a time
    one = _session(1)
    async with store.begin() as t:
        await _save_grant(t)
        await t.save_session(one)
    said: list[str] = []

    def late(each: Draft) -> Draft:
        said.append(each.id)
        return each

    async with store.begin() as t:
        await t.shipped_for_change("one")
        shipping = asyncio.create_task(store.ship_placed("one", 1, 1, [draft(1, session=one.id)], number, late))
        await asyncio.sleep(0.2)
        assert not shipping.done()
        await t.save_session(replace(one, state=SessionState.CUT))
    await shipping
    assert len(said) == 1


async def test_nobody_gives_places_while_entries_are_taken_out_of_theirs(postgres_15: Postgres) -> None:
    url = postgres_15.create_database("displacing")
    one, two = open_postgresql(url), open_postgresql(url, lock_ms=50)
    await one.migrate()
    await one.ship_placed("one", 1, 2, [draft(1), draft(2)], number)
    await two.ship("two", 1, 1, [draft(3)])
    try:
        async with one.begin() as t:
            await t.displace(2, frozenset())
            with pytest.raises(Unavailable, match="lock"):
                await two.sequence(10, number)
        assert await two.sequence(10, number) == 1
        assert [entry.id for entry in await log_of(one)] == [draft(n).id for n in (1, 2, 3)]
    finally:
        await one.close()
        await two.close()
