"""Browsers in which people are signed in: how long, and what ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.api.front import in_token_form
from daypass.domain.errors import NotFound, Refused, Unauthenticated
from daypass.domain.grant import EndReason
from daypass.domain.lock import LockScope
from daypass.domain.people import OPERATOR
from daypass.domain.visit import IDLE_MS, LASTS_MS, SEEN_MS
from daypass.services.revoking import LEFT_MS
from daypass.services.tokens import Issued
from daypass.services.visiting import KEPT_MS, VISITS_MAX, Opened
from tests.domain.things import HOUR, PEOPLE
from tests.services.conftest import NODE, World, values

HERE = "127.0.0.1:9"


async def signed_in(world: World, name: str = "ana", lasts_ms: int = 30 * 24 * HOUR) -> Opened:
    issued = await world.tokens.issue((await world.who(name)).id, OPERATOR, lasts_ms=lasts_ms)
    return await world.visits.by_token(issued.secret, HERE)


async def gone(world: World, opened: Opened) -> bool:
    try:
        await world.visits.authenticate(opened.cookie, HERE)
    except Unauthenticated:
        return True
    return False


async def test_a_token_signs_a_browser_in(world: World) -> None:
    opened = await signed_in(world)
    person, visit = await world.visits.authenticate(opened.cookie, HERE)
    assert (person.email, visit.id, visit.way) == ("ana@acme.test", opened.visit.id, "token")
    assert opened.cookie not in repr(opened)
    told = world.last("visit.opened")
    assert values(told)["way"] == "token" and "127.0" not in str(told.body)
    assert opened.cookie not in str(told)


async def test_it_lasts_a_day_and_less_when_nobody_is_there(world: World) -> None:
    opened = await signed_in(world)
    for _ in range(LASTS_MS // (IDLE_MS - 1)):
        world.clock.t += IDLE_MS - 1
        assert not await gone(world, opened)
    world.clock.t = opened.visit.opened_at + LASTS_MS
    assert await gone(world, opened)
    idle = await signed_in(world)
    world.clock.t += IDLE_MS
    assert await gone(world, idle)


async def test_it_never_outlives_its_token(world: World) -> None:
    short = await signed_in(world, lasts_ms=HOUR)
    assert short.visit.expires_at == world.clock.t + HOUR
    ana = await world.who("ana")
    await world.revoking.revoke(ana, short.visit.token)
    assert await gone(world, short)


async def test_signing_out_here_there_and_everywhere(world: World) -> None:
    ana = await world.who("ana")
    one, two, three = [await signed_in(world) for _ in range(3)]
    await world.visits.end(ana, one.visit.id)
    assert await gone(world, one) and not await gone(world, two)
    assert {each.id for each in await world.visits.list(ana)} == {three.visit.id, two.visit.id}
    with pytest.raises(NotFound):
        await world.visits.end(await world.who("ben"), two.visit.id)
    await world.visits.end_all(ana)
    assert await gone(world, two) and await gone(world, three)
    assert values(world.last("visit.ended"))["because"] == "signed out everywhere"


async def working(world: World, opened: Opened) -> tuple[Issued, str]:
    """A token that was made in this visit, and a session that it opened."""
    held = in_token_form(opened.visit)
    _, made = await world.tokens.issue_by(await world.who("ana"), held, "", label="", lasts_ms=HOUR, scopes=())
    session = (await world.sessions.admit(made.token.id, "orders", "write", HERE, NODE)).session
    await world.sessions.opened(session, {"pid": "4711"})
    world.carrying.carried.add(session)
    return made, session


@pytest.mark.parametrize("how", ["here", "everywhere", "too many"])
async def test_what_was_made_in_it_ends_with_it(world: World, how: str) -> None:
    await world.granted()
    ana, opened = await world.who("ana"), await signed_in(world)
    made, session = await working(world, opened)
    _, child = await world.tokens.issue_by(ana, made.token, "", label="", lasts_ms=HOUR, scopes=())
    apart = await world.tokens.issue(ana.id, OPERATOR)
    if how == "here":
        await world.visits.end(ana, opened.visit.id)
    elif how == "everywhere":
        await world.visits.end_all(ana)
    else:
        for _ in range(VISITS_MAX):
            world.clock.t += 1
            await world.visits.by_token(apart.secret, HERE)
    await world.revoking.settle()
    for one in (made, child):
        with pytest.raises(Unauthenticated):
            await world.tokens.authenticate(one.secret, HERE)
    await world.tokens.authenticate(apart.secret, HERE)
    assert [(cut[0], cut[1]) for cut in world.carrying.cuts] == [(session, EndReason.TOKEN_REVOKED)]
    told = [event for event in world.told if event.type == "token.revoked" and event.body["token"] == made.token.id]
    assert [values(event)["sessions"] for event in told] == [[session]]


async def test_what_was_made_in_one_that_is_over_ends_with_all(world: World) -> None:
    ana, opened = await world.who("ana"), await signed_in(world)
    held = in_token_form(opened.visit)
    _, made = await world.tokens.issue_by(ana, held, "", label="", lasts_ms=LASTS_MS, scopes=())
    world.clock.t += IDLE_MS
    assert await gone(world, opened)
    await world.tokens.authenticate(made.secret, HERE)
    await world.visits.end_all(ana)
    with pytest.raises(Unauthenticated):
        await world.tokens.authenticate(made.secret, HERE)


async def test_a_node_that_dies_in_between_leaves_no_session_open(world: World) -> None:
    await world.granted()
    opened = await signed_in(world)
    _, session = await working(world, opened)
    world.office.listeners.clear()
    await world.visits.end(await world.who("ana"), opened.visit.id)
    await world.sweep()
    assert not world.carrying.cuts  # it is left to who signed out for a moment
    await world.sweep(LEFT_MS)
    assert [cut[0] for cut in world.carrying.cuts] == [session]


async def test_revoking_all_tokens_signs_out(world: World) -> None:
    opened = await signed_in(world)
    await world.revoking.revoke_all(await world.who("ana"))
    assert await gone(world, opened) and await world.visits.list(await world.who("ana")) == []


async def test_who_is_disabled_or_locked_is_out(world: World) -> None:
    eve, ana = await signed_in(world, "eve"), await signed_in(world)
    people = [replace(one, groups=one.groups | {"security"}) if one.email.startswith("sam") else one for one in PEOPLE]
    await world.people.sync([one for one in people if one.email != "eve@acme.test"])
    assert await gone(world, eve)
    await world.locks.lock(await world.who("sam"), LockScope.PERSON, "ana@acme.test", "stolen", HOUR)
    with pytest.raises(Refused, match="stolen"):
        await world.visits.authenticate(ana.cookie, HERE)


async def test_where_it_was_seen_is_noted_once_a_minute(world: World) -> None:
    opened, ana = await signed_in(world), await world.who("ana")
    await world.visits.authenticate(opened.cookie, "10.0.0.1:1")
    assert (await world.visits.list(ana))[0].seen_from == HERE
    world.clock.t += SEEN_MS
    await world.visits.authenticate(opened.cookie, "10.0.0.1:1")
    (seen,) = await world.visits.list(ana)
    assert (seen.seen_from, seen.seen_at) == ("10.0.0.1:1", world.clock.t)


async def test_one_browser_too_many_signs_the_oldest_out(world: World) -> None:
    issued = await world.tokens.issue((await world.who("ana")).id, OPERATOR)
    opened = []
    for _ in range(VISITS_MAX + 1):
        world.clock.t += 1
        opened.append(await world.visits.by_token(issued.secret, HERE))
    assert await gone(world, opened[0]) and not await gone(world, opened[1])


async def test_what_is_over_is_forgotten(world: World) -> None:
    opened = await signed_in(world)
    assert await world.visits.prune(opened.visit.expires_at) == 0
    assert await world.visits.prune(opened.visit.expires_at + KEPT_MS + 1) == 1
