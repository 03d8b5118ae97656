"""Ending sessions: the work at the target first, then the client, and never said to be over before it was seen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import time_ns

import pytest
from tests.gateway.rig import FAST, Rig, until

from daypass.domain.errors import Unavailable
from daypass.domain.grant import EndReason
from daypass.domain.session import Session, SessionState
from daypass.domain.statement import Completed
from daypass.domain.target import Credential
from daypass.gateway.enders import Enders, Login
from daypass.ledger.journal import Durability
from daypass.protocols.ending import Poke


def now_ms() -> int:
    return time_ns() // 1_000_000


async def test_a_cut_ends_the_work_then_tells_then_closes_then_looks() -> None:
    async with Rig() as rig:
        client = await rig.open()
        client.say("SLEEP 60")
        await until(lambda: rig.target.running)
        (end,) = await rig.gateway.carrier.cut([rig.session], EndReason.REVOKED, "revoked by ben", "ask again")
        assert await client.hears() == "BYE revoked: revoked by ben: ask again"
        assert await client.hears() == ""
        assert end.confirmed and end.was == "SLEEP_60" and end.problem == ""
        steps = ["stopped_forwarding", "work_stopped", "client_told", "closed", "read_back"]
        assert list(end.steps) == steps
        assert [end.steps[step] for step in steps] == sorted(end.steps.values())
        assert rig.target.orders == ["HALT 101", "STOP 101", "LOOK 101"]
        await until(lambda: rig.desk.of("ended"))
        assert rig.desk.of("ended")[0][2:5] == ("revoked", "1", "complete")
        assert isinstance(rig.recorded()[-1].fact, Completed)


async def test_many_are_interrupted_and_stopped_with_one_order_each() -> None:
    async with Rig() as rig:
        clients = [await rig.open() for _ in range(20)]
        ends = await rig.gateway.carrier.cut(
            [one[1] for one in rig.desk.of("admitted")], EndReason.REVOKED, "revoked", ""
        )
        assert len(ends) == 20 and all(end.confirmed for end in ends)
        pids = " ".join(str(101 + n) for n in range(20))
        assert rig.target.orders[:2] == [f"HALT {pids}", f"STOP {pids}"]
        assert [(await client.hears())[:11] for client in clients] == ["BYE revoked"] * 20


async def test_work_that_does_not_stop_is_not_confirmed() -> None:
    async with Rig() as rig:
        await rig.open()
        rig.target.stubborn = True
        session = rig.session
        rig.target.working["101"].transport.pause_reading()  # it does not even notice that its client is gone
        cut = asyncio.create_task(rig.gateway.carrier.cut([session], EndReason.REVOKED, "revoked", ""))
        (end,) = await cut
        assert not end.confirmed and "still at work" in end.problem and "read_back" not in end.steps


async def test_without_an_ender_sockets_are_closed_and_it_is_not_confirmed() -> None:
    async with Rig() as rig:
        rig.target.ending = False
        client = await rig.open()
        (end,) = await rig.gateway.carrier.cut([rig.session], EndReason.REVOKED, "revoked", "")
        assert (await client.hears()).startswith("BYE revoked")
        assert not end.confirmed and end.how == "sockets closed" and "no answer from orders" in end.problem
        assert "closed" in end.steps and "work_stopped" not in end.steps


async def test_an_ender_that_was_lost_is_there_again_when_it_is_needed() -> None:
    async with Rig() as rig:
        await rig.open()
        await until(lambda: rig.target._enders)
        rig.target.lose_enders()
        (end,) = await rig.gateway.carrier.cut([rig.session], EndReason.REVOKED, "revoked", "")
        assert end.confirmed


async def turned_away(rig: Rig) -> tuple[Enders, Login]:
    """An ender that its target threw out and then turned away three times. It tries again after 0.8 s."""
    await rig.open()
    enders, orders = rig.gateway.works.enders, rig.desk.targets["orders"]
    login = enders.need(orders, orders.roles["read"], Credential("app", "secret"))
    await until(lambda: enders.ready(login))
    rig.target.turning_away = True
    rig.target.lose_enders()
    await until(lambda: rig.target.turned_away == 3)
    return enders, login


async def test_a_target_that_is_back_is_asked_at_once() -> None:
    async with Rig(bounds=replace(FAST, stop_seconds=0.3, ender_retry_seconds=60)) as rig:
        enders, login = await turned_away(rig)
        # By itself it would try later than the order may take.
        rig.target.turning_away = False
        (seen,) = await enders.order(login, Poke({"pid": "101"}), FAST.stop_seconds)
        assert seen["alive"] == "yes"


async def test_an_order_that_waits_asks_once_more_and_no_oftener() -> None:
    async with Rig(bounds=replace(FAST, ender_retry_seconds=60)) as rig:
        enders, login = await turned_away(rig)
        with pytest.raises(Unavailable, match="no answer from orders"):
            await enders.order(login, Poke({"pid": "101"}), 0.5)
        assert rig.target.turned_away <= 4


async def test_a_cut_while_a_statement_is_held_lets_it_never_go() -> None:
    async with Rig(durability=Durability.LEDGER, ship=False) as rig:
        client = await rig.open()
        client.say("insert 1")
        await until(lambda: rig.journal.durable == 1)
        cut = asyncio.create_task(rig.gateway.carrier.cut([rig.session], EndReason.REVOKED, "revoked", ""))
        await asyncio.sleep(0)
        rig.journal.shipped(rig.journal.durable)
        (end,) = await cut
        assert end.confirmed and rig.target.lines == []
        assert (await client.hears()).startswith("BYE revoked")


async def test_a_client_that_does_not_read_cannot_delay_the_end() -> None:
    async with Rig() as rig:
        client = await rig.open()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        client.say("FLOOD 2000")
        await until(lambda: rig.gateway.works.tally.from_targets_bytes > 1_000_000)
        (end,) = await asyncio.wait_for(
            rig.gateway.carrier.cut([rig.session], EndReason.REVOKED, "revoked", ""), timeout=3
        )
        assert end.confirmed and rig.target.working == {}


async def test_at_the_deadline_access_ends_by_itself() -> None:
    async with Rig() as rig:
        rig.desk.expires_at = now_ms() + 200
        client = await rig.open()
        client.say("SLEEP 60")
        said = await client.hears()
        assert said.startswith("BYE expired: access ended: grant g-1 expired: daypass request orders --role read")
        await until(lambda: rig.desk.of("due") and rig.desk.of("ended"))
        assert now_ms() >= rig.desk.expires_at and rig.target.working == {}
        (end,) = await rig.gateway.carrier.cut([rig.session], EndReason.EXPIRED, "", "")
        assert end.confirmed and end.was == "SLEEP_60"


async def test_a_deadline_that_moves_is_kept() -> None:
    async with Rig() as rig:
        rig.desk.expires_at = now_ms() + 150
        client = await rig.open()
        rig.gateway.carrier.reschedule("g-1", now_ms() + 60_000, None)
        await asyncio.sleep(0.3)
        assert await client.ask("select 1") == "DONE select 1"
        rig.gateway.carrier.reschedule("g-1", now_ms(), None)
        assert (await client.hears()).startswith("BYE expired")


def left_open(id: str, mark: dict[str, str]) -> Session:
    return Session(id, SessionState.OPEN, "g", "r", "p", "t", "orders", "line", "read", "n0", "c", 1, mark)


async def test_what_a_dead_node_left_is_swept_by_its_marks() -> None:
    async with Rig() as rig:
        await rig.open()
        target = rig.desk.targets["orders"]
        left = [left_open("s-1", {"pid": "101"}), left_open("s-2", {"pid": "99"}), left_open("s-3", {})]
        login = Credential("app", "other")
        ends = await rig.gateway.carrier.sweep(target, target.roles["read"], login, left)
        assert [(end.session, end.confirmed) for end in ends] == [("s-1", True), ("s-2", True), ("s-3", True)]
        assert rig.target.working == {}


async def test_draining_waits_then_cuts_and_takes_nobody_new() -> None:
    async with Rig() as rig:
        staying, leaving = await rig.open(), await rig.open()
        drain = asyncio.create_task(rig.gateway.drain(0.3))
        await asyncio.sleep(0.05)
        assert await leaving.ask("select 1") == "DONE select 1"
        leaving.say("QUIT")
        assert (await staying.hears()).startswith("BYE shutdown: Daypass is shutting down")
        await drain
        assert {one[2] for one in rig.desk.of("ended")} == {"client left", "shutdown"}


async def test_sessions_that_are_elsewhere_are_not_answered_for() -> None:
    async with Rig() as rig:
        assert await rig.gateway.carrier.cut(["nobody"], EndReason.REVOKED, "", "") == []
