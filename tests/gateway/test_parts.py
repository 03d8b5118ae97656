"""The small parts: deadlines by the wall clock, derived keys, interrupt keys, metrics."""

from __future__ import annotations

import asyncio
from hashlib import pbkdf2_hmac

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests.gateway.rig import Rig, until

from daypass.domain.errors import Invalid
from daypass.gateway.derive import ITERATIONS_MAX, Deriver
from daypass.gateway.faults import fault_of
from daypass.gateway.keys import Carrying
from daypass.gateway.timers import Deadlines


async def test_a_wall_clock_that_jumps_ahead_ends_at_once() -> None:
    clock, due = [1_000_000], list[str]()
    deadlines = Deadlines(lambda: clock[0], due.append, 0.01)
    deadlines.arm("far", 5_000_000)
    deadlines.arm("near", 2_000_000)
    await asyncio.sleep(0.05)
    assert due == []
    clock[0] = 2_000_000
    await until(lambda: due)
    assert due == ["near"]
    deadlines.disarm("far")
    clock[0] = 9_000_000
    await asyncio.sleep(0.05)
    assert due == ["near"]


async def test_a_wall_clock_that_stands_still_ends_nothing_early() -> None:
    due: list[str] = []
    deadlines = Deadlines(lambda: 1_000, due.append, 0.01)
    deadlines.arm("g", 1_020)
    await asyncio.sleep(0.1)
    assert due == []
    deadlines.disarm("g")


async def test_a_deadline_moves_only_if_it_is_armed() -> None:
    due: list[str] = []
    deadlines = Deadlines(lambda: 1_000, due.append, 0.01)
    deadlines.move("nobody", 500, None)
    await asyncio.sleep(0.03)
    assert due == []


async def test_keys_are_derived_once_and_within_bounds() -> None:
    deriver = Deriver()
    first, second = await asyncio.gather(deriver.derive("pw", b"salt", 4096), deriver.derive("pw", b"salt", 4096))
    assert first == second == pbkdf2_hmac("sha256", b"pw", b"salt", 4096)
    for iterations in (0, ITERATIONS_MAX + 1):
        with pytest.raises(Invalid):
            await deriver.derive("pw", b"salt", iterations)


def test_a_key_stays_with_whom_it_was_given_to() -> None:
    carrying: Carrying[str] = Carrying()
    carrying.add("s1", "g", "one")
    carrying.add("s2", "g", "two")
    carrying.name_key(b"k", "one")
    carrying.name_key(b"k", "two")
    assert carrying.by_key(b"k") == "one"
    assert not carrying.remove("s2", "g", b"k")
    assert carrying.by_key(b"k") == "one"
    assert carrying.remove("s1", "g", b"k")
    assert carrying.by_key(b"k") is None and len(carrying) == 0


def test_a_fault_is_logged_without_the_values_it_happened_with() -> None:
    def fail(statement: str) -> None:
        raise ValueError(f"cannot read {statement}")

    with pytest.raises(ValueError) as caught:
        fail("select secret")
    said = fault_of(caught.value)
    assert said.startswith("ValueError at test_parts.py:") and "in fail" in said and "secret" not in said


async def test_the_metrics_count_what_happened() -> None:
    async with Rig() as rig:
        registry = CollectorRegistry()
        registry.register(rig.gateway.metrics)
        client = await rig.open()
        await client.ask("select 1")
        said = generate_latest(registry).decode()
        assert "daypass_sessions_open 1.0" in said
        assert "daypass_statements_total 1.0" in said
        assert "daypass_journal_broken 0.0" in said
