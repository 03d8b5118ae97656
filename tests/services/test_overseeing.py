"""How it goes, told to those who look after it: silent nodes, a slow store, witnesses, channels, drift of logins."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from daypass.domain.errors import Refused
from daypass.domain.events import Event
from daypass.domain.people import SYSTEM
from daypass.ledger.sequencer import BATCH, number
from daypass.services.nodes import LEASE_MS
from daypass.services.overseeing import DRIFT_MAX, Overseeing, Told, Works
from tests.services.conftest import World


@dataclass
class Fixed:
    """A node that is as it is said to be."""

    now: Works

    def works(self) -> Works:
        return self.now


async def overview(world: World, works: Works) -> list[tuple[str, str]]:
    found = await Overseeing(world.office, Fixed(works), {}).overview(await world.who("audrey"))
    return list(found.remarks)


async def test_what_is_wrong_is_said_with_what_to_do(world: World) -> None:
    assert await overview(world, Works(witnesses={"w": ""}, channels={"mail": Told(sent=3)})) == []
    works = Works(
        behind=40,
        lag_ms=6000,
        witnesses={"w1": "", "w2": "it does not answer"},
        channels={"mail": Told(failed=1, problem="no such host"), "room": Told()},
    )
    remarks = await overview(world, works)
    assert [says for says, _ in remarks] == [
        "the journal is far ahead of the store",
        "witness w2 does not cosign: it does not answer",
        "channel mail does not take messages: no such host",
    ]
    assert all(hint for _, hint in remarks)


async def test_nodes_are_told_with_their_silence(world: World) -> None:
    await world.store.renew("one", "/here", LEASE_MS)
    seen = (await Overseeing(world.office, Fixed(Works()), {}).overview(await world.who("audrey"))).nodes
    assert [(one.name, one.silent_ms < LEASE_MS) for one in seen] == [("one", True)]


async def test_the_newest_drift_is_told_first_and_no_more_than_can_be_read(world: World) -> None:
    for n in range(DRIFT_MAX + 2):
        async with world.office.change() as change:
            body = {"kind": "stranger", "user": f"login{n}"}
            target = world.office.target_ref("orders")
            await change.record(Event("credential.drift", world.clock.t + n, SYSTEM, target=target, body=body))
    while await world.store.sequence(BATCH, number):
        pass
    found = await Overseeing(world.office, Fixed(Works()), {}).overview(await world.who("audrey"))
    assert [one.user for one in found.drift] == [f"login{n}" for n in reversed(range(2, DRIFT_MAX + 2))]
    assert {(one.target, one.kind) for one in found.drift} == {("orders", "stranger")}
    assert found.entries == found.drift[0].index + 1


async def test_it_is_for_those_who_look_after_it(world: World) -> None:
    with pytest.raises(Refused, match="security, auditors and operators"):
        await Overseeing(world.office, Fixed(Works()), {}).overview(await world.who("ana"))
