"""Search as people meet it: what each may see, and erasing by age, over both stores."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from daypass.domain.durations import DAY_MS
from daypass.domain.errors import Invalid, NotFound
from daypass.domain.finding import Sought, phrases_of
from daypass.ledger.locking import locking, unlocking
from daypass.ledger.published import PublishedLeaves
from daypass.ledger.sequencer import number
from daypass.services.counting_hits import CountingHits
from daypass.services.erasing import Erasing, Order
from daypass.services.indexing import Indexing
from daypass.services.recordings import Recordings
from daypass.services.searching import Searching
from tests.services.conftest import World


async def found(world: World, folder: Path, name: str, text: str, **more: str) -> list[str]:
    await world.store.sequence(10_000, number)
    service = Searching(world.office, PublishedLeaves(folder), Recordings(world.office))
    page = await service.search(await world.who(name), Sought(phrases_of(text)), **more)  # type: ignore[arg-type]
    assert {hit.state for hit in page.hits} <= {"SEALED"}
    return [hit.entry.type for hit in page.hits]


async def test_one_finds_what_one_may_see(world: World, tmp_path: Path) -> None:
    await world.asked(reason="quokka wants out")
    for name in ("ana", "lea"):
        assert await found(world, tmp_path, name, "quokka") == ["request.created"]
    assert await found(world, tmp_path, "eve", "quokka") == []
    assert await found(world, tmp_path, "ana", "quokka", person="lea@acme.test") == []
    with pytest.raises(NotFound):
        await found(world, tmp_path, "ana", "quokka", person="nobody@acme.test")


async def test_what_is_counted_is_what_one_may_see(world: World, tmp_path: Path) -> None:
    await world.asked(reason="quokka wants out")
    await found(world, tmp_path, "ana", "quokka")
    counting = CountingHits(world.office)
    for name in ("ana", "lea"):
        counted = await counting.count(await world.who(name), Sought(phrases_of("quokka")))
        assert counted.hits == 1 and counted.whole
        facets = {facet.name: facet.values for facet in counted.facets}
        assert facets["person"] == (((await world.who("ana")).id, 1),) and facets["kind"] == (("request.created", 1),)
        assert facets["outcome"] == () and [count for _, count in facets["time"]] == [1]
    assert (await counting.count(await world.who("eve"), Sought(phrases_of("quokka")))).hits == 0
    with pytest.raises(NotFound):
        await counting.count(await world.who("ana"), Sought(), person="nobody@acme.test")


async def test_times_are_counted_by_day_and_long_ones_by_month(world: World, tmp_path: Path) -> None:
    counting, lea = CountingHits(world.office), await world.who("lea")
    for days, length in ((0, 10), (20, 10), (40, 7)):
        world.clock.t += days * DAY_MS
        await world.asked(reason="quokka wants out")
        await found(world, tmp_path, "lea", "quokka")
        counted = await counting.count(lea, Sought(phrases_of("quokka")))
        (times,) = (facet.values for facet in counted.facets if facet.name == "time")
        assert {len(value) for value, _ in times} == {length} and sum(count for _, count in times) == counted.hits


async def test_retention_is_swept_once_a_day_and_takes_what_is_over(world: World, tmp_path: Path) -> None:
    request = await world.asked(reason="quokka wants out")
    await world.requests.withdraw(await world.who("ana"), request.id)
    erasing = Erasing(world.office)
    await world.store.sequence(10_000, number)
    await world.store.listen()
    async with asyncio.timeout(20):
        while not await world.store.hold("erasing"):  # noqa: ASYNC110  it is asked of the database
            await asyncio.sleep(0.05)
    assert await erasing.sweep(30 * DAY_MS, world.clock.t) == 0
    world.clock.t += 31 * DAY_MS
    assert await found(world, tmp_path, "ana", "quokka") == ["request.created"]
    assert await erasing.sweep(30 * DAY_MS, world.clock.t) >= 1
    assert await erasing.sweep(30 * DAY_MS, world.clock.t + 1) == 0
    assert await found(world, tmp_path, "ana", "quokka") == []
    assert (await world.request(request.id)).reason == ""
    assert world.last("blob.erased").body["why"] == "age"


async def test_an_order_names_one_thing_and_a_reason(world: World) -> None:
    erasing = Erasing(world.office)
    for order, reason in ((Order(), "why"), (Order(session="a", request="b"), "why"), (Order(person="x"), " ")):
        with pytest.raises(Invalid):
            await erasing.erase(order, reason)


async def test_an_index_made_anew_finds_the_same(world: World, tmp_path: Path) -> None:
    await world.granted(reason="quokka wants out")
    before = await found(world, tmp_path, "lea", "quokka")
    told = await Indexing(world.office).rebuild()
    assert told["entries"] > 3 and told["damaged"] == 0
    assert await found(world, tmp_path, "lea", "quokka") == before == ["request.created"]


def test_only_the_identity_opens_what_is_locked() -> None:
    import pyrage

    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    lock = locking([str(key.to_public())])
    assert lock is not None and locking([]) is None
    assert unlocking(f"# a comment\n{key}\n")(lock(b"content")) == b"content"
    with pytest.raises(ValueError):
        unlocking(str(other))(lock(b"content"))
    for wrong in ("age1nonsense", str(key)):
        with pytest.raises(Invalid):
            locking([wrong])
    for wrong in ("", "age1nonsense"):
        with pytest.raises(Invalid):
            unlocking(wrong)
