"""The people that decisions are made over are kept while nobody changes, and never longer."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from daypass.domain.crowd import Crowd
from daypass.domain.errors import Refused
from tests.domain.things import PEOPLE
from tests.services.conftest import World

WITHOUT_LEA = [one for one in PEOPLE if one.email != "lea@acme.test"]


async def everybody(world: World) -> Crowd:
    async with world.office.reading() as tx:
        return await world.office.everybody(tx)


async def read_anew(world: World) -> Crowd:
    async with world.office.reading() as tx:
        return Crowd(await tx.people())


async def test_they_are_kept_while_nobody_changes(world: World) -> None:
    before = await everybody(world)
    await world.granted()
    assert await everybody(world) is before
    await world.people.sync(PEOPLE)
    assert await everybody(world) is before


async def test_who_starts_knows_them_before_anybody_asks(world: World) -> None:
    started = World(world.store)
    await started.people.sync(PEOPLE)
    assert started.office.kept.crowd is not None
    known = started.office.kept.crowd[1]
    assert await everybody(started) is known and known.people == (await read_anew(world)).people


async def test_several_who_ask_at_once_have_them_read_once(world: World) -> None:
    fresh = World(world.store)
    found = await asyncio.gather(*(everybody(fresh) for _ in range(6)))
    assert all(one is found[0] for one in found)


async def test_who_reads_them_and_is_gone_in_the_middle_holds_nobody_up(world: World) -> None:
    fresh = World(world.store)
    async with fresh.office.kept.reading:
        reading = [asyncio.ensure_future(everybody(fresh)) for _ in range(3)]
        await asyncio.wait(reading, timeout=0.2)
        reading[0].cancel()
    later = await asyncio.gather(*reading[1:])
    assert [one.people for one in later] == [(await read_anew(world)).people] * 2


async def test_a_change_by_another_node_counts_at_once(world: World) -> None:
    """The other node has its own office over the same store."""
    asked = await world.asked()
    lea = await world.who("lea")
    await everybody(world)
    await World(world.store).people.sync(WITHOUT_LEA)
    async with world.office.reading() as tx:
        assert (await world.office.everybody(tx)).by_id[lea.id].disabled
    with pytest.raises(Refused):
        await world.requests.approve(lea, asked.id)


async def test_a_change_that_was_taken_back_is_not_kept(world: World) -> None:
    lea = await world.who("lea")

    async def fail() -> None:
        async with world.office.change() as change:
            await change.tx.save_person(replace(lea, groups=frozenset({"secops"})))
            assert "secops" in (await world.office.everybody(change.tx)).by_id[lea.id].groups
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with world.office.change() as change:
        await change.tx.save_person(replace(lea, name="Leona"))
    async with world.office.reading() as tx:
        kept = (await world.office.everybody(tx)).by_id[lea.id]
    assert (kept.name, kept.groups) == ("Leona", lea.groups)


async def test_who_was_saved_here_is_known_without_reading_the_others(world: World) -> None:
    lea, ana = await world.who("lea"), await world.who("ana")
    before = await everybody(world)
    async with world.office.change() as change:
        await change.tx.save_person(replace(lea, name="Leona"))
        await change.tx.save_people([replace(ana, id="0" * 8 + ana.id[8:], email="aaa@acme.test")])
        within = await world.office.everybody(change.tx)
        assert within.by_id[lea.id].name == "Leona" and within.by_id[ana.id] is before.by_id[ana.id]
    after = await everybody(world)
    assert after.by_id[ana.id] is before.by_id[ana.id], "not read anew"
    assert after.people == (await read_anew(world)).people and after.people[0].email == "aaa@acme.test"


async def test_who_was_saved_here_and_elsewhere_in_turn(world: World) -> None:
    """What is known is followed only where what was saved is on top of it."""
    other = World(world.store)
    lea, ana, ben = [await world.who(name) for name in ("lea", "ana", "ben")]
    await everybody(world)
    await everybody(other)
    for n, (where, who) in enumerate(((other, lea), (world, ana), (world, ben), (other, ana), (world, lea))):
        async with where.office.change() as change:
            await change.tx.save_person(replace(who, name=f"name {n}"))
        if n % 2:
            assert (await everybody(where)).people == (await read_anew(world)).people
    assert (await everybody(world)).people == (await everybody(other)).people == (await read_anew(world)).people
