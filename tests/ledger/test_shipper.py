"""From a real journal into a real store: everything, once, in order, whatever fails in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from tests.ledger.sessions import T_US, Entropy, info, session_id

from daypass.domain.errors import Conflict, Invalid, Unavailable
from daypass.domain.events import Draft
from daypass.domain.statement import Completed, Submitted
from daypass.ledger.bodies import names_of, values_of
from daypass.ledger.drafting import SessionInfo
from daypass.ledger.entry import open_blob
from daypass.ledger.facts import encode
from daypass.ledger.interface import Shelf
from daypass.ledger.journal import Durability, Journal
from daypass.ledger.pace import BATCH_FACTS
from daypass.ledger.sequencer import Sequencer, number
from daypass.ledger.shipper import Shipper
from daypass.protocols import PROTOCOLS
from daypass.store.interface import Store
from daypass.store.opening import open_store

NODE = "one"


class Faulty:
    """A store's shelf that fails as told: before the commit, or after it (the answer is lost)."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.before = 0
        self.after = 0
        self.ranges: list[tuple[int, int]] = []

    async def ship(self, node: str, first: int, last: int, drafts: Sequence[Draft]) -> None:
        if self.before:
            self.before -= 1
            raise Unavailable("the store cannot be used: gone")
        await self.store.ship(node, first, last, drafts)
        self.ranges.append((first, last))
        if self.after:
            self.after -= 1
            raise Unavailable("the store cannot be used: connection lost")

    async def shipped(self, node: str) -> int:
        return await self.store.shipped(node)

    @property
    def busy(self) -> bool:
        return self.store.busy


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store("sqlite", tmp_path)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path)


def open_journal(tmp_path: Path, after: int = 0) -> Journal:
    return Journal.open(tmp_path / "journal", Durability.SYNCED, after=after, segment_bytes=64 * 1024)


async def described(session: str) -> SessionInfo | None:
    n = int(session[-12:], 16)
    return info(n) if n < 100 else None


def shipper(journal: Journal, shelf: Shelf) -> Shipper:
    return Shipper(journal, shelf, NODE, described, PROTOCOLS, Entropy())


def record(journal: Journal, first: int, count: int, session: int = 1) -> None:
    session16 = UUID(session_id(session)).bytes
    for n in range(first, first + count):
        fact = Submitted(n, "query", b"select %d" % n) if n % 2 else Completed(n - 1, ("SELECT 1",), 1, 2, 3)
        journal.append(encode(session16, T_US + n, fact))
    journal.flush()


async def numbers(store: Store) -> list[int]:
    """The journal's order as it stands in the ledger: `t` and statement tell each fact apart."""
    await Sequencer(store).drain()
    async with store.reading() as tx:
        bodies = [(one.type, json.loads(one.entry)["body"]) for one in await tx.entries(limit=100_000)]
    return [body["statement"] + (type == "statement.completed") for type, body in bodies]


async def test_everything_arrives_once_and_in_order(store: Store, journal: Journal) -> None:
    work = shipper(journal, store)
    record(journal, 1, 2500)
    assert work.behind == 2500
    await work.drain()
    assert await numbers(store) == list(range(1, 2501))
    assert (work.behind, work.facts) == (0, 2500)
    await work.drain()
    assert await store.shipped(NODE) == 2500


async def test_a_restart_goes_on_where_the_store_is(store: Store, journal: Journal, tmp_path: Path) -> None:
    record(journal, 1, 300)
    work = shipper(journal, store)
    await work.step()
    record(journal, 301, 200)
    journal.close()
    again = open_journal(tmp_path)  # as after a crash: the journal does not know what was shipped
    await shipper(again, store).drain()
    assert await numbers(store) == list(range(1, 501))


async def test_a_failed_batch_is_shipped_again_as_it_was(store: Store, journal: Journal) -> None:
    shelf = Faulty(store)
    work = shipper(journal, shelf)
    record(journal, 1, 10)
    shelf.before = 2
    for _ in range(2):
        with pytest.raises(Unavailable):
            await work.step()
    record(journal, 11, 10)
    await work.drain()
    assert shelf.ranges == [(1, 10), (11, 20)]
    assert await numbers(store) == list(range(1, 21))


