"""Logins made for grants: when they are had and taken away, and what is on record of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from daypass.credentials.interface import Finding, Issued, Lease, Withdrawal
from daypass.domain.errors import Refused, Unavailable
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import SYSTEM
from daypass.domain.session import SessionState
from daypass.domain.target import Credential, Target
from daypass.services.admitting import Admitting
from daypass.services.endings import Endings
from daypass.services.grants import Grants
from daypass.services.patrol import Patrol
from daypass.services.sessions import Sessions
from tests.services.conftest import World, values

KEEPER = Credential("keeper")


@dataclass
class Maker:
    """A target's logins, as `Credentials` makes them."""

    logins: dict[str, Lease] = field(default_factory=dict)
    problem: str = ""
    findings: list[Finding] = field(default_factory=list)
    meanwhile: Callable[[str], Awaitable[object]] | None = None
    extended: list[str] = field(default_factory=list)

    async def resolve(self, target: Target, role: str) -> Credential:
        return KEEPER

    def lasting(self, target: Target) -> bool:
        return False

    async def issue(self, lease: Lease) -> Issued:
        if self.problem:
            raise Unavailable(self.problem)
        made = lease.grant not in self.logins
        if self.meanwhile is not None:
            await self.meanwhile(lease.grant)
        self.logins[lease.grant] = lease
        return Issued(Credential("lent", lease.key.hex(), KEEPER), made, before="as it was")

    async def extend(self, lease: Lease) -> None:
        self.extended.append(lease.grant)

    async def withdraw(self, lease: Lease) -> Withdrawal:
        if self.problem:
            return Withdrawal({"terminated": 1.5}, problem=self.problem)
        there = self.logins.pop(lease.grant, None)
        left = ("table crumbs",) if lease.before == "as it was" else ()
        return Withdrawal({"dropped": 2.25}, {"roles": int(there is not None)}, left)

    async def drift(self, target: Target, leases: Sequence[Lease], *, whole: bool) -> Sequence[Finding]:
        return self.findings

    async def close(self) -> None:
        return None


@pytest.fixture
def maker(world: World) -> Maker:
    """The world, once its `write` role lends its logins."""
    made = Maker()
    orders = world.targets["orders"]
    write = replace(orders.roles["write"], user="", member_of=("app_rw",))
    world.targets["orders"] = replace(orders, roles={**orders.roles, "write": write})
    world.endings = Endings(world.office, made, world.live)
    world.grants = Grants(world.office, world.endings)
    admitting = Admitting(world.office, world.tokens, made)
    world.sessions = Sessions(world.office, world.tokens, admitting, world.endings, world.refusals)
    return made


async def test_a_login_comes_with_the_first_session_and_goes_with_the_grant(world: World, maker: Maker) -> None:
    grant = await world.granted()
    first = await world.connected()
    again = await world.connected()
    assert first.credential == again.credential and first.credential.ender == KEEPER
    assert maker.logins[grant.id].expires_at == first.expires_at
    assert world.types().count("credential.issued") == 1
    assert values(world.last("credential.issued"))["member_of"] == ["app_rw"]
    over = await world.grants.revoke(await world.who("lea"), grant.id, "enough")
    assert over.state is GrantState.ENDED and maker.logins == {}
    told = values(world.last("credential.withdrawn"))
    assert told == {"steps_us": {"dropped": 2250}, "seen": {"roles": 1}, "left": 1}
    assert world.last("credential.withdrawn").secret == {"left": "table crumbs"}
    assert values(world.last("grant.ended"))["credential"] == told


async def test_a_login_that_cannot_be_had_is_no_session(world: World, maker: Maker) -> None:
    await world.granted()
    maker.problem = "the target is away"
    with pytest.raises(Unavailable, match="away"):
        await world.connected()
    assert world.last("session.ended").secret == {"note": "the target is away"}
    assert (await world.session(world.last("session.ended").session or "")).state is SessionState.CUT
    maker.problem = ""
    await world.connected()


async def test_a_grant_that_ends_while_its_login_is_made_leaves_none(world: World, maker: Maker) -> None:
    grant = await world.granted()

    async def ending(id: str) -> None:
        world.endings.end_soon(id, EndReason.REVOKED, SYSTEM)
        while (await world.grant(id)).state is GrantState.ACTIVE:
            await world.sweep()
            await asyncio.sleep(0.05)

    maker.meanwhile = ending
    with pytest.raises(Refused, match="ended while the session was being opened"):
        await world.connected()
    await world.endings.settle()
    assert maker.logins == {}
    assert "credential.issued" not in world.types()
    assert (await world.grant(grant.id)).state in (GrantState.ENDED, GrantState.END_UNCONFIRMED)


async def test_what_cannot_be_withdrawn_is_an_alarm_until_it_can(world: World, maker: Maker) -> None:
    grant = await world.granted()
    await world.connected()
    maker.problem = "somebody holds a lock"
    over = await world.grants.revoke(await world.who("lea"), grant.id, "enough")
    assert over.state is GrantState.END_UNCONFIRMED
    assert over.ending is not None and over.ending["problems"] == ["somebody holds a lock"]
    maker.problem = ""
    for _ in range(3):
        await world.endings.end(grant.id, EndReason.REVOKED, SYSTEM)
    assert (await world.grant(grant.id)).state is GrantState.ENDED and maker.logins == {}


async def test_a_grant_that_was_never_used_asks_no_target(world: World, maker: Maker) -> None:
    grant = await world.granted()
    maker.problem = "the target is away"
    assert (await world.grants.hand_back(await world.who("ana"), grant.id)).state is GrantState.ENDED


async def test_a_patrol_withdraws_what_is_over_and_puts_right_what_is_changed(world: World, maker: Maker) -> None:
    grant = await world.granted()
    await world.connected()
    patrol = Patrol(world.office, maker)
    maker.findings = [
        Finding("changed", "lent", grant.id, "its limit"),
        Finding("orphan", "stray", None, "no grant is for it"),
        Finding("stranger", "lent", grant.id, "pid 9"),
    ]
    for _ in range(2):
        patrol.sweep(world.clock.t)
        await patrol.settle()
        world.clock.t += 10_000
    assert maker.extended == [grant.id, grant.id]
    assert [event.body["kind"] for event in world.told if event.type == "credential.drift"] == [
        "orphan", "stranger", "stranger",
    ]  # fmt: skip
    assert world.types().count("credential.changed") == 2
    lease = maker.logins[grant.id]
    await world.grants.revoke(await world.who("lea"), grant.id, "enough")
    maker.logins[grant.id] = lease  # a crash, and it is there again
    maker.findings = [Finding("orphan", "lent", grant.id, "no grant is for it")]
    patrol.sweep(world.clock.t)
    await patrol.settle()
    assert maker.logins == {}
