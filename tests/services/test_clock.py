"""A clock that is behind the record opens nothing, and says so."""

from __future__ import annotations

import pytest

from daypass.domain.errors import Unavailable
from daypass.domain.grant import GrantState
from tests.domain.things import HOUR
from tests.services.conftest import NODE, World


async def test_a_clock_behind_the_newest_entry_opens_nothing(world: World) -> None:
    grant = await world.granted()
    world.clock.t -= HOUR
    await world.recovery.recover(NODE)
    with pytest.raises(Unavailable, match="3600 s behind its own record"):
        await world.connected()
    with pytest.raises(Unavailable):
        await world.grants.activate(await world.who("ana"), grant.id)
    assert (await world.grant(grant.id)).state is GrantState.READY
    world.clock.t += HOUR
    await world.connected()


async def test_clocks_of_nodes_differ_a_little(world: World) -> None:
    await world.granted()
    world.clock.t -= 1500
    await world.recovery.recover(NODE)
    await world.connected()
