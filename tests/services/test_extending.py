"""More time: by a rule's own word, by vote, never by waiting; and policy that changes under a grant."""

from __future__ import annotations

import pytest

from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.grant import Grant, GrantState
from daypass.domain.policy_set import load_policies
from daypass.domain.request import Request, RequestState
from daypass.services.extending import Moving
from daypass.services.reading import Reading
from daypass.services.starting import Starting
from daypass.services.tightening import Tightening
from daypass.store.interface import Page
from tests.domain.things import HOUR, PEOPLE, TARGETS
from tests.services.conftest import SIMPLE, World

MINUTE = HOUR // 60
NOBODY = SIMPLE.replace("who: [group:payments-engineers]", "who: [group:payments-leads]")


async def active(world: World) -> Grant:
    grant = await world.granted()
    await world.connected()
    return await world.grant(grant.id)


async def asked(world: World, grant: Grant, by_ms: int = 30 * MINUTE) -> Request:
    found = await world.grants.extend(await world.who("ana"), grant.id, by_ms, "not done yet")
    assert isinstance(found, Request)
    return found


async def test_a_vote_moves_the_present_deadline(world: World) -> None:
    grant = await active(world)
    request = await asked(world, grant)
    assert (request.state, request.extends) == (RequestState.PENDING, grant.id)
    assert (await world.grant(grant.id)).expires_at == grant.expires_at
    await world.requests.approve(await world.who("lea"), request.id)
    longer = await world.grant(grant.id)
    assert grant.expires_at is not None and longer.expires_at == grant.expires_at + 30 * MINUTE
    assert [one.by_ms for one in longer.extensions] == [30 * MINUTE]
    assert world.types()[-3:] == ["request.voted", "request.approved", "grant.extended"]


async def test_what_is_over_is_nothing_to_decide_on(world: World) -> None:
    grant = await active(world)
    request = await asked(world, grant)
    lea, reading = await world.who("lea"), Reading(world.office)
    assert [one.id for one in await reading.requests(lea, "to-decide", Page(10))] == [request.id]
    await world.grants.hand_back(await world.who("ana"), grant.id)
    assert await reading.requests(lea, "to-decide", Page(10)) == []
    with pytest.raises(Conflict, match="nothing is left to extend"):
        await world.requests.approve(lea, request.id)


async def test_an_approver_may_shorten_it(world: World) -> None:
    grant = await active(world)
    request = await asked(world, grant)
    await world.requests.approve(await world.who("lea"), request.id, for_ms=5 * MINUTE)
    assert grant.expires_at is not None
    assert (await world.grant(grant.id)).expires_at == grant.expires_at + 5 * MINUTE


async def test_where_policy_says_so_no_vote_is_needed(world: World) -> None:
    world.use(SIMPLE.replace("by: 30m }", "by: 30m, decide: automatic }"))
    grant = await active(world)
    longer = await world.grants.extend(await world.who("ana"), grant.id, 10 * MINUTE, "not done yet")
    assert isinstance(longer, Grant) and grant.expires_at is not None
    assert longer.expires_at == grant.expires_at + 10 * MINUTE
    await world.grants.extend(await world.who("ana"), grant.id, 10 * MINUTE, "still not")
    with pytest.raises(Conflict, match="2 times"):
        await world.grants.extend(await world.who("ana"), grant.id, 10 * MINUTE, "once more")


async def test_open_sessions_are_told_where_their_deadline_went(world: World) -> None:
    moving = Moving(world.office, world.credentials, world.live)
    world.office.listeners.append(moving.listen)
    world.use(SIMPLE.replace("by: 30m }", "by: 30m, decide: automatic }"))
    grant = await active(world)
    longer = await world.grants.extend(await world.who("ana"), grant.id, 10 * MINUTE, "not done yet")
    last = await world.grants.extend(await world.who("ana"), grant.id, 10 * MINUTE, "still not")
    assert isinstance(longer, Grant) and isinstance(last, Grant)
    assert world.carrying.moved == [(grant.id, longer.expires_at, 30 * MINUTE), (grant.id, last.expires_at, None)]
    await moving.settle()


async def test_what_cannot_be_extended(world: World) -> None:
    grant = await active(world)
    with pytest.raises(Refused, match="at most 30m"):
        await asked(world, grant, HOUR)
    with pytest.raises(Invalid):
        await asked(world, grant, 10)
    with pytest.raises(Refused, match="only the person"):
        await world.grants.extend(await world.who("lea"), grant.id, MINUTE, "for her")
    with pytest.raises(NotFound):
        await world.grants.extend(await world.who("eve"), grant.id, MINUTE, "for her")
    await asked(world, grant)
    with pytest.raises(Conflict, match="waits already"):
        await asked(world, grant)
    world.use(SIMPLE.replace(", extend: { times: 2, by: 30m }", ""))
    with pytest.raises(Refused, match="lets nothing be extended"):
        await asked(world, grant)


async def test_waiting_for_a_vote_keeps_nothing_open(world: World) -> None:
    grant = await active(world)
    request = await asked(world, grant)
    await world.sweep(HOUR)
    assert (await world.grant(grant.id)).state is GrantState.ENDED
    assert (await world.request(request.id)).state is RequestState.EXPIRED
    with pytest.raises(Conflict):
        await world.requests.approve(await world.who("lea"), request.id)


async def test_a_vote_for_what_ended_meanwhile_decides_nothing(world: World) -> None:
    grant = await active(world)
    request = await asked(world, grant)
    await world.grants.hand_back(await world.who("ana"), grant.id)
    with pytest.raises(Conflict, match="not active"):
        await world.requests.approve(await world.who("lea"), request.id)
    assert (await world.request(request.id)).state is RequestState.PENDING


async def test_a_policy_that_no_longer_allows_it_ends_it(world: World) -> None:
    grant = await active(world)
    tightening = Tightening(world.office, Starting(world.office), world.endings)
    assert await tightening.look() == ()
    policies = load_policies([("payments.yaml", NOBODY.split("expect:")[0])], TARGETS, PEOPLE, world.clock.t)
    assert await tightening.put_in_force(policies) == (grant.id,)
    await world.endings.settle()
    over = await world.grant(grant.id)
    assert (over.state, over.end_reason) == (GrantState.ENDED, "policy tightened")
    assert "policy.changed" in world.types()


async def test_a_person_closes_what_cannot_be_confirmed(world: World) -> None:
    grant = await active(world)
    world.carrying.broken = True
    await world.grants.revoke(await world.who("lea"), grant.id, "no")
    for name in ("ana", "audrey"):
        with pytest.raises(Refused):
            await world.grants.close_unconfirmed(await world.who(name), grant.id, "it is gone")
    over = await world.grants.close_unconfirmed(await world.who("lea"), grant.id, "the server was taken apart")
    assert over.state is GrantState.ENDED and over.ending is not None
    body = world.last("grant.ended").body
    assert body["closed_by_hand"] == (await world.who("lea")).id and len(body["unconfirmed"]) == 1
    with pytest.raises(Conflict):
        await world.grants.close_unconfirmed(await world.who("lea"), grant.id, "again")
