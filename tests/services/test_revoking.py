"""What a token is good for, where it was used last, and that revoking it ends what it opened."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from daypass.domain.errors import Invalid, NotFound, Refused, Unauthenticated
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import OPERATOR, Person
from daypass.domain.session import SessionState
from daypass.services.tokens import Issued
from tests.domain.things import HOUR, PEOPLE
from tests.services.conftest import NODE, World, values

HERE = "127.0.0.1:9"
REASON = EndReason.TOKEN_REVOKED


async def issued(world: World, *scopes: str, name: str = "ana") -> Issued:
    return await world.tokens.issue((await world.who(name)).id, OPERATOR, scopes=scopes)


async def opened(world: World, token: Issued) -> str:
    """A session by this token that its target let in."""
    session = (await world.sessions.admit(token.token.id, "orders", "write", HERE, NODE)).session
    await world.sessions.opened(session, {"pid": "4711"})
    world.carrying.carried.add(session)
    return session


async def with_agent(world: World) -> Person:
    ana = next(one for one in PEOPLE if one.email.startswith("ana"))
    agent = replace(ana, id="", email="bot@acme.test", name="Bot", agent_of="ana@acme.test")
    await world.people.sync([*PEOPLE, agent])
    return await world.who("bot")


async def test_revoking_a_token_ends_what_it_opened_and_nothing_else(world: World) -> None:
    grant = await world.granted()
    first, second = await issued(world), await issued(world)
    mine, other = await opened(world, first), await opened(world, second)
    done = await world.revoking.revoke(await world.who("ana"), first.token.id[-8:])
    assert [(end.session, end.confirmed) for end in done.ends] == [(mine, True)]
    ((cut, reason, message, _),) = world.carrying.cuts
    assert (cut, reason) == (mine, EndReason.TOKEN_REVOKED) and "revoked" in message
    assert (await world.session(mine)).state is SessionState.CUT
    assert (await world.session(other)).state is SessionState.OPEN
    assert (await world.grant(grant.id)).state is GrantState.ACTIVE
    event = world.last("token.revoked")
    assert values(event) == {"token": first.token.id, "person": (await world.who("ana")).id, "sessions": [mine]}
    told = len(world.told)
    assert (await world.revoking.revoke(await world.who("ana"), first.token.id)).ends == ()
    assert len(world.told) == told


async def test_revoking_all_of_them(world: World) -> None:
    await world.granted()
    tokens = [await issued(world) for _ in range(3)]
    sessions = {await opened(world, one) for one in tokens}
    others = await issued(world, name="lea")
    done = await world.revoking.revoke_all(await world.who("ana"))
    assert {end.session for end in done.ends} == sessions and len(done.tokens) == 3
    for one in tokens:
        with pytest.raises(Unauthenticated):
            await world.tokens.authenticate(one.secret, HERE)
        with pytest.raises(Unauthenticated):
            await world.sessions.admit(one.token.id, "orders", "write", HERE, NODE)
    await world.tokens.authenticate(others.secret, HERE)


async def test_revoking_all_ends_what_an_expired_one_opened(world: World) -> None:
    await world.granted()
    ana = await world.who("ana")
    short = await world.tokens.issue(ana.id, OPERATOR, lasts_ms=60_000)
    session = await opened(world, short)
    world.clock.t += 60_000
    assert await world.revoking.list(ana) == []
    done = await world.revoking.revoke_all(ana)
    assert [(end.session, end.confirmed) for end in done.ends] == [(session, True)]


async def test_a_session_on_its_way_does_not_work(world: World) -> None:
    await world.granted()
    token = await issued(world)
    session = (await world.sessions.admit(token.token.id, "orders", "write", HERE, NODE)).session
    (end,) = (await world.revoking.revoke(await world.who("ana"), token.token.id)).ends
    assert (end.session, end.confirmed) == (session, False)
    with pytest.raises(Refused, match="revoked"):
        await world.sessions.opened(session, {"pid": "4711"})


@pytest.mark.parametrize("broken", [False, True])
async def test_what_nobody_carries_is_ended_at_its_target(world: World, broken: bool) -> None:
    """Its client has left, and its last record is on its way to the store."""
    await world.granted()
    token = await issued(world)
    session = await opened(world, token)
    world.carrying.carried.clear()
    world.carrying.broken = broken
    (end,) = (await world.revoking.revoke(await world.who("ana"), token.token.id)).ends
    assert (end.session, end.confirmed) == (session, not broken)
    assert (world.carrying.swept, world.carrying.cuts) == ([session], [])
    assert (await world.session(session)).state is SessionState.OPEN


async def test_what_opens_while_its_token_is_revoked_is_cut(world: World) -> None:
    await world.granted()
    token = await issued(world)
    session = (await world.sessions.admit(token.token.id, "orders", "write", HERE, NODE)).session
    revoking = asyncio.create_task(world.endings.cutting.all([await world.session(session)], REASON, "", ""))
    await asyncio.sleep(0.05)
    await world.sessions.opened(session, {"pid": "4711"})
    world.carrying.carried.add(session)
    assert [(end.session, end.confirmed) for end in await revoking] == [(session, True)]
    assert (await world.session(session)).state is SessionState.CUT


async def test_whose_tokens_they_are(world: World) -> None:
    token = await issued(world)
    for name in ("eve", "lea", "audrey"):
        with pytest.raises(NotFound):
            await world.revoking.revoke(await world.who(name), token.token.id)
        with pytest.raises(NotFound):
            await world.revoking.revoke_all(await world.who(name), "ana@acme.test")
    with pytest.raises(NotFound):
        await world.revoking.list(await world.who("eve"), "ana@acme.test")
    with pytest.raises(NotFound):
        await world.revoking.list(await world.who("eve"), "nobody@acme.test")
    assert [one.id for one in await world.revoking.list(await world.who("audrey"), "ana@acme.test")] == [token.token.id]
    await world.people.sync(
        [replace(one, groups=frozenset({"security"})) if one.email.startswith("sam") else one for one in PEOPLE]
    )
    assert len((await world.revoking.revoke_all(await world.who("sam"), "ana@acme.test")).tokens) == 1


async def test_scopes(world: World) -> None:
    await world.granted()
    api, orders, any_target = [await issued(world, scope) for scope in ("api", "connect:orders", "connect:*")]
    await world.tokens.authenticate(api.secret, HERE)
    with pytest.raises(Refused, match="not good for connect:orders, but for api"):
        await world.sessions.admit(api.token.id, "orders", "write", HERE, NODE)
    for one in (orders, any_target):
        await opened(world, one)
        with pytest.raises(Refused, match="not good for api"):
            await world.tokens.authenticate(one.secret, HERE)
    with pytest.raises(Refused, match="not good for mcp"):
        await world.tokens.authenticate(api.secret, HERE, "mcp")
    with pytest.raises(Refused, match="not good for connect:ledger"):
        await world.sessions.admit(orders.token.id, "ledger", None, HERE, NODE)
    for wrong in ("connect:", "connect:nix", "all", ""):
        with pytest.raises(Invalid, match="no scope"):
            await issued(world, wrong)
    assert values(world.last("token.issued"))["scopes"] == ["connect:*"]


async def test_where_a_token_was_used_last(world: World) -> None:
    await world.granted()
    token = await issued(world)
    world.clock.t += 1000
    await opened(world, token)
    (kept,) = await world.revoking.list(await world.who("ana"))
    assert (kept.last_used_at, kept.last_used_from) == (world.clock.t, HERE)


async def test_a_token_makes_none_that_is_more_than_itself(world: World) -> None:
    ana = await world.who("ana")
    held = await world.tokens.issue(ana.id, OPERATOR, lasts_ms=HOUR, scopes=("api", "connect:orders"))
    more = {"label": "", "lasts_ms": 24 * HOUR}
    for scopes in ((), ("mcp",), ("connect:*",)):
        with pytest.raises(Refused, match="more than itself"):
            await world.tokens.issue_by(ana, held.token, "", scopes=scopes, **more)  # type: ignore[arg-type]
    holder, made = await world.tokens.issue_by(ana, held.token, "", label="", lasts_ms=24 * HOUR, scopes=("api",))
    assert holder == ana and made.token.expires_at == held.token.expires_at
    event = world.last("token.issued")
    assert (event.actor.id, event.actor.kind) == (ana.id, "person")
    with pytest.raises(NotFound):
        await world.tokens.issue_by(ana, held.token, "eve@acme.test", label="", lasts_ms=HOUR, scopes=("api",))


async def test_an_agent_has_an_owner_and_goes_with_them(world: World) -> None:
    bot, ana = await with_agent(world), await world.who("ana")
    held = await issued(world)
    holder, made = await world.tokens.issue_by(ana, held.token, bot.email, label="", lasts_ms=HOUR, scopes=("mcp",))
    assert holder.id == bot.id
    assert (await world.tokens.authenticate(made.secret, HERE, "mcp"))[0].id == bot.id
    assert [one.id for one in await world.revoking.list(ana, bot.email)] == [made.token.id]
    without = [one for one in PEOPLE if one.email != ana.email]
    await world.people.sync([*without, replace(bot, agent_of=ana.id)])
    with pytest.raises(Unauthenticated):
        await world.tokens.authenticate(made.secret, HERE, "mcp")
