"""What a start, and a reload, put on record."""

from __future__ import annotations

from dataclasses import replace

from daypass.domain.policy_set import load_policies
from daypass.services.starting import Starting
from tests.domain.things import NOW, PEOPLE, TARGETS
from tests.services.conftest import SIMPLE, World


async def told(world: World, name: str) -> list[str]:
    async with world.store.reading() as tx:
        return [one.kind for one in await tx.notices(person=(await world.who(name)).id, limit=100)]


async def test_a_change_of_policy_names_both_digests_and_security_is_told(world: World) -> None:
    audrey = await world.who("audrey")
    await world.people.sync(
        [replace(one, groups=one.groups | {"security"}) if one == audrey else one for one in await world.people.all()]
    )
    starting = Starting(world.office)
    first, second = (load_policies([("p", text)], TARGETS, PEOPLE, NOW) for text in (SIMPLE, SIMPLE + "\n"))
    assert await starting.put_in_force(first)
    assert world.last("policy.changed").body["was"] == ""
    assert not await starting.put_in_force(first)
    assert await starting.put_in_force(second)
    body = world.last("policy.changed").body
    assert (body["was"], body["digest"]) == (first.digest, second.digest)
    assert sorted(await told(world, "audrey")) == ["person.changed", "policy.changed", "policy.changed"]
    assert await told(world, "ana") == []


async def test_changed_targets_are_an_event(world: World) -> None:
    starting = Starting(world.office)
    assert await starting.targets()
    assert world.last("targets.changed").body["added"] == ["orders"]
    assert not await starting.targets()
    world.targets["orders"] = replace(world.targets["orders"], port=1)
    world.targets["mail"] = replace(world.targets["orders"], name="mail")
    assert await starting.targets()
    body = world.last("targets.changed").body
    assert (body["added"], body["changed"], body["removed"]) == (["mail"], ["orders"], [])
    del world.targets["mail"]
    assert await starting.targets()
    assert world.last("targets.changed").body["removed"] == ["mail"]
