"""What a start hears of the log from others, before anything is signed: a store that is older than that is not gone on
with, even by a node that has seen nothing itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from daypass.app.hearing import CHECKPOINT_BYTES_MAX, WITHOUT_MEMORY
from daypass.ledger.cosigning import WitnessAddress
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.signer import load_seed
from daypass.store.opening import open_store
from daypass.store.postgresql import open_postgresql
from tests.app.test_publishing import House, until
from tests.ledger.logs import SEED, Log
from tests.ledger.test_cosigning import Served
from tests.servers.postgres import Postgres

OLDER = "tells of 7 published entries, and this store holds fewer: it is older"


class Place:
    """What is served below the URL that node one says it publishes at."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: tuple[int, bytes] = 404, b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, body = self.answer if scope["path"] == "/ledger/checkpoint" else (404, b"")
        await Response(body, status)(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(self, log_level="error", lifespan="off"))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await task


class Pair:
    """Node one, which publishes, and node two, which has a key of its own; both on one store."""

    def __init__(self, one: House, two: House, place: Place) -> None:
        self.one, self.two, self.place = one, two, place

    async def publish(self, count: int, *witnesses: WitnessAddress) -> None:
        """So many entries more, by a node one that is over then."""
        await published(self.one, count, *witnesses, url=self.place.url)
        self.place.answer = 200, str(self.one.checkpoint).encode()

    async def load_older(self, size: int) -> None:
        """The store as it was when this much was published."""
        async with self.one.store.begin() as tx:
            await tx.displace(size, frozenset())
            await tx.save_setting("log_published_size", str(size))

    async def start(self, *witnesses: WitnessAddress) -> list[str]:
        """Node two; what it has to tell of those who did not say what they know."""
        publishing = await self.two.start(*witnesses)
        await publishing.publish()
        await publishing.close()
        return publishing.untold


async def published(house: House, count: int, *witnesses: WitnessAddress, url: str = "") -> None:
    publishing = await house.start(*witnesses, url=url)
    await house.place(count)
    await until(lambda: publishing.size == house.placed, publishing)
    await publishing.close()


@pytest.fixture
async def pair(postgres_15: Postgres, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    url = postgres_15.create_database(request.node.name)
    stores = [open_postgresql(url) for _ in range(2)]
    await stores[0].migrate()
    for store in stores:
        await store.listen()
    one, two = House(stores[0], tmp_path / "one"), House(stores[1], tmp_path / "two")
    two.disk.there.clear()
    place = Place()
    try:
        async with place.running():
            yield Pair(one, two, place)
    finally:
        for store in stores:
            await store.close()


async def test_a_new_node_goes_on_with_what_is_published(pair: Pair) -> None:
    await pair.publish(700)
    assert await pair.start() == []


async def test_a_new_node_is_told_of_an_older_store_by_the_one_that_publishes(pair: Pair) -> None:
    await pair.publish(7)
    await pair.load_older(5)
    with pytest.raises(Disagreement, match=f"{pair.place.url}/ledger {OLDER}") as refused:
        await pair.start()
    assert "ledger recover" in refused.value.hint


async def test_a_node_that_has_seen_less_than_is_published_is_told_too(pair: Pair) -> None:
    await pair.publish(3)
    assert await pair.start() == []
    assert b'"size": 3' in pair.two.disk.there[pair.two.data / "keys" / "published.seen"]
    await pair.publish(4)
    await pair.load_older(5)
    with pytest.raises(Disagreement, match=OLDER):
        await pair.start()


async def test_a_store_that_went_on_differently_is_not_the_one_that_is_published(pair: Pair) -> None:
    await pair.publish(7)
    await pair.load_older(5)
    await pair.one.place(4)
    with pytest.raises(Disagreement, match="tells of 7 published entries that are not those of this store"):
        await pair.start()


@pytest.mark.parametrize("key", ["own", "the log's"])
async def test_a_new_node_is_told_of_an_older_store_by_a_witness(pair: Pair, key: str) -> None:
    one, two = Served(1), Served(2)
    if key != "own":
        load_seed(pair.two.data / "keys" / "ledger.key", pair.two.disk, SEED)
    async with one.running() as first, two.running() as second:
        await pair.publish(5, second)
        await pair.publish(2, first, second)
        pair.place.answer = 404, b""
        whole = await pair.start(first, second)
        assert whole == [f"{pair.place.url}/ledger does not say what is published: HTTP 404"]
        pair.two.disk.there.pop(pair.two.data / "keys" / "published.seen")
        before = dict(pair.two.disk.there)
        await pair.load_older(5)
        with pytest.raises(Disagreement, match=f"witness {one.key.name} {OLDER}"):
            await pair.start(first)
        assert pair.two.disk.there == before, "nothing is signed"


async def test_a_log_begun_anew_with_its_old_key_is_told_too(tmp_path: Path) -> None:
    """Of a store of its own and of what was published nothing is left but the key."""
    witness = Served(1)
    store = open_store("sqlite", tmp_path)
    await store.migrate()
    house = House(store, tmp_path / "data")
    kept = dict(house.disk.there)
    try:
        async with witness.running() as address:
            await published(house, 7, address)
            house.disk.there = dict(kept)
            whole = await house.start(address)
            await whole.close()
            assert whole.untold == []
            async with store.begin() as tx:
                await tx.displace(5, frozenset())
            house.disk.there = dict(kept)
            with pytest.raises(Disagreement, match=f"witness {witness.key.name} {OLDER}"):
                await house.start(address)
    finally:
        await store.close()


async def test_who_does_not_say_is_told_and_not_waited_for(pair: Pair, tmp_path: Path) -> None:
    await pair.publish(7)
    other = Log(tmp_path / "other", seed=bytes(32)).grow(7).published[-1]
    for answer, said in (
        ((500, b"on fire"), "HTTP 500"),
        ((200, b"hello"), "a note"),
        ((200, other), "no signature by"),
        ((200, bytes(CHECKPOINT_BYTES_MAX + 1)), "answers at too great length"),
    ):
        pair.place.answer = answer
        pair.two.disk.there.clear()
        told, without = await pair.start()
        assert f"{pair.place.url}/ledger does not say what is published: " in told and said in told
        assert without == WITHOUT_MEMORY
    witness = Served(1)
    async with witness.running() as address:
        pass
    (_, told) = await pair.start(address)
    assert told.startswith(f"witness {witness.key.name} does not say what it has seen: ")


async def test_a_first_start_has_nothing_to_hear(pair: Pair) -> None:
    assert await pair.start() == []