async def test_a_lost_answer_ships_nothing_twice(store: Store, journal: Journal) -> None:
    shelf = Faulty(store)
    work = shipper(journal, shelf)
    record(journal, 1, 10)
    shelf.after = 1
    with pytest.raises(Unavailable):
        await work.step()
    await work.drain()
    assert await numbers(store) == list(range(1, 11))


async def test_another_shipper_of_the_same_node_is_a_conflict(store: Store, journal: Journal) -> None:
    work = shipper(journal, store)
    record(journal, 1, 4)
    await work.drain()
    await store.ship(NODE, 5, 5, [])
    record(journal, 5, 4)
    with pytest.raises(Conflict):
        await work.step()


async def test_a_session_that_cannot_be_described_now_waits(store: Store, journal: Journal) -> None:
    away = True

    async def described_later(session: str) -> SessionInfo | None:
        if away and session == session_id(2):
            raise Unavailable("the store cannot be used: gone")
        return await described(session)

    work = Shipper(journal, store, NODE, described_later, PROTOCOLS, Entropy())
    record(journal, 1, 4)
    record(journal, 5, 4, session=2)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await work.step()
    away = False
    await work.drain()
    assert await numbers(store) == list(range(1, 9))


async def test_facts_of_a_session_nobody_knows_are_shipped_all_the_same(store: Store, journal: Journal) -> None:
    record(journal, 1, 4, session=200)
    await shipper(journal, store).drain()
    await Sequencer(store).drain()
    async with store.reading() as tx:
        found = await tx.entries(session=session_id(200))
    assert len(found) == 4 and b'"grant"' not in found[0].entry


async def test_what_is_no_fact_stops_the_shipper(store: Store, journal: Journal) -> None:
    journal.append(b"nonsense")
    journal.flush()
    with pytest.raises(Invalid):
        await shipper(journal, store).run()
    assert await store.shipped(NODE) == 0


async def test_running_ships_what_comes_and_wakes_who_waits(store: Store, journal: Journal) -> None:
    shelf = Faulty(store)
    work = shipper(journal, shelf)
    running = asyncio.create_task(work.run())
    try:
        record(journal, 1, BATCH_FACTS + 7)
        shelf.before = 1
        await asyncio.wait_for(work.wait_for(BATCH_FACTS + 7), 20)
        await asyncio.wait_for(work.wait_for(1), 1)
        assert await store.shipped(NODE) == BATCH_FACTS + 7
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await numbers(store) == list(range(1, BATCH_FACTS + 8))


async def test_being_cancelled_while_shipping_loses_and_repeats_nothing(store: Store, journal: Journal) -> None:
    work = shipper(journal, store)
    record(journal, 1, 400)
    for turns in (1, 3, 6, 10):
        running = asyncio.create_task(work.run())
        for _ in range(turns):
            await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await work.drain()
    assert await numbers(store) == list(range(1, 401))


async def test_a_large_statement_is_shipped_whole_while_others_go_on(store: Store, journal: Journal) -> None:
    """It is drafted beside the loop, with what came before and after it, and says the same as small ones do."""
    record(journal, 1, 3)
    text = "select '" + 'ü"\\\n' * 400_000 + "'"
    journal.append(encode(UUID(session_id(1)).bytes, T_US, Submitted(4, "query", text.encode())))
    record(journal, 5, 3)
    journal.flush()
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(another())
    await shipper(journal, store).drain()
    other.cancel()
    assert turns > 10
    while await store.sequence(100, number):
        pass
    async with store.reading() as tx:
        entries = await tx.entries(limit=100)
        said = [json.loads(one.entry) for one in entries]
        (entry,) = [one for one in said if one["body"]["statement"] == 4]
        (blob,) = await tx.blobs(sha256=names_of(entry))
    assert [one["body"]["statement"] for one in said] == [1, 1, 3, 4, 5, 5, 7]
    (value,) = values_of(entry, open_blob(blob.content), blob.media)
    assert value.holds and value.text == text
