"""Publishing over a real store: on a disk that fails, with witnesses that are slow or have seen another history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest

from daypass.app.publishing import Publishing
from daypass.domain.errors import Unavailable
from daypass.ledger.cosigning import WitnessAddress
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.note import Note, VerifierKey, cosigned_at
from daypass.ledger.receipts import make_receipt
from daypass.ledger.sequencer import number
from daypass.ledger.signer import load_seed
from daypass.store.interface import Store
from daypass.store.opening import open_store
from daypass.store.postgresql import open_postgresql
from tests.ledger.failing import FailingFiles, input_output, no_space
from tests.ledger.logs import ORIGIN, SEED
from tests.ledger.test_cosigning import Served
from tests.servers.postgres import Postgres
from tests.store.test_placing import draft


class House:
    """A store, a disk for what is published, and how to start publishing (again)."""

    def __init__(self, store: Store, data: Path) -> None:
        self.store, self.data, self.disk = store, data, FailingFiles()
        self.placed = 0
        (data / "keys").mkdir(parents=True)
        load_seed(data / "keys" / "ledger.key", self.disk, SEED)

    async def place(self, count: int) -> None:
        """So many entries more in the log."""
        first, last = self.placed + 1, self.placed + count
        await self.store.ship_placed("one", first, last, [draft(n) for n in range(first, last + 1)], number)
        self.placed = last

    async def start(self, *witnesses: WitnessAddress, quorum: int = 0, url: str = "") -> Publishing:
        publishing = Publishing(
            self.store, ORIGIN, self.data, witnesses=witnesses, quorum=quorum, disk=self.disk, node="one", url=url
        )
        await publishing.open()
        return publishing

    @property
    def checkpoint(self) -> Note:
        return Note.parse(self.disk.there[self.data / "ledger" / "checkpoint"])

    @property
    def size(self) -> int:
        return int(self.checkpoint.text.split("\n")[1])

    def shown(self, count: int) -> None:
        """Every one of so many entries stands under the published checkpoint, by the files alone."""
        key = VerifierKey.parse(self.disk.there[self.data / "ledger" / "vkey"].decode())
        for index in range(count):
            make_receipt(lambda path: self.disk.there.get(self.data / "ledger" / path), key, index)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = open_store("sqlite", tmp_path)
    await store.migrate()
    yield House(store, tmp_path / "data")
    await store.close()


async def test_a_full_disk_is_tried_again(house: House) -> None:
    publishing = await house.start()
    await house.place(300)
    for step in range(1, 4):
        house.disk.fail(step, no_space())
        with pytest.raises(Unavailable, match="No space left"):
            await publishing.publish()
        assert house.size == 0
    house.disk.fail_at = None
    assert await publishing.publish() == 300
    house.shown(300)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_nothing_is_signed_by_a_process_that_failed_to_sync(house: House, before: bool) -> None:
    publishing = await house.start()
    await house.place(3)
    files_written = 2  # a tile and a bundle; then come their folders
    house.disk.fail(files_written + 1, input_output(), before)
    for _ in range(3):
        with pytest.raises(Disagreement, match="cannot be synced"):
            await publishing.publish()
    assert house.size == 0 and b'"size": 0' in house.disk.there[house.data / "keys" / "ledger.state"]
    again = await house.start()
    assert await again.publish() == 3
    house.disk.crash(Random(1))
    house.shown(3)


async def test_a_slow_witness_is_in_the_checkpoint_when_it_has_answered(house: House) -> None:
    one, two = Served(1), Served(2)
    async with one.running() as first, two.running() as second:
        publishing = await house.start(first, second, quorum=1)
        await house.place(3)
        two.answering.clear()
        assert await publishing.publish() == 3
        assert [key for key, _ in cosigned_at(house.checkpoint, (one.key, two.key))] == [one.key]
        assert publishing.warnings == []
        two.answering.set()
        for _ in range(1000):
            assert await publishing.publish() == 0
            if len(cosigned_at(house.checkpoint, (one.key, two.key))) == 2:
                break
            await asyncio.sleep(0.01)
        assert len(cosigned_at(house.checkpoint, (one.key, two.key))) == 2
        house.shown(3)
        await publishing.close()


async def test_a_witness_that_has_seen_more_than_there_is_stops_the_start(house: House) -> None:
    one = Served(1)
    async with one.running() as address:
        old = await _backed_up(house, address)
        house.disk.there = old
        with pytest.raises(Disagreement, match="has cosigned 7 entries, and this log was signed for 3"):
            await house.start(address)
        assert house.disk.there == old, "nothing is signed"


async def test_a_witness_that_says_so_late_stops_publishing_even_without_a_quorum(house: House) -> None:
    one = Served(1)
    async with one.running() as address:
        house.disk.there = await _backed_up(house, address)
        one.answering.clear()
        publishing = await house.start(address)
        one.answering.set()
        with pytest.raises(Disagreement, match="has cosigned 7 entries"):
            await _go_on(publishing)
        with pytest.raises(Disagreement):
            await publishing.publish()
        await publishing.close()


async def test_a_node_that_does_not_publish_knows_an_older_store_too(postgres_15: Postgres, tmp_path: Path) -> None:
    url = postgres_15.create_database("published_elsewhere")
    stores = [open_postgresql(url) for _ in range(2)]
    await stores[0].migrate()
    for store in stores:
        await store.listen()
    one, two = House(stores[0], tmp_path / "one"), House(stores[1], tmp_path / "two")
    two.disk.there.clear()  # a node of its own, with a key of its own
    try:
        await one.place(5)
        publishing = await one.start()
        await until(lambda: publishing.size == 5, publishing)
        other = await two.start()
        assert (await other.publish(), other.elsewhere != "") == (0, True)
        async with stores[0].begin() as t:  # as an older dump is loaded under both
            await t.displace(3, frozenset())
        with pytest.raises(Disagreement, match="5 entries were published, and this store does not hold them"):
            await other.publish()
        with pytest.raises(Disagreement, match="it is older"):
            await two.start()
    finally:
        for store in stores:
            await store.close()


async def until(done: Callable[[], bool], publishing: Publishing) -> None:
    for _ in range(1000):
        await publishing.publish()
        if done():
            return
        await asyncio.sleep(0.01)


async def _go_on(publishing: Publishing) -> None:
    for _ in range(1000):
        await publishing.publish()
        await asyncio.sleep(0.01)


async def _backed_up(house: House, address: WitnessAddress) -> dict[Path, bytes]:
    """What was on the disk when three entries were published; the witness has seen seven."""
    publishing = await house.start(address, quorum=1)
    await house.place(3)
    assert await publishing.publish() == 3
    old = dict(house.disk.there)
    await house.place(4)
    assert await publishing.publish() == 4
    await publishing.close()
    return old
