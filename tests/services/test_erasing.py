"""A person's words, wherever they stand beside the log: each place has a marker, and every row is read afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from daypass.domain.durations import DAY_MS
from daypass.domain.errors import Conflict
from daypass.domain.grant import Extension
from daypass.domain.lock import Lock, LockScope
from daypass.domain.obligation import Obligation, ObligationState
from daypass.domain.request import Message
from daypass.domain.standing import Favourite, Proposal
from daypass.ledger.entry import open_blob
from daypass.ledger.sequencer import number
from daypass.services.erasing import Erasing, Order
from daypass.store import schema
from daypass.store.interface import Transaction
from tests.services.conftest import World

MARK = "quokka"
LEA = "lea@acme.test"


async def everything(world: World) -> str:
    """Every row of the store, with its bodies unpacked."""
    rows: list[str] = []
    async with world.store.reading() as tx:
        for table in schema.metadata.sorted_tables:
            for row in (await tx._connection.execute(select(table))).all():  # type: ignore[attr-defined]
                said = open_blob(row.content).decode() if table is schema.blobs else repr(tuple(row))
                rows.append(f"{table.name}: {said}")
    return "\n".join(rows)


def held(everything: str) -> dict[str, list[str]]:
    """In which tables each of the texts that are to go stands."""
    return {
        text: sorted({line.split(":")[0] for line in everything.splitlines() if text in line.lower()})
        for text in (MARK, LEA, "told lea")
    }


async def erased(world: World, order: Order) -> None:
    await world.store.sequence(10_000, number)
    await Erasing(world.office).erase(order, "they asked for it")


async def said_elsewhere(tx: Transaction, grant: str, request: str, now: int, ana: str, lea: str) -> None:
    """What no other verb of this test leaves behind."""
    one = await tx.grant(grant)
    assert one is not None
    closed = {**(one.ending or {}), "closed_by_hand": {"by": lea, "at": now, "note": f"{MARK} by hand"}}
    longer = (Extension(1, now, lea, MARK),)
    await tx.save_grant(replace(one, extensions=longer, end_note="as Lea told, lea", ending=closed))
    for id, done, settled in (("d1", lea, "id-sam"), ("d2", "id-sam", lea)):
        duty = Obligation(id, ObligationState.DONE, "sign_off", request, grant, ("group:secops",), now, person=ana)
        notes = {"note": MARK if done == lea else "fine", "settled_note": MARK if settled == lea else "fine"}
        await tx.save_obligation(replace(duty, done_by=done, settled_by=settled, **notes))
    await tx.save_proposal(Proposal("p1", "APPROVED", "x", "", "", "", MARK, lea, now, "id-sam", now, "told Lea"))
    await tx.save_proposal(Proposal("p2", "APPROVED", "x", "", "", "", "fine", "id-sam", now, lea, now, MARK))
    lock = Lock("l1", LockScope.TARGET, "orders", MARK, lea, now, now + 1, now, "id-sam", f"called {LEA}")
    await tx.save_lock(lock)
    await tx.save_lock(replace(lock, id="l2", made_by="id-sam", reason="fine", lifted_by=lea, lifted_reason=MARK))
    await tx.save_favourite(Favourite(lea, "mine", {"reason": MARK}, now))
    await tx.save_favourite(Favourite(ana, "hers", {"reason": "told Lea"}, now))
    await tx.save_favourite(Favourite(ana, "other", {"reason": "Leander told"}, now))


async def test_nothing_that_a_person_wrote_or_that_names_them_is_left(world: World) -> None:
    ana, lea = await world.who("ana"), await world.who("lea")
    asked = await world.asked(reason="told Lea, and she said yes", ticket="INC-1")
    async with world.store.begin() as tx:
        messages = (Message(lea.id, world.clock.t, MARK), Message(ana.id, world.clock.t, "Leander told"))
        await tx.save_request(replace(asked, messages=messages))
    approved = await world.requests.approve(lea, asked.id, note=MARK)
    assert approved.grant is not None
    await world.grants.revoke(lea, approved.grant, MARK)
    await world.endings.settle()
    other = await world.asked(reason="Leander told")
    await world.requests.withdraw(ana, other.id)
    async with world.store.begin() as tx:
        await said_elsewhere(tx, approved.grant, asked.id, world.clock.t, ana.id, lea.id)
    before = held(await everything(world))
    there = {"blobs", "favourites", "grants", "locks", "obligations", "proposals", "requests"}
    assert there <= set(before[MARK]) and before["told lea"] and before[LEA]
    await erased(world, Order(person=LEA))
    text = await everything(world)
    assert held(text) == {MARK: [], LEA: [], "told lea": []}
    assert text.count("Leander told") >= 4, "whoever is called something longer is somebody else"
    assert (await world.request(asked.id)).digest_salt == "" and (await world.request(other.id)).digest_salt


async def test_a_request_that_is_still_voted_on_keeps_its_words(world: World) -> None:
    asked = await world.asked(reason=f"{LEA} knows why")
    with pytest.raises(Conflict, match=asked.id):
        await erased(world, Order(person=LEA))
    await world.requests.withdraw(await world.who("ana"), asked.id)
    await erased(world, Order(person=LEA))
    assert held(await everything(world))[LEA] == []


async def test_age_takes_the_words_of_locks_and_proposals_that_are_over(world: World) -> None:
    now = world.clock.t
    lock = Lock("l1", LockScope.TARGET, "orders", MARK, "id-lea", now, now + DAY_MS, now, "id-sam", MARK)
    in_force = replace(lock, id="l2", reason="in force", until=now + 90 * DAY_MS, lifted_at=None, lifted_reason="")
    async with world.store.begin() as tx:
        await tx.save_lock(lock)
        await tx.save_lock(in_force)
        await tx.save_proposal(Proposal("p1", "REJECTED", "x", "", "", "", MARK, "id-lea", now, "id-sam", now, MARK))
        await tx.save_proposal(Proposal("p2", "PROPOSED", "x", "", "", "", "it waits", "id-lea", now))
    world.clock.t += 31 * DAY_MS
    await erased(world, Order(older_than_ms=30 * DAY_MS))
    text = await everything(world)
    assert held(text)[MARK] == [] and "in force" in text and "it waits" in text
