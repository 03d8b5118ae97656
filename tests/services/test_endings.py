"""How grants end: every way, what is seen, what is logged, and what happens when it cannot be seen."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from daypass.credentials.static import StaticCredentials
from daypass.domain.errors import Conflict, NotFound, Refused
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import SYSTEM
from daypass.domain.session import SessionState
from daypass.services.endings import Endings
from daypass.services.sweeping import RETRY_FIRST_MS
from tests.domain.things import HOUR
from tests.services.conftest import NODE, World, values


async def test_the_deadline(world: World) -> None:
    grant = await world.granted()
    admission = await world.connected()
    await world.sweep(HOUR - 1)
    assert (await world.grant(grant.id)).state is GrantState.ACTIVE
    await world.sweep(1)
    over = await world.grant(grant.id)
    assert (over.state, over.end_reason) == (GrantState.ENDED, "expired")
    ended = await world.session(admission.session)
    assert (ended.state, ended.end_reason, ended.statements) == (SessionState.CUT, "expired", 2)
    assert world.types()[-3:] == ["grant.ending", "session.ended", "grant.ended"]
    ((_, reason, message, hint),) = world.carrying.cuts
    assert reason is EndReason.EXPIRED and grant.id in message and "expired" in message
    assert 'daypass request orders --role write --for 1h --reason "…"' in hint


async def test_the_event_holds_what_was_measured_and_seen(world: World) -> None:
    grant = await world.granted()
    admission = await world.connected()
    world.clock.t += 1
    await world.grants.revoke(await world.who("lea"), grant.id, "enough")
    event = world.last("grant.ended")
    body = values(event)
    assert body["reason"] == "revoked" and body["unconfirmed"] == [] and body["ms"] == 0
    assert body["sessions"] == [
        {
            "session": admission.session,
            "steps_us": {"stopped": 3250},
            "how": "terminated",
            "read_back": "gone",
            "was": "active",
        }
    ]
    assert set(body["steps_ms"]) == {"refused_new", "cut", "recorded", "read_back"}
    assert world.last("grant.ending").secret == {"note": "enough"}
    over = await world.grant(grant.id)
    assert over.ending is not None and over.ending["attempts"] == 1
    assert (over.end_by, over.end_note) == ((await world.who("lea")).id, "enough")


async def test_handing_back(world: World) -> None:
    grant = await world.granted()
    for name in ("lea", "audrey"):
        with pytest.raises(Refused):
            await world.grants.hand_back(await world.who(name), grant.id)
    with pytest.raises(NotFound):
        await world.grants.hand_back(await world.who("eve"), grant.id)
    over = await world.grants.hand_back(await world.who("ana"), grant.id)
    assert (over.state, over.end_reason) == (GrantState.ENDED, "handed back")
    with pytest.raises(Conflict):
        await world.grants.hand_back(await world.who("ana"), grant.id)


async def test_who_may_revoke(world: World) -> None:
    grant = await world.granted()
    for name in ("ana", "audrey"):
        with pytest.raises(Refused):
            await world.grants.revoke(await world.who(name), grant.id, "no")
    with pytest.raises(NotFound):
        await world.grants.revoke(await world.who("eve"), grant.id, "no")
    assert (await world.grants.revoke(await world.who("lea"), grant.id, "no")).state is GrantState.ENDED


async def test_an_owner_of_the_target_may_revoke_and_sees_what_is_there(world: World) -> None:
    grant = await world.granted()
    eve = await world.who("eve")
    world.targets["orders"] = replace(world.targets["orders"], owners=("eve@acme.test",))
    admission = await world.connected()
    _, end = await world.sessions.kill(eve, admission.session, "not here")
    assert end.confirmed
    assert (await world.grants.revoke(eve, grant.id, "no")).state is GrantState.ENDED


async def test_what_cannot_be_shown_is_an_alarm_and_tried_again(world: World) -> None:
    grant = await world.granted()
    admission = await world.connected()
    world.carrying.broken = True
    over = await world.grants.revoke(await world.who("lea"), grant.id, "no")
    assert over.state is GrantState.END_UNCONFIRMED and over.ended_at is None
    assert values(world.last("grant.end_unconfirmed"))["unconfirmed"] == [admission.session]
    assert "does not answer" in world.last("grant.end_unconfirmed").secret["problem"]
    await world.sweep(RETRY_FIRST_MS - 1)
    assert world.carrying.swept == []
    await world.sweep(1)
    assert world.carrying.swept == [admission.session]
    assert (await world.grant(grant.id)).state is GrantState.END_UNCONFIRMED
    world.carrying.broken = False
    await world.sweep(RETRY_FIRST_MS)
    assert (await world.grant(grant.id)).state is GrantState.END_UNCONFIRMED
    await world.sweep(RETRY_FIRST_MS)
    done = await world.grant(grant.id)
    assert done.state is GrantState.ENDED and done.ending is not None and done.ending["attempts"] == 3
    assert world.types().count("grant.end_unconfirmed") == 2


async def test_each_step_counts_when_it_was_through_first(world: World) -> None:
    grant = await world.granted()
    await world.connected()
    world.carrying.broken = True
    await world.grants.revoke(await world.who("lea"), grant.id, "no")
    assert values(world.last("grant.end_unconfirmed"))["steps_ms"] == {"refused_new": 0, "cut": 0, "recorded": 0}
    world.carrying.broken = False
    await world.sweep(RETRY_FIRST_MS)
    told = values(world.last("grant.ended"))
    assert told["steps_ms"] == {"refused_new": 0, "cut": 0, "recorded": 0, "read_back": RETRY_FIRST_MS}
    assert told["steps"] == ["refused_new", "cut", "recorded", "read_back"]


async def test_an_end_that_takes_too_long_is_an_alarm_while_it_goes_on(world: World) -> None:
    grant = await world.granted()
    await world.connected()
    world.endings = Endings(world.office, StaticCredentials(), world.live, shown_seconds=0.05)
    world.carrying.hangs = asyncio.Event()
    ending = asyncio.create_task(world.endings.end(grant.id, EndReason.REVOKED, SYSTEM))
    await asyncio.sleep(0.5)
    alarm = await world.grant(grant.id)
    assert alarm.state is GrantState.END_UNCONFIRMED
    assert "still being looked at" in world.last("grant.end_unconfirmed").secret["problem"]
    world.carrying.hangs.set()
    assert (await ending).state is GrantState.ENDED
    assert values(world.last("grant.ended"))["unconfirmed"] == []


async def test_two_who_end_one_grant_share_one_end(world: World) -> None:
    grant = await world.granted()
    await world.connected()
    first, second = await asyncio.gather(
        world.grants.end(grant.id, EndReason.EXPIRED, SYSTEM),
        world.grants.revoke(await world.who("lea"), grant.id, "no"),
    )
    assert first == second
    assert first.end_reason == "expired"
    assert world.types().count("grant.ended") == 1
    again = await world.grants.end(grant.id, EndReason.REVOKED, SYSTEM)
    assert again == first


async def test_from_its_ending_on_a_grant_opens_nothing(world: World) -> None:
    grant = await world.granted()
    admission = await world.connected()
    world.carrying.broken = True
    await world.grants.revoke(await world.who("lea"), grant.id, "no")
    with pytest.raises(Refused, match="you have no access to orders"):
        await world.connected()
    with pytest.raises(Refused, match="ended while"):
        await world.sessions.opened(admission.session, {})


async def test_a_connection_that_was_being_opened_does_not_get_in(world: World) -> None:
    grant = await world.granted()
    ana = await world.who("ana")
    issued = await world.tokens.issue(ana.id, SYSTEM)
    admission = await world.sessions.admit(issued.token.id, "orders", None, "c", NODE)
    world.carrying.carried.add(admission.session)
    await world.grants.hand_back(ana, grant.id)
    assert (await world.session(admission.session)).state is SessionState.CUT
    with pytest.raises(Refused):
        await world.sessions.opened(admission.session, {"pid": "1"})


async def test_an_unused_grant_lapses(world: World) -> None:
    grant = await world.granted()
    await world.sweep(grant.activate_by - world.clock.t)
    assert (await world.grant(grant.id)).state is GrantState.LAPSED
    assert world.types()[-1] == "grant.lapsed"


async def test_activation(world: World) -> None:
    grant = await world.granted()
    with pytest.raises(Refused):
        await world.grants.activate(await world.who("lea"), grant.id)
    active = await world.grants.activate(await world.who("ana"), grant.id)
    assert active.expires_at == world.clock.t + HOUR
    with pytest.raises(Conflict):
        await world.grants.activate(await world.who("ana"), grant.id)


async def test_a_gateways_deadline_ends_the_grant_unless_it_has_moved(world: World) -> None:
    grant = await world.granted()
    await world.connected()
    await world.sessions.grant_due(grant.id)
    assert (await world.grant(grant.id)).state is GrantState.ACTIVE
    world.clock.t += HOUR
    await world.sessions.grant_due(grant.id)
    assert (await world.grant(grant.id)).state is GrantState.ENDED


@pytest.mark.parametrize("broken", [False, True])
async def test_what_the_gateway_cut_by_itself_is_told_by_the_grants_end(world: World, broken: bool) -> None:
    grant = await world.granted()
    admission = await world.connected()
    world.clock.t += HOUR
    world.carrying.broken = broken
    await world.carrying.cut([admission.session], EndReason.EXPIRED, "", "")
    assert (await world.session(admission.session)).state is SessionState.CUT
    await world.sessions.grant_due(grant.id)
    over = await world.grant(grant.id)
    assert over.state is (GrantState.END_UNCONFIRMED if broken else GrantState.ENDED)
    event = world.last("grant.end_unconfirmed" if broken else "grant.ended")
    assert values(event)["sessions"][0]["steps_us"] == {"stopped": 3250}


class TestKill:
    async def test_it_ends_one_session_and_leaves_the_grant(self, world: World) -> None:
        grant = await world.granted()
        one, other = await world.connected(), await world.connected()
        session, end = await world.sessions.kill(await world.who("ana"), one.session, "wrong window")
        assert end.confirmed and session.state is SessionState.CUT
        assert (await world.session(other.session)).state is SessionState.OPEN
        assert (await world.grant(grant.id)).state is GrantState.ACTIVE
        assert "session.killed" in world.types()
        with pytest.raises(Conflict):
            await world.sessions.kill(await world.who("ana"), one.session, "again")

    async def test_what_nobody_carries_is_ended_at_its_target(self, world: World) -> None:
        await world.granted()
        admission = await world.connected()
        world.carrying.carried.clear()
        _, end = await world.sessions.kill(await world.who("ana"), admission.session, "it has just left")
        assert (end.confirmed, world.carrying.swept) == (True, [admission.session])

    async def test_who_may(self, world: World) -> None:
        await world.granted()
        admission = await world.connected()
        with pytest.raises(Refused):
            await world.sessions.kill(await world.who("audrey"), admission.session, "no")
        with pytest.raises(NotFound):
            await world.sessions.kill(await world.who("eve"), admission.session, "no")
        _, end = await world.sessions.kill(await world.who("lea"), admission.session, "no")
        assert end.confirmed


class TestRecovery:
    async def test_sessions_that_a_crash_left_are_ended_at_the_target_and_closed(self, world: World) -> None:
        grant = await world.granted()
        admission = await world.connected()
        before = await world.grant(grant.id)
        world.carrying.carried.clear()
        found = await world.recovery.recover(NODE)
        assert found.closed == (admission.session,) and found.unconfirmed == ()
        assert world.carrying.swept == [admission.session]
        closed = await world.session(admission.session)
        assert (closed.state, closed.end_reason) == (SessionState.CUT, "recovered")
        assert await world.grant(grant.id) == before

    async def test_what_cannot_be_seen_to_be_gone_stays_open_and_is_tried_again(self, world: World) -> None:
        await world.granted()
        admission = await world.connected()
        world.carrying.carried.clear()
        world.carrying.broken = True
        assert (await world.recovery.recover(NODE)).unconfirmed == (admission.session,)
        assert (await world.session(admission.session)).state is SessionState.OPEN
        await world.sweep(20_000)
        alarms = [event for event in world.told if event.type == "session.end_unconfirmed"]
        assert [values(event)["reason"] for event in alarms] == ["recovered"], "once, however often it is looked at"
        world.carrying.broken = False
        await world.sweep(20_000)
        assert (await world.session(admission.session)).state is SessionState.CUT

    async def test_an_ending_is_finished(self, world: World) -> None:
        grant = await world.granted()
        admission = await world.connected()
        carrier, world.live.carrier = world.live.carrier, None
        assert (await world.grants.end(grant.id, EndReason.REVOKED, SYSTEM)).state is GrantState.END_UNCONFIRMED
        world.live.carrier = carrier
        world.carrying.carried.clear()
        found = await world.recovery.recover(NODE)
        await world.endings.settle()
        assert found.ending == (grant.id,)
        over = await world.grant(grant.id)
        assert (over.state, over.end_reason) == (GrantState.ENDED, "revoked")
        assert (await world.session(admission.session)).state is SessionState.CUT

    async def test_grants_of_people_who_are_gone_end(self, world: World) -> None:
        grant = await world.granted()
        await world.people.sync([one for one in await world.people.all() if one.email != "ana@acme.test"])
        await world.recovery.recover(NODE)
        await world.endings.settle()
        over = await world.grant(grant.id)
        assert (over.state, over.end_reason) == (GrantState.ENDED, "person disabled")

    async def test_other_nodes_sessions_are_theirs(self, world: World) -> None:
        await world.granted()
        admission = await world.connected()
        assert await world.recovery.recover("two") == type(await world.recovery.recover("two"))()
        assert (await world.session(admission.session)).state is SessionState.OPEN
