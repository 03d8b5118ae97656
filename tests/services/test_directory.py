"""What follows from a directory's word, over a real store: what ends, what is judged again, who may take up whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.config import PersonSettings
from daypass.domain.directory import Told, ToldGroup
from daypass.domain.errors import Conflict, Invalid, Refused, TooMany, Unauthenticated
from daypass.domain.events import Event
from daypass.domain.grant import LIVE, EndReason, GrantState
from daypass.domain.passkey import Passkey
from daypass.domain.people import OPERATOR, Person
from daypass.domain.request import RequestState
from daypass.domain.roles import Role
from daypass.services.asking import Wish
from daypass.services.departing import Departing
from daypass.services.directory import Directory
from daypass.services.directory_groups import MEMBERS_CHANGED_MAX
from daypass.services.directory_reading import CALLS_MAX, Rules, Taken
from daypass.services.starting import Starting
from daypass.services.tightening import Tightening
from daypass.store.due import DEPARTING
from daypass.store.visiting import Password
from tests.domain.things import PEOPLE, POLICY
from tests.services.conftest import World
from tests.store.conftest import Opener

ACCOUNT = "okta@acme.test"


class Provisioning:
    """A world whose people at work come from a directory."""

    def __init__(self, world: World, by: Person, **rules: bool | frozenset[str]) -> None:
        self.world, self.by = world, by
        tightening = Tightening(world.office, Starting(world.office), world.endings)
        departing = Departing(world.office, world.endings, tightening, world.visits)
        self.directory = Directory(world.office, departing, Rules(**rules))  # type: ignore[arg-type]

    async def person(self, name: str, *, active: bool = True, external_id: str | None = None) -> Person:
        return (await self.directory.add_person(self.by, told(name, active=active, external_id=external_id))).person

    async def group(self, name: str, *members: Person) -> str:
        wanted = ToldGroup(name, "", "{}", frozenset(one.id for one in members))
        return (await self.directory.add_group(self.by, wanted)).entry.id

    async def fill(self, id: str, name: str, *members: Person) -> None:
        wanted = ToldGroup(name, "", "{}", frozenset(one.id for one in members))
        await self.directory.change_group(self.by, id, wanted)
        await self.world.endings.settle()


def told(name: str, *, active: bool = True, external_id: str | None = None, email: str = "") -> Told:
    address = email or f"{name}@acme.test"
    return Told(address, address, name.title(), active, f"00u-{name}" if external_id is None else external_id, "{}")


def listed(*more: PersonSettings) -> list[PersonSettings]:
    kept = [PersonSettings(one.email, one.name, one.groups) for one in PEOPLE]
    return [*kept, PersonSettings(ACCOUNT, "Okta", frozenset(), agent_of="sam@acme.test"), *more]


async def provisioning(world: World, **rules: bool | frozenset[str]) -> Provisioning:
    world.office = replace(world.office, standing={**world.office.standing, Role.PROVISIONER: (ACCOUNT,)})
    await world.people.sync(listed())
    return Provisioning(world, await world.people.by_email(ACCOUNT), **rules)


@pytest.fixture
async def there(world: World) -> Provisioning:
    return await provisioning(world, shared_groups=frozenset({"payments-engineers", "payments-leads"}))


async def at_work(there: Provisioning) -> tuple[Person, str, str]:
    """Nora of the directory with a session open; the group that it rests on, and her grant."""
    nora = await there.person("nora")
    group = await there.group("payments-engineers", nora)
    asked = await there.world.requests.create(nora, wish())
    approved = await there.world.requests.approve(await there.world.who("lea"), asked.id)
    assert approved.grant is not None
    issued = await there.world.tokens.issue(nora.id, OPERATOR)
    admission = await there.world.sessions.admit(issued.token.id, "orders", "write", "127.0.0.1:9", "one")
    await there.world.sessions.opened(admission.session, {"pid": "4711"})
    there.world.carrying.carried.add(admission.session)
    return nora, group, approved.grant


def wish() -> Wish:
    return Wish("orders", "write", 3_600_000, "because")


async def test_who_is_disabled_there_loses_everything_here(there: Provisioning) -> None:
    world = there.world
    nora, _, grant = await at_work(there)
    issued = await world.tokens.issue(nora.id, OPERATOR)
    opened = await world.visits.by_token(issued.secret, "127.0.0.1:9")
    pending = await world.requests.create(nora, replace(wish(), reason="more"))
    await there.directory.change_person(there.by, nora.id, told("nora", active=False))
    await world.endings.settle()
    over = await world.grant(grant)
    assert (over.state, over.end_reason) == (GrantState.ENDED, EndReason.PERSON_DISABLED)
    (cut,) = world.carrying.cuts
    assert cut[1] is EndReason.PERSON_DISABLED and "person disabled" in cut[2]
    with pytest.raises(Unauthenticated):
        await world.tokens.authenticate(issued.secret, "127.0.0.1:9")
    with pytest.raises(Unauthenticated):
        await world.visits.authenticate(opened.cookie, "127.0.0.1:9")
    denied = await world.request(pending.id)
    assert (denied.state, denied.decided_because) == (RequestState.DENIED, "its requester is disabled")
    await there.directory.change_person(there.by, nora.id, told("nora"))
    with pytest.raises(Unauthenticated):  # who comes back gets new tokens
        await world.tokens.authenticate(issued.secret, "127.0.0.1:9")


async def test_who_leaves_the_group_loses_what_rests_on_it_and_no_more(there: Provisioning) -> None:
    world = there.world
    nora, group, grant = await at_work(there)
    nils = await there.person("nils")
    await there.fill(group, "payments-engineers", nora, nils)
    assert (await world.grant(grant)).state is GrantState.ACTIVE
    await there.fill(group, "payments-engineers", nils)
    over = await world.grant(grant)
    assert (over.state, over.end_reason) == (GrantState.ENDED, EndReason.POLICY_TIGHTENED)
    nora = await world.people.by_email(nora.email)
    assert nora.groups == frozenset() and len(world.carrying.cuts) == 1
    event = world.last("group.changed")
    assert (event.actor.id, event.body["removed"]) == (there.by.id, [nora.id])


class Died(Exception):
    """The node, just after its commit."""


def die(event: Event) -> None:
    if event.type in ("person.changed", "group.changed"):
        raise Died


async def told_again(there: Provisioning, nora: Person, group: str, lost: str) -> None:
    """What the directory says of Nora, whom it takes something from."""
    if lost == "account":
        await there.directory.change_person(there.by, nora.id, told("nora", active=False))
    else:
        await there.directory.change_group(there.by, group, ToldGroup("payments-engineers", "", "{}", frozenset()))


@pytest.mark.parametrize("lost", ["account", "group"])
async def test_a_node_that_dies_in_between_leaves_nothing_open(there: Provisioning, opener: Opener, lost: str) -> None:
    world = there.world
    nora, group, grant = await at_work(there)
    world.office.listeners.append(die)
    with pytest.raises(Died):
        await told_again(there, nora, group, lost)
    assert (await world.grant(grant)).state is GrantState.ACTIVE
    other = opener()
    second = World(other)
    await second.sweep()
    assert (await world.grant(grant)).state not in LIVE
    await other.close()


async def test_the_directorys_next_try_ends_what_the_first_one_left(there: Provisioning) -> None:
    world = there.world
    nora, group, grant = await at_work(there)
    world.office.listeners.append(die)
    with pytest.raises(Died):
        await told_again(there, nora, group, "account")
    world.office.listeners.remove(die)
    await told_again(there, nora, group, "account")
    await world.endings.settle()
    assert (await world.grant(grant)).state not in LIVE


async def test_what_is_followed_up_is_forgotten_then(there: Provisioning) -> None:
    world = there.world
    _, group, _ = await at_work(there)
    await there.fill(group, "payments-engineers")
    for _ in range(2):
        await world.sweep()
    async with world.store.reading() as tx:
        assert await tx.setting(DEPARTING) == "{}"


async def test_who_is_disabled_by_other_means_keeps_nothing_open(world: World) -> None:
    grant = await world.granted()
    await world.connected()
    await world.people.sync([one for one in PEOPLE if one.email != "ana@acme.test"])
    await world.sweep()
    over = await world.grant(grant.id)
    assert over.end_reason == EndReason.PERSON_DISABLED and world.carrying.cuts


async def test_a_renamed_or_removed_group_ends_what_rests_on_it(there: Provisioning) -> None:
    nora, group, grant = await at_work(there)
    await there.fill(group, "payments-engineers-old", nora)
    assert (await there.world.grant(grant)).state is GrantState.ENDED
    assert (await there.world.people.by_email(nora.email)).groups == {"payments-engineers-old"}
    await there.directory.remove_group(there.by, group)
    assert (await there.world.people.by_email(nora.email)).groups == frozenset()


async def test_a_vote_of_who_is_gone_counts_no_more(there: Provisioning) -> None:
    """Two stages: the vote of somebody whom the directory then disables has to be given again by another."""
    world = there.world
    world.use(POLICY)
    dora = await there.person("dora")
    await there.group("payments-leads", dora)
    asked = await world.asked()
    await world.requests.approve(dora, asked.id)
    await there.directory.change_person(there.by, dora.id, told("dora", active=False))
    assert (await world.requests.approve(await world.who("sam"), asked.id)).state is RequestState.PENDING
    assert (await world.requests.approve(await world.who("lea"), asked.id)).state is RequestState.APPROVED


async def test_what_nobody_who_is_left_could_decide_is_denied(there: Provisioning) -> None:
    world = there.world
    dora = await there.person("dora")
    await there.group("payments-leads", dora)
    asked = await world.asked()
    await world.people.sync([one for one in listed() if "payments-leads" not in one.groups])
    assert (await world.request(asked.id)).state is RequestState.PENDING
    await there.directory.remove_person(there.by, dora.id)
    denied = await world.request(asked.id)
    assert (denied.state, denied.decided_because) == (RequestState.DENIED, "nobody who is left could decide it")
    assert world.last("request.denied").actor.kind == "system"


async def test_every_change_says_from_what_to_what(there: Provisioning) -> None:
    nora = await there.person("nora")
    await there.directory.change_person(there.by, nora.id, told("nora", email="nora.new@acme.test", active=False))
    event = there.world.last("person.changed")
    assert (event.actor.id, event.body["by"], event.body["change"]) == (there.by.id, "scim", "changed")
    assert (event.body["state_was"], event.body["state"]) == ("ACTIVE", "DISABLED")
    assert event.secret["email_was"] == "nora@acme.test" and event.secret["email"] == "nora.new@acme.test"


async def test_an_account_of_the_provider_is_taken_up_by_its_subject(world: World) -> None:
    there = await provisioning(world, external_id_is_subject=True)
    bound = Person("id-vera", "vera@acme.test", "Vera", frozenset({"x"}), subject="00u-vera", source="oidc")
    async with world.store.begin() as tx:
        await tx.save_person(bound)
    found = await there.person("vera")
    assert (found.id, found.source, found.groups) == (bound.id, "scim", frozenset())
    async with world.store.begin() as tx:
        await tx.save_person(replace(bound, id="id-vito", email="vito@acme.test", subject="00u-vito"))
    with pytest.raises(Taken):  # the address is Vito's, and this is not him
        await there.person("vito", external_id="00u-mallory")


async def test_an_account_is_adopted_by_its_address_only_where_the_operator_says_so(world: World) -> None:
    careful = await provisioning(world)
    vera = Person("id-vera", "vera@acme.test", "Vera", frozenset(), subject="s-vera", source="oidc")
    async with world.store.begin() as tx:
        await tx.save_person(vera)
    issued = await world.tokens.issue(vera.id, OPERATOR)
    keys = {"credential": "c", "public": b"p", "rp_id": "x", "origin": "y", "name": "n", "counter": 0}
    passkey = Passkey("id-key", vera.id, **keys, transports=(), entry="e", enrolled_at=1)  # type: ignore[arg-type]
    async with world.store.begin() as tx:
        await tx.save_passkey(passkey)
        await tx.save_password(Password(vera.id, "hash", 1))
    with pytest.raises(Taken):
        await careful.person("vera")
    adopting = await provisioning(world, adopt=True)
    with pytest.raises(Taken):
        await adopting.person("ana")  # the settings list her
    assert (await adopting.person("vera")).id == vera.id
    async with world.store.reading() as tx:
        assert [one.removed_at for one in await tx.passkeys(vera.id)] == [world.clock.t]
        assert await tx.password(vera.id) is None
    with pytest.raises(Unauthenticated):
        await world.tokens.authenticate(issued.secret, "127.0.0.1:9")


async def test_whom_the_settings_list_later_is_the_settings_until_they_let_go(there: Provisioning) -> None:
    world = there.world
    nora = await there.person("nora")
    await world.people.sync(listed(PersonSettings(nora.email, "Nora", frozenset({"secops"}))))
    with pytest.raises(Conflict, match="settings keep"):
        await there.directory.change_person(there.by, nora.id, told("nora", active=False))
    assert (await world.people.by_email(nora.email)).groups == {"secops"}
    await world.people.sync(listed())
    await there.directory.change_person(there.by, nora.id, told("nora"))
    back = await world.people.by_email(nora.email)
    assert (back.source, back.groups) == ("scim", frozenset())


async def test_the_settings_may_not_fill_a_group_of_the_directory_unnoticed(there: Provisioning) -> None:
    await there.group("analysts")
    await there.directory.check_listed(listed())
    with pytest.raises(Exception, match="shared_groups"):
        await there.directory.check_listed(listed(PersonSettings("x@acme.test", "X", frozenset({"Analysts"}))))


async def test_only_the_account_speaks_and_not_too_often(there: Provisioning) -> None:
    for name in ("ana", "sam", "audrey"):
        with pytest.raises(Refused):
            there.directory.admit(await there.world.who(name))
        with pytest.raises(Refused):
            await there.directory.add_person(await there.world.who(name), told("zed"))
    for _ in range(CALLS_MAX):
        there.directory.admit(there.by)
    with pytest.raises(TooMany):
        there.directory.admit(there.by)


async def test_limits(there: Provisioning) -> None:
    with pytest.raises(Invalid):
        await there.directory.add_person(there.by, replace(told("x"), name="x" * 300))
    with pytest.raises(Invalid):
        await there.directory.add_person(there.by, replace(told("x"), email="no address"))
    with pytest.raises(Invalid, match="NUL"):
        await there.directory.add_person(there.by, replace(told("x"), external_id="x\0y"))
    with pytest.raises(Invalid, match="NUL"):
        await there.directory.add_group(there.by, ToldGroup("x\0y", "", "{}", frozenset()))
    with pytest.raises(Invalid):
        await there.directory.add_person(there.by, replace(told("x"), document="x" * 20_000))
    many = frozenset(f"id-{n}" for n in range(MEMBERS_CHANGED_MAX + 1))
    with pytest.raises(Invalid, match="at most"):
        await there.directory.add_group(there.by, ToldGroup("many", "", "{}", many))
    with pytest.raises(Invalid, match="there is no person"):
        await there.directory.add_group(there.by, ToldGroup("ghosts", "", "{}", frozenset({"id-ana"})))
