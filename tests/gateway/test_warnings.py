"""The time that is left, the lease, and clients that say nothing."""

from __future__ import annotations

import asyncio
from time import time_ns

import pytest
from tests.gateway.rig import Rig, until

from daypass.gateway.lease import Lease
from daypass.gateway.timers import Deadlines


async def test_it_tells_once_for_each_time_left() -> None:
    clock, soon = [0], list[tuple[str, int, int | None]]()
    deadlines = Deadlines(lambda: clock[0], lambda grant: None, 0.01, lambda *told: soon.append(told), (300, 60))
    deadlines.arm("g", 1_000, 700)
    for now, told in ((600, 0), (700, 1), (800, 1), (940, 2), (990, 2)):
        clock[0] = now
        await asyncio.sleep(0.03)
        assert len(soon) == told, now
    assert soon == [("g", 300, 700), ("g", 60, 700)]
    deadlines.move("g", 2_000, None)
    clock[0] = 1_950
    await until(lambda: len(soon) == 3)
    assert soon[-1] == ("g", 50, None)
    deadlines.disarm("g")


async def test_who_comes_late_is_not_told_of_what_has_passed() -> None:
    soon: list[tuple[str, int, int | None]] = []
    deadlines = Deadlines(lambda: 800, lambda grant: None, 0.01, lambda *told: soon.append(told), (300, 60))
    deadlines.arm("g", 1_000)
    await asyncio.sleep(0.03)
    assert soon == []
    deadlines.disarm("g")


@pytest.mark.parametrize(
    ("most_ms", "command"),
    [
        (7_200_000, "more time: daypass extend g-1 --by 30m "),
        (600_000, "more time: daypass extend g-1 --by 10m "),
        (None, "ask again: daypass request orders --role read --for 10m "),
    ],
)
async def test_a_client_is_told_what_there_is_to_do(most_ms: int | None, command: str) -> None:
    async with Rig() as rig:
        rig.desk.expires_at, rig.desk.extend_ms = time_ns() // 1_000_000 + 300_300, most_ms
        client = await rig.open()
        said = await client.hears()
        assert said.startswith("NOTE access to orders ends in ") and command in said


async def test_a_client_that_waits_for_its_own_work_is_not_idle() -> None:
    async with Rig() as rig:
        rig.desk.idle_ms = 100
        client = await rig.open()
        client.say("SLEEP")
        await asyncio.sleep(0.4)
        assert len(rig.gateway.works.carrying) == 1
        silent = await rig.open()
        assert (await silent.hears()).startswith("BYE idle")


def test_a_lease_counts_from_when_its_renewal_was_sent() -> None:
    clock = [100.0]
    lease = Lease(lambda: clock[0], 15)
    assert not lease.over  # nobody spoke of one
    sent = lease.sending()
    clock[0] = 110
    lease.renewed(sent)
    clock[0] = 114.9
    assert not lease.over
    clock[0] = 115
    assert lease.over


def test_a_lease_of_a_store_of_one_node_runs_while_that_takes_no_changes() -> None:
    clock = [100.0]
    lease = Lease(lambda: clock[0], 15)
    for clock[0] in (110, 120):
        lease.refused(lease.sending())
        assert not lease.over
    clock[0] = 125
    assert lease.over  # from the first that was refused
    lease.taken()
    clock[0] = 1000
    assert not lease.over
    lease.refused(lease.sending())
    assert not lease.over


async def test_a_gateway_that_is_cut_off_cuts_and_lets_nobody_in() -> None:
    async with Rig() as rig:
        lease = rig.gateway.works.lease
        client = await rig.open()
        lease.renewed(lease.sending() - 60)
        assert (await client.hears()).startswith("BYE cut off")
        late = await rig.client()
        assert "cut off from its store" in await late.ask("HELLO ana dp_ana orders")
        lease.renewed(lease.sending())
        await rig.open()
