"""Letting connections in: on which grant, under which policy, and what is said to those who are not let in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.errors import NotFound, Refused, Unauthenticated, Unavailable
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import OPERATOR
from daypass.domain.session import Over, SessionState
from daypass.domain.target import Effect, SecretRef, TargetRole
from daypass.services.refusals import KINDS_MAX, WINDOW_MS
from tests.domain.things import HOUR, ORDERS, POLICY
from tests.services.conftest import NODE, SIMPLE, World, values


async def admit(world: World, target: str = "orders", role: str | None = None, name: str = "ana") -> str:
    person = await world.who(name)
    issued = await world.tokens.issue(person.id, OPERATOR)
    return (await world.sessions.admit(issued.token.id, target, role, "127.0.0.1:9", NODE)).session


async def test_the_first_connection_starts_the_clock(world: World) -> None:
    grant = await world.granted()
    world.clock.t += 1000
    admission = await world.connected(role=None)
    active = await world.grant(grant.id)
    assert (active.state, active.expires_at) == (GrantState.ACTIVE, world.clock.t + HOUR)
    assert admission.expires_at == active.expires_at
    assert admission.role.name == "write" and admission.credential.user == "app_rw"
    assert "ana@acme.test" in admission.label and admission.session[-12:] in admission.label
    assert world.types()[-3:] == ["grant.activated", "session.registered", "session.opened"]
    assert values(world.last("session.opened"))["mark"] == {"pid": "4711"}
    session = await world.session(admission.session)
    assert (session.state, session.client) == (SessionState.OPEN, "127.0.0.1:9")
    world.clock.t += 1000
    await world.connected()
    assert await world.grant(grant.id) == active


async def test_no_grant_says_what_to_type(world: World) -> None:
    with pytest.raises(Refused) as refused:
        await admit(world)
    assert refused.value.message == "you have no access to orders now"
    assert refused.value.hint == 'daypass request orders --role read --for 30m --reason "…"'
    with pytest.raises(Refused) as refused:
        await admit(world, role="write")
    assert refused.value.hint == 'daypass request orders --role write --for 30m --reason "…"'


async def test_a_target_that_is_not_for_me_looks_like_none(world: World) -> None:
    said = []
    for target in ("orders", "nix"):
        with pytest.raises(Refused) as refused:
            await admit(world, target, name="eve")
        said.append((refused.value.message.replace(target, "X"), refused.value.hint))
    assert said[0] == said[1]


async def test_two_grants_and_no_role_names_both(world: World) -> None:
    await world.granted()
    await world.asked("read", ticket="INC-7")
    with pytest.raises(Refused, match=r"two grants .*: orders:read and orders:write") as refused:
        await admit(world)
    assert refused.value.hint == "connect to orders:read or orders:write"
    await admit(world, role="read")


async def test_a_scheduled_grant_says_that_it_has_not_started(world: World) -> None:
    await world.granted(start_at=world.clock.t + HOUR)
    with pytest.raises(Refused, match="not started"):
        await admit(world)
    world.clock.t += HOUR
    await admit(world)


async def test_an_expired_grant_opens_nothing_before_any_sweep(world: World) -> None:
    await world.granted()
    await world.connected()
    world.clock.t += HOUR
    with pytest.raises(Refused):
        await admit(world)


TIGHTER = [
    (SIMPLE.replace("group:payments-engineers", "group:secops").split("expect:")[0], "policy no longer allows"),
    (SIMPLE.replace("longest: 4h", "longest: 30m").split("expect:")[0], "allows at most 30m"),
    (SIMPLE.replace("roles: [write]\n", "roles: [write]\n    when: request.nix\n").split("expect:")[0], "cannot be"),
]


@pytest.mark.parametrize(("text", "why"), TIGHTER)
async def test_policy_is_asked_again_at_activation_and_at_connect(world: World, text: str, why: str) -> None:
    grant = await world.granted()
    world.use(text)
    with pytest.raises(Refused, match=why):
        await world.grants.activate(await world.who("ana"), grant.id)
    with pytest.raises(Refused, match=why):
        await admit(world)
    assert (await world.grant(grant.id)).state is GrantState.READY
    world.use(SIMPLE)
    await admit(world)
    world.use(text)
    with pytest.raises(Refused, match=why):
        await admit(world)


async def test_an_automatic_grant_is_no_way_round_a_rule_that_now_asks_people(world: World) -> None:
    await world.asked("read", ticket="INC-7")
    world.use(POLICY.split("expect:")[0].replace("decide: automatic", "decide: { stages: [{ need: 1, of: [a@b.c] }] }"))
    with pytest.raises(Refused, match="asks people to decide"):
        await admit(world)


async def test_a_secret_that_is_missing_leaves_everything_as_it_was(world: World) -> None:
    grant = await world.granted()
    missing = TargetRole("write", "app_rw", SecretRef("env", "DAYPASS_TEST_NO_SUCH"), Effect.WRITE)
    world.targets["orders"] = replace(ORDERS, roles={**ORDERS.roles, "write": missing})
    with pytest.raises(Unavailable, match="DAYPASS_TEST_NO_SUCH"):
        await admit(world)
    assert (await world.grant(grant.id)).state is GrantState.READY
    async with world.store.reading() as tx:
        assert await tx.sessions() == []


async def test_a_token_that_is_no_more_lets_nobody_in(world: World) -> None:
    await world.granted()
    ana = await world.who("ana")
    issued = await world.tokens.issue(ana.id, OPERATOR, lasts_ms=HOUR)
    with pytest.raises(Unauthenticated):
        await world.sessions.admit("nix", "orders", None, "c", NODE)
    world.clock.t += HOUR
    with pytest.raises(Unauthenticated):
        await world.sessions.admit(issued.token.id, "orders", None, "c", NODE)


async def test_a_session_ends_once(world: World) -> None:
    await world.granted()
    admission = await world.connected()
    await world.sessions.ended(Over(admission.session, EndReason.CLIENT_LEFT, "bye", 3, "complete", 12))
    after = await world.session(admission.session)
    assert (after.state, after.statements, after.recording) == (SessionState.ENDED, 3, "complete")
    body = values(world.last("session.ended"))
    assert (body["journal"], body["reason"]) == (12, "client left")
    await world.sessions.ended(Over(admission.session, EndReason.EXPIRED, "", 9, "gap", 13))
    assert await world.session(admission.session) == after
    with pytest.raises(NotFound):
        await world.sessions.ended(Over("nix", EndReason.EXPIRED, "", 0, "gap", 0))


class TestRefusals:
    async def test_the_first_is_an_event_at_once_and_the_rest_are_counted(self, world: World) -> None:
        for port in range(100):
            await world.sessions.refused("ana@acme.test", "orders", f"10.0.0.1:{port}", "wrong token")
        assert world.types() == ["session.refused"]
        event = world.last("session.refused")
        assert event.target is not None and event.target.name == "orders"
        assert event.secret["name"] == "ana@acme.test" and "ana" not in str(event.body)
        await world.sweep(WINDOW_MS)
        assert [values(one)["times"] for one in world.told if one.type == "session.refused"] == [1, 99]
        await world.sweep(WINDOW_MS)
        await world.sessions.refused("ana@acme.test", "orders", "10.0.0.1:1", "wrong token")
        assert world.types() == ["session.refused"] * 3

    async def test_a_wide_flood_is_counted_together(self, world: World) -> None:
        for number in range(KINDS_MAX + 200):
            client = f"10.0.{number >> 8}.{number & 255}:1"
            await world.sessions.refused("x" * 1000, "nix", client, "wrong token")
        assert len(world.types()) == KINDS_MAX + 1
