"""Locks: what is running ends, nothing else opens, who comes is told why, and it is over at its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.lock import Lock, LockScope, LockState, state_at
from daypass.domain.people import OPERATOR, Person
from daypass.services.asking import Wish
from daypass.services.locking import Locked
from daypass.store.interface import Page
from tests.domain.things import HOUR, PEOPLE
from tests.services.conftest import NODE, World, values

SCOPES = ((LockScope.PERSON, "ana@acme.test"), (LockScope.TARGET, "orders"), (LockScope.EVERYTHING, ""))


async def guard(world: World, *more: Person) -> Person:
    """Sam is of security from here on; `more` are people besides those there are."""
    people = [replace(one, groups=one.groups | {"security"}) if one.email.startswith("sam") else one for one in PEOPLE]
    await world.people.sync([*people, *more])
    return await world.who("sam")


async def locked(world: World, scope: LockScope, name: str, lasts_ms: int = HOUR) -> Locked:
    return await world.locks.lock(await guard(world), scope, name, "strange writes", lasts_ms)


async def opens(world: World) -> str:
    """Ana connects with a new token; the session."""
    issued = await world.tokens.issue((await world.who("ana")).id, OPERATOR)
    return (await world.sessions.admit(issued.token.id, "orders", "write", "127.0.0.1:9", NODE)).session


@pytest.mark.parametrize(("scope", "name"), SCOPES)
async def test_what_runs_ends_and_nothing_opens_until_it_is_over(world: World, scope: LockScope, name: str) -> None:
    first = await world.granted()
    session = (await world.connected()).session
    done = await locked(world, scope, name)
    assert [(one.id, one.state, one.end_reason) for one in done.grants] == [(first.id, GrantState.ENDED, "locked")]
    ((cut, reason, message, hint),) = world.carrying.cuts
    assert (cut, reason) == (session, EndReason.LOCKED) and "locked" in message and "security" in hint
    with pytest.raises(Refused, match=r"locked until 20.* UTC: strange writes"):
        await opens(world)
    world.clock.t += HOUR
    await world.granted()
    await opens(world)


@pytest.mark.parametrize(("scope", "name"), SCOPES)
async def test_a_grant_that_was_not_begun_stays_and_opens_nothing(world: World, scope: LockScope, name: str) -> None:
    grant = await world.granted()
    assert (await locked(world, scope, name)).grants == ()
    for attempt in (opens(world), world.grants.activate(await world.who("ana"), grant.id)):
        with pytest.raises(Refused, match="strange writes"):
            await attempt
    await world.sweep()
    assert (await world.grant(grant.id)).state is GrantState.READY
    (lock,) = await world.locks.list(await world.who("sam"), Page(10), live=True)
    await world.locks.unlock(await world.who("sam"), lock.id, "it was nothing")
    await opens(world)


@pytest.mark.parametrize(("scope", "name"), SCOPES)
async def test_no_glass_breaks_a_lock(world: World, scope: LockScope, name: str) -> None:
    await locked(world, scope, name)
    wish = Wish("orders", "write", HOUR // 4, "the site is down", "INC-7")
    with pytest.raises(Refused, match="strange writes"):
        await world.glass.break_(await world.who("ana"), wish)
    assert "glass.broken" not in world.types()


async def test_a_session_that_was_on_its_way_does_not_work(world: World) -> None:
    """It was admitted before the lock, and its target answers after it, before its grant was ended."""
    await world.granted()
    session = await opens(world)
    sam = await guard(world)
    lock = Lock(world.office.new_id(), LockScope.TARGET, "orders", "now", sam.id, world.clock.t, world.clock.t + HOUR)
    async with world.office.change() as change:
        await change.tx.save_lock(lock)
    with pytest.raises(Refused, match="orders is locked"):
        await world.sessions.opened(session, {"pid": "4711"})


async def test_the_sweep_ends_what_a_crash_left_running(world: World) -> None:
    grant = await world.granted()
    await world.connected()
    sam = await guard(world)
    lock = Lock(world.office.new_id(), LockScope.EVERYTHING, "", "now", sam.id, world.clock.t, world.clock.t + HOUR)
    async with world.office.change() as change:
        await change.tx.save_lock(lock)
    await world.sweep()
    ended = await world.grant(grant.id)
    assert (ended.state, ended.end_reason, ended.end_note) == (GrantState.ENDED, "locked", "now")


async def test_another_target_and_another_person_go_on(world: World) -> None:
    grant = await world.granted()
    await world.connected()
    await locked(world, LockScope.PERSON, "eve@acme.test")
    await world.sweep()
    assert (await world.grant(grant.id)).state is GrantState.ACTIVE
    await opens(world)


async def test_a_locked_person_neither_calls_nor_decides(world: World) -> None:
    asked = await world.asked()
    lea = await world.who("lea")
    issued = await world.tokens.issue(lea.id, OPERATOR)
    await locked(world, LockScope.PERSON, "lea@acme.test")
    with pytest.raises(Refused, match=r"you are locked until .*strange writes"):
        await world.tokens.authenticate(issued.secret, "127.0.0.1:9")
    with pytest.raises(Refused, match="you are locked"):
        await world.requests.approve(lea, asked.id)


async def test_a_lock_on_a_person_covers_their_agents_and_not_the_other_way_round(world: World) -> None:
    ana = await world.who("ana")
    agent = replace(ana, id="", email="bot@acme.test", name="Bot", agent_of="ana@acme.test")
    sam = await guard(world, agent)
    bot = await world.who("bot")
    issued = await world.tokens.issue(bot.id, OPERATOR)
    mine = await world.tokens.issue(ana.id, OPERATOR)
    lock = (await world.locks.lock(sam, LockScope.PERSON, "ana@acme.test", "laptop stolen", HOUR)).lock
    with pytest.raises(Refused, match="laptop stolen"):
        await world.tokens.authenticate(issued.secret, "127.0.0.1:9")
    await world.locks.unlock(sam, lock.id, "found")
    await world.locks.lock(sam, LockScope.PERSON, "bot@acme.test", "it runs wild", HOUR)
    assert (await world.tokens.authenticate(mine.secret, "127.0.0.1:9"))[0].id == ana.id
    with pytest.raises(Refused, match="it runs wild"):
        await world.tokens.authenticate(issued.secret, "127.0.0.1:9")


async def test_only_security_locks_and_what_it_does_is_on_record(world: World) -> None:
    for name in ("ana", "lea", "audrey"):
        with pytest.raises(Refused, match="security"):
            await world.locks.lock(await world.who(name), LockScope.EVERYTHING, "", "because", HOUR)
    lock = (await locked(world, LockScope.PERSON, "ana@acme.test")).lock
    ana, sam = await world.who("ana"), await world.who("sam")
    event = world.last("lock.set")
    assert values(event) == {"lock": lock.id, "scope": "person", "person": ana.id, "until": lock.until}
    assert (event.actor.id, event.secret) == (sam.id, {"reason": "strange writes"})
    with pytest.raises(Refused, match="security"):
        await world.locks.unlock(await world.who("audrey"), lock.id, "because")
    await world.locks.unlock(sam, lock.id[-8:], "found in the office")
    assert world.last("lock.lifted").secret == {"reason": "found in the office"}
    with pytest.raises(Conflict, match="LIFTED already"):
        await world.locks.unlock(sam, lock.id, "again")


async def test_who_may_look(world: World) -> None:
    await locked(world, LockScope.EVERYTHING, "", HOUR)
    audrey = await world.who("audrey")
    (lock,) = await world.locks.list(audrey, Page(10), live=True)
    assert state_at(lock, world.clock.t) is LockState.LOCKED
    world.clock.t += HOUR
    assert await world.locks.list(audrey, Page(10), live=True) == []
    assert await world.locks.list(audrey, Page(10), live=False) == [lock]
    assert state_at(lock, world.clock.t) is LockState.OVER
    with pytest.raises(Refused):
        await world.locks.list(await world.who("ana"), Page(10), live=True)


async def test_what_cannot_be_locked(world: World) -> None:
    sam = await guard(world)
    with pytest.raises(NotFound):
        await world.locks.lock(sam, LockScope.TARGET, "nix", "because", HOUR)
    with pytest.raises(NotFound):
        await world.locks.lock(sam, LockScope.PERSON, "nix@acme.test", "because", HOUR)
    with pytest.raises(Invalid, match="reason"):
        await world.locks.lock(sam, LockScope.EVERYTHING, "", " ", HOUR)
    with pytest.raises(Invalid, match="a year"):
        await world.locks.lock(sam, LockScope.EVERYTHING, "", "because", 400 * 24 * HOUR)
