"""Several targets and people at once, projects with a grant a day, and asking again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daypass.domain.deciding import Changes
from daypass.domain.durations import DAY_MS
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import Person
from daypass.domain.request import Item, RequestState
from daypass.services.asking import Wish
from daypass.services.bundles import Bundle, Bundles, BundleWish
from daypass.services.favourites import FAVOURITES_MAX, Favourites, Instead
from daypass.services.requests import Narrowed
from tests.domain.things import HOUR, person, target
from tests.services.conftest import SIMPLE, World

PROJECTS = SIMPLE[: SIMPLE.index("expect:")].replace("longest: 4h,", "longest: 12h, project: 21d,")
READ, WRITE = Item("orders", "read"), Item("orders", "write")
LEDGER = Item("ledger", "write")


@pytest.fixture
async def bundles(world: World) -> Bundles:
    world.targets["ledger"] = target("ledger")
    world.use(PROJECTS)
    extra = [person("mia", "payments-engineers"), person("tom", "payments-leads")]
    await world.people.sync([*await world.people.all(), *extra])
    return Bundles(world.office, world.requests)


async def asked(world: World, bundles: Bundles, *items: Item, by: str = "ana", **more: Any) -> Bundle:
    wish = {"duration_ms": HOUR, "reason": "the migration", **more}
    return await bundles.create(await world.who(by), BundleWish(tuple(items), **wish))


def digests(bundle: Bundle) -> dict[str, str]:
    return {one.id: one.digest for one in bundle.parts}


async def test_several_targets_at_once_decided_as_a_whole(world: World, bundles: Bundles) -> None:
    made = await asked(world, bundles, WRITE, LEDGER)
    assert made.state == "PENDING" and len({one.digest for one in made.parts}) == 2
    after = await bundles.approve(await world.who("lea"), made.id, digests(made))
    assert after.state == "APPROVED"
    grants = [await world.grant(one.grant or "") for one in after.parts]
    assert [(one.target, one.role) for one in grants] == [("ledger", "write"), ("orders", "write")]
    assert world.types().count("request.created") == 2 and world.types().count("request.approved") == 2


async def test_item_by_item(world: World, bundles: Bundles) -> None:
    made = await asked(world, bundles, WRITE, LEDGER)
    lea = await world.who("lea")
    await world.requests.approve(lea, made.parts[0].id)
    assert (await bundles.show(lea, made.id)).state == "PENDING"
    await world.requests.deny(lea, made.parts[1].id, note="not this one")
    assert (await bundles.show(lea, made.id)).state == "PARTIAL"
    with pytest.raises(Refused, match="nothing of this"):
        await bundles.approve(lea, made.id, digests(made))


async def test_for_several_people_of_whom_nobody_decides(world: World, bundles: Bundles) -> None:
    """Ben is a lead, and in it: not even on the parts of the others."""
    made = await asked(world, bundles, WRITE, by="mia", people=("ana@acme.test", "Ben@acme.test"))
    ana, ben, mia, lea = [await world.who(name) for name in ("ana", "ben", "mia", "lea")]
    assert {(one.requester, one.asked_by) for one in made.parts} == {(ana.id, mia.id), (ben.id, mia.id)}
    for one in made.parts:
        with pytest.raises((Refused, NotFound)):
            await world.requests.approve(ben, one.id)
        with pytest.raises(Refused, match="their own"):
            await world.requests.approve(mia, one.id)
    done = await bundles.approve(lea, made.id, digests(made))
    assert {(await world.grant(one.grant or "")).person for one in done.parts} == {ana.id, ben.id}
    async with world.store.reading() as tx:
        assert [one.kind for one in await tx.notices(person=ben.id, limit=9)] == ["project.asked"]


async def test_an_edit_brings_nobody_back_who_is_in_it(world: World, bundles: Bundles) -> None:
    made = await asked(world, bundles, WRITE, people=("ana@acme.test", "ben@acme.test"))
    ana, ben = await world.who("ana"), await world.who("ben")
    edited = await world.requests.edit(ana, made.parts[0].id, Changes(reason="another"))
    assert ben.id not in edited.stages[0].eligible and ben.id in edited.route.excluded
    assert edited.bundle == made.id and edited.digest != made.parts[0].digest


async def test_all_or_nothing(world: World, bundles: Bundles) -> None:
    for more, error, said in (
        ({"people": ("ana@acme.test", "eve@acme.test")}, Refused, "orders:write for eve@acme.test: no rule"),
        ({"people": ("nobody@acme.test",)}, NotFound, "nobody with the address"),
        ({"people": ("lea@acme.test",)}, Refused, "no rule"),
        ({"people": tuple(f"p{n}@acme.test" for n in range(60))}, Invalid, "from 1 to 50 parts"),
    ):
        with pytest.raises(error, match=said):
            await asked(world, bundles, WRITE, **more)
    with pytest.raises(NotFound):
        await asked(world, bundles, WRITE, Item("nowhere", "read"))
    assert world.types() == []


async def test_too_few_who_are_not_in_it_is_a_refusal(world: World, bundles: Bundles) -> None:
    rest = [one for one in await world.people.all() if one.email not in ("lea@acme.test", "tom@acme.test")]
    await world.people.sync(rest)
    with pytest.raises(Refused, match="too few could decide who are not in it"):
        await asked(world, bundles, WRITE, people=("ana@acme.test", "ben@acme.test"))


async def test_what_changed_since_one_looked_stops_the_whole(world: World, bundles: Bundles) -> None:
    made = await asked(world, bundles, WRITE, LEDGER)
    await world.requests.edit(await world.who("ana"), made.parts[1].id, Changes(reason="something else"))
    with pytest.raises(Conflict, match="has changed"):
        await bundles.approve(await world.who("lea"), made.id, digests(made))
    with pytest.raises(Conflict, match="have not looked"):
        await bundles.approve(await world.who("lea"), made.id, dict(list(digests(made).items())[1:]))
    assert {one.state for one in (await bundles.show(await world.who("lea"), made.id)).parts} == {RequestState.PENDING}


async def test_who_asked_takes_it_back_as_a_whole(world: World, bundles: Bundles) -> None:
    made = await asked(world, bundles, WRITE, by="mia", people=("ana@acme.test", "ben@acme.test"))
    with pytest.raises(NotFound):
        await bundles.show(await world.who("eve"), made.id)
    assert len((await bundles.withdraw(await world.who("ana"), made.id)).parts) == 1
    assert (await bundles.withdraw(await world.who("mia"), made.id)).state == "WITHDRAWN"
    with pytest.raises(Conflict):
        await bundles.withdraw(await world.who("mia"), made.id)


# -- projects ----------------------------------------------------------------------------------------------------------


async def project(world: World, bundles: Bundles, days: int = 3, **narrowed: Any) -> Any:
    made = await asked(world, bundles, WRITE, until=world.clock.t + days * DAY_MS)
    lea = await world.who("lea")
    done = await bundles.approve(lea, made.id, digests(made), narrowed=Narrowed(**narrowed))
    return done.parts[0]


async def day(world: World, id: str) -> Any:
    request = await world.request(id)
    return await world.grant(request.grant or "")


async def use(world: World) -> None:
    await world.connected("write")


async def test_a_project_has_a_grant_for_each_day_and_each_is_to_be_activated(world: World, bundles: Bundles) -> None:
    made = await project(world, bundles)
    first = await day(world, made.id)
    assert first.state is GrantState.READY
    await use(world)
    await world.sweep(HOUR)
    second = await day(world, made.id)
    assert (await world.grant(first.id)).state is GrantState.ENDED
    assert second.id != first.id and second.state is GrantState.SCHEDULED and second.activated_at is None
    midnight = (world.clock.t // DAY_MS + 1) * DAY_MS
    assert (second.start_at, second.activate_by) == (midnight, midnight + DAY_MS)
    with pytest.raises(Refused, match="has not started"):
        await use(world)
    await world.sweep(midnight - world.clock.t)
    await use(world)
    assert (await day(world, made.id)).state is GrantState.ACTIVE
    assert world.last("grant.renewed").body["start_at"] == midnight


async def test_a_day_that_nobody_uses_lapses_and_the_next_one_comes(world: World, bundles: Bundles) -> None:
    made = await project(world, bundles)
    first = await day(world, made.id)
    await world.sweep(DAY_MS)
    assert (await world.grant(first.id)).state is GrantState.LAPSED
    assert (await day(world, made.id)).state is GrantState.SCHEDULED


async def test_a_project_is_over_at_its_end(world: World, bundles: Bundles) -> None:
    made = await project(world, bundles, days=2)
    until = made.until
    for _ in range(5):
        await world.sweep(DAY_MS // 2)
    await world.sweep(DAY_MS)
    assert world.clock.t > until
    last = await day(world, made.id)
    assert last.state is GrantState.LAPSED and last.activate_by <= until
    with pytest.raises(Refused):
        await use(world)


async def test_the_last_day_is_over_with_the_project(world: World, bundles: Bundles) -> None:
    made = await asked(world, bundles, WRITE, until=world.clock.t + HOUR // 2)
    await bundles.approve(await world.who("lea"), made.id, digests(made))
    await use(world)
    assert (await day(world, made.parts[0].id)).expires_at == made.parts[0].until


@pytest.mark.parametrize("how", ["revoked", "handed back unused", "policy"])
async def test_a_project_ends_with(world: World, bundles: Bundles, how: str) -> None:
    made = await project(world, bundles)
    grant = await day(world, made.id)
    if how == "revoked":
        await use(world)
        await world.grants.revoke(await world.who("lea"), grant.id, "enough")
    elif how == "policy":
        await use(world)
        world.use(PROJECTS.replace("project: 21d,", ""))
        await world.sweep(HOUR)
    else:
        await world.grants.hand_back(await world.who("ana"), grant.id)
    await world.endings.settle()
    assert (await day(world, made.id)).id == grant.id
    assert "grant.renewed" not in world.types()


async def test_a_day_handed_back_after_use_is_over_and_the_next_one_comes(world: World, bundles: Bundles) -> None:
    made = await project(world, bundles)
    await use(world)
    grant = await day(world, made.id)
    await world.grants.hand_back(await world.who("ana"), grant.id)
    assert (await world.grant(grant.id)).end_reason == EndReason.HANDED_BACK.value
    assert (await day(world, made.id)).state is GrantState.SCHEDULED


async def test_policy_is_the_ceiling_of_projects(world: World, bundles: Bundles) -> None:
    for more, error, said in (
        ({"until": world.clock.t + 22 * DAY_MS}, Refused, "at most 21d"),
        ({"until": world.clock.t - 1}, Refused, "at most 21d"),
        ({"until": world.clock.t + DAY_MS, "duration_ms": 25 * HOUR}, Invalid, "at most a day"),
        ({"until": world.clock.t + DAY_MS, "duration_ms": 13 * HOUR}, Refused, "at most 12h"),
    ):
        with pytest.raises(error, match=said):
            await asked(world, bundles, WRITE, **more)
    world.use(PROJECTS.replace("project: 21d,", ""))
    with pytest.raises(Refused, match="allows no projects"):
        await asked(world, bundles, WRITE, until=world.clock.t + DAY_MS)


async def test_an_approver_may_have_a_project_end_earlier_and_never_later(world: World, bundles: Bundles) -> None:
    made = await asked(world, bundles, WRITE, until=world.clock.t + 3 * DAY_MS)
    part, lea = made.parts[0], await world.who("lea")
    for until, error in ((part.until + 1, Refused), (world.clock.t, Refused)):  # type: ignore[operator]
        with pytest.raises(error, match="never later"):
            await world.requests.approve(lea, part.id, narrowed=Narrowed(until=until))
    single = await world.asked()
    with pytest.raises(Invalid, match="no project"):
        await world.requests.approve(lea, single.id, narrowed=Narrowed(until=world.clock.t + HOUR))
    early = world.clock.t + HOUR // 2
    await world.requests.approve(lea, part.id, narrowed=Narrowed(until=early))
    await use(world)
    assert (await day(world, part.id)).expires_at == early
    assert world.last("request.voted").body["narrowed_until"] == early


# -- again -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def again(world: World) -> Favourites:
    return Favourites(world.office, world.requests)


async def test_a_former_request_is_asked_again_and_decided_anew(world: World, again: Favourites) -> None:
    former = await world.asked("write", ticket="INC-7")
    await world.requests.approve(await world.who("lea"), former.id)
    ana = await world.who("ana")
    once_more = await again.repeat(ana, former.id[-8:], Instead())
    assert once_more.state is RequestState.PENDING and once_more.digest != former.digest
    same = ("items", "duration_ms", "reason", "ticket", "requester")
    assert all(getattr(once_more, name) == getattr(former, name) for name in same)
    other = await again.repeat(ana, former.id, Instead(HOUR // 2, "another reason", "INC-8"))
    assert (other.duration_ms, other.reason, other.ticket) == (HOUR // 2, "another reason", "INC-8")
    with pytest.raises(NotFound):
        await again.repeat(await world.who("eve"), former.id, Instead())
    with pytest.raises(Refused):
        await again.repeat(await world.who("lea"), former.id, Instead())


async def test_favourites_are_ones_own(world: World, again: Favourites) -> None:
    ana, eve = await world.who("ana"), await world.who("eve")
    wish = Wish("orders", "read", HOUR, "the daily check", "INC-7")
    await again.save(ana, "morning", wish)
    await again.save(ana, "morning", replace(wish, duration_ms=HOUR // 2))
    assert [(one.name, one.wish["duration_ms"]) for one in await again.list(ana)] == [("morning", HOUR // 2)]
    assert (await again.ask(ana, "morning", Instead())).state is RequestState.APPROVED
    assert await again.list(eve) == []
    for name, by, error in (("morning", eve, NotFound), ("evening", ana, NotFound)):
        with pytest.raises(error):
            await again.ask(by, name, Instead())
        with pytest.raises(error):
            await again.remove(by, name)
    await again.remove(ana, "morning")
    assert await again.list(ana) == []


async def test_favourites_are_few_and_of_what_there_is(world: World, again: Favourites) -> None:
    ana: Person = await world.who("ana")
    wish = Wish("orders", "read", HOUR, "check")
    for name, wanted, error in (("a b", wish, Invalid), ("x", replace(wish, target="nowhere"), NotFound)):
        with pytest.raises(error):
            await again.save(ana, name, wanted)
    for n in range(FAVOURITES_MAX):
        await again.save(ana, f"f{n}", wish)
    with pytest.raises(Conflict):
        await again.save(ana, "more", wish)
    await again.save(ana, "f1", wish)
