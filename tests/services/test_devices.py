"""Command lines that wait to be let in: who floods us with them crowds out nobody else's."""

from __future__ import annotations

import pytest

from daypass.domain.errors import NotFound, TooMany, Unauthenticated
from daypass.domain.people import OPERATOR, Person
from daypass.domain.visit import Visit
from daypass.services.devices import CODES_MAX, FLOW_MS, POLL_MS, Device, Devices
from daypass.services.pace import WINDOW_MS
from tests.services.conftest import World

MOST = 20


@pytest.fixture
def waiting(world: World) -> Devices:
    return Devices(world.office, world.tokens, MOST)


async def waits(waiting: Devices, device: Device) -> bool:
    try:
        return await waiting.poll(device.secret) is None
    except Unauthenticated:
        return False


async def test_who_floods_us_crowds_out_themselves(world: World, waiting: Devices) -> None:
    ours = await waiting.begin("laptop", "192.0.2.7:1")
    crowds = ["198.51.100.1:{}", "198.51.100.2:{}", "[2001:db8::{:x}]:9"]
    theirs = []
    for number in range(3 * MOST):
        world.clock.t += 1
        theirs.append(await waiting.begin("flood", crowds[number % 3].format(number + 1)))
    late = await waiting.begin("another laptop", "192.0.2.8:1")
    assert await waits(waiting, ours) and await waits(waiting, late)
    left = [await waits(waiting, one) for one in theirs]
    assert sum(left) == MOST - 2 and all(left[-(MOST - 2) :])  # the oldest of theirs went


async def test_it_waits_so_long_and_is_asked_after_so_often(world: World, waiting: Devices) -> None:
    one = await waiting.begin("laptop", "192.0.2.7:1")
    assert await waiting.poll(one.secret) is None
    with pytest.raises(TooMany):
        await waiting.poll(one.secret)
    world.clock.t += POLL_MS
    assert await waiting.poll(one.secret) is None
    world.clock.t += FLOW_MS
    with pytest.raises(Unauthenticated):
        await waiting.poll(one.secret)


async def test_who_tries_codes_waits_and_others_do_not(world: World, waiting: Devices) -> None:
    one = await waiting.begin("laptop", "192.0.2.7:1")
    eve, ana = await world.who("eve"), await world.who("ana")
    for _ in range(CODES_MAX):
        with pytest.raises(NotFound):
            await waiting.look(eve, "BBBB-BBBB")
    for trying in (waiting.look(eve, one.code), waiting.answer(eve, await a_visit(world, eve), one.code, allow=True)):
        with pytest.raises(TooMany):
            await trying
    assert (await waiting.look(ana, one.code)).client == "laptop"
    world.clock.t += WINDOW_MS
    assert (await waiting.look(eve, one.code)).state == "WAITING"


async def a_visit(world: World, person: Person) -> Visit:
    issued = await world.tokens.issue(person.id, OPERATOR)
    return (await world.visits.by_token(issued.secret, "192.0.2.9:1")).visit
