"""Heartbeats: they come whatever else happens, and while nothing can be published."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from daypass.app.loops import Loops
from daypass.app.publishing import Publishing
from daypass.domain.errors import Unavailable
from daypass.ledger.cosigning import WitnessAddress
from daypass.ledger.note import COSIGNATURE_V1, keypair
from daypass.ledger.sequencer import number
from tests.api.inside import Inside, inside

SECONDS = 0.02


async def heartbeats(here: Inside) -> int:
    """How many of node one there are, when all that waits has its place."""
    while await here.house.office.store.sequence(1000, number):
        pass
    async with here.house.office.reading() as tx:
        found = await tx.entries(types=("ledger.heartbeat",))
    return sum(1 for one in found if json.loads(one.entry)["body"]["node"] == "one")


async def wait_for(here: Inside, count: int) -> None:
    for _ in range(1000):
        if await heartbeats(here) >= count:
            return
        # What others put into the log is published meanwhile, and stands for no heartbeat of this node's.
        await here.house.starting.heartbeat("two")
        await asyncio.sleep(SECONDS)
    raise AssertionError("there is no heartbeat")


async def test_heartbeats_come_while_the_log_grows(tmp_path: Path) -> None:
    async with inside(tmp_path) as here:
        fatal: list[str] = []
        loops = Loops(here.house, here.publishing, "one", fatal.append, heartbeat_seconds=SECONDS)
        loops.start()
        await wait_for(here, 3)
        await loops.stop()
        assert await here.publishing.publish() >= 0 and here.publishing.size > 3
        assert fatal == []


async def test_heartbeats_come_while_nothing_can_be_published(tmp_path: Path) -> None:
    async with inside(tmp_path) as here:
        key, _ = keypair("witness.test/gone", bytes(32), COSIGNATURE_V1)
        store, data = here.house.office.store, tmp_path / "var"
        gone = (WitnessAddress(key, "http://127.0.0.1:9"),)
        publishing = Publishing(store, "acme.test/inside", data, witnesses=gone, quorum=1)
        await publishing.open()
        loops = Loops(here.house, publishing, "one", lambda problem: None, heartbeat_seconds=SECONDS)
        loops.start()
        await wait_for(here, 3)
        await loops.stop()
        with pytest.raises(Unavailable, match="0 of 1 witnesses cosigned"):
            await publishing.publish()
        await publishing.close()
