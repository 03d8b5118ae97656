"""The one question of a sweep: it names what there is something of, from the moment on when there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daypass.domain.grant import GrantState
from daypass.domain.lock import Lock, LockScope
from daypass.domain.obligation import Obligation, ObligationState
from daypass.domain.request import RequestState
from daypass.domain.session import SessionState
from daypass.store.due import DEPARTING, Due
from daypass.store.interface import Store
from tests.store.test_objects import save_all
from tests.store.things import ANA, BEN, GRANT, REQUEST, SESSION, TOKEN, WAITING, id_of

NEVER = 1 << 60
AT = 1_900_000_000_000
"""When each thing of this file is due: long after all that `quiet` saves."""

READY = replace(GRANT, id=id_of(41), person=BEN.id, state=GrantState.READY, activate_by=NEVER)
ACTIVE = replace(READY, state=GrantState.ACTIVE, expires_at=NEVER)
SCHEDULED = replace(READY, state=GrantState.SCHEDULED, start_at=NEVER)
OPEN = replace(SESSION, id=id_of(51), state=SessionState.OPEN, ended_at=None, look_at=None)
LOCK = Lock(id_of(60), LockScope.EVERYTHING, "", "a drill", BEN.id, 0, NEVER)
OWED = Obligation(id_of(70), ObligationState.DUE, "sign_off", REQUEST.id, GRANT.id, ("group:leads",), NEVER)
assert WAITING.route is not None
PENDING = replace(WAITING, decide_by=NEVER, route=replace(WAITING.route, escalate_at=NEVER, escalated_at=None))
SOON = replace(PENDING, route=replace(WAITING.route, escalate_at=AT, escalated_at=None))

FROM_THEN: list[tuple[Due, Any]] = [
    (Due.ENDS, replace(ACTIVE, expires_at=AT)),
    (Due.STARTS, replace(READY, activate_by=AT)),
    (Due.STARTS, replace(SCHEDULED, activate_by=AT)),
    (Due.STARTS, replace(SCHEDULED, start_at=AT)),
    (Due.REVOKED, replace(TOKEN, revoked_at=AT)),
    (Due.DOUBTS, replace(OPEN, look_at=AT)),
    (Due.DECISIONS, replace(PENDING, decide_by=AT)),
    (Due.DECISIONS, replace(PENDING, state=RequestState.NEEDS_INFO, decide_by=AT)),
    (Due.ESCALATIONS, SOON),
    (Due.OBLIGATIONS, replace(OWED, due_at=AT)),
]
AT_ONCE: list[tuple[Due, Any]] = [
    (Due.ENDS, replace(ACTIVE, state=GrantState.ENDING)),
    (Due.ENDS, replace(ACTIVE, state=GrantState.END_UNCONFIRMED)),
    (Due.DEPARTURES, replace(READY, person=ANA.id)),
    (Due.LOCKS, LOCK),
]
NEVER_DUE: list[Any] = [
    replace(ACTIVE, state=GrantState.ENDED, expires_at=AT),
    replace(PENDING, state=RequestState.EXPIRED, decide_by=AT),
    replace(SOON, state=RequestState.DENIED),
    replace(SOON, route=replace(WAITING.route, escalate_at=AT, escalated_at=AT)),
    replace(LOCK, lifted_at=AT),
    replace(OWED, state=ObligationState.DONE, due_at=AT),
    replace(OWED, state=ObligationState.OVERDUE, due_at=AT),
]


async def quiet(store: Store) -> None:
    """A store with one thing of each kind, none of which is due: Ana is disabled and has nothing, Ben's session is
    open and its token good."""
    await save_all(store)
    async with store.begin() as t:
        await t.save_token(replace(TOKEN, revoked_at=None))
        await t.save_session(replace(SESSION, look_at=None))
        for one in (PENDING, READY, replace(ACTIVE, id=id_of(42)), OPEN, OWED):
            await save(t, one)


async def save(t: Any, one: Any) -> None:
    await getattr(t, f"save_{type(one).__name__.lower()}")(one)


async def due(store: Store, now: int) -> frozenset[Due]:
    async with store.reading() as t:
        return await t.due(now)


@pytest.mark.parametrize(("kind", "thing"), FROM_THEN)
async def test_it_is_due_from_its_moment_on(store: Store, kind: Due, thing: Any) -> None:
    await quiet(store)
    assert await due(store, AT) == frozenset()
    async with store.begin() as t:
        await save(t, thing)
    assert (await due(store, AT - 1), await due(store, AT)) == (frozenset(), {kind})
    assert await due(store, AT + 86_400_000) == {kind}


@pytest.mark.parametrize(("kind", "thing"), AT_ONCE)
async def test_it_is_due_while_it_lasts(store: Store, kind: Due, thing: Any) -> None:
    await quiet(store)
    async with store.begin() as t:
        await save(t, thing)
    assert await due(store, 1) == await due(store, AT) == {kind}


@pytest.mark.parametrize("thing", NEVER_DUE)
async def test_what_is_over_is_not_due(store: Store, thing: Any) -> None:
    await quiet(store)
    async with store.begin() as t:
        await save(t, thing)
    assert await due(store, AT) == frozenset()


async def test_a_lock_is_due_until_it_is_over(store: Store) -> None:
    await quiet(store)
    async with store.begin() as t:
        await t.save_lock(replace(LOCK, until=AT))
    assert (await due(store, AT - 1), await due(store, AT)) == ({Due.LOCKS}, frozenset())


async def test_an_agent_is_due_with_whose_it_is(store: Store) -> None:
    await quiet(store)
    async with store.begin() as t:
        await t.save_person(replace(BEN, agent_of=ANA.id))
    assert await due(store, AT) == {Due.DEPARTURES}


async def test_who_is_to_be_followed_up_is_due_until_it_is_done(store: Store) -> None:
    await quiet(store)
    for value, expected in (('{"p":"m"}', {Due.DEPARTURES}), ("{}", frozenset())):
        async with store.begin() as t:
            await t.save_setting(DEPARTING, value)
        assert await due(store, AT) == expected


async def test_all_at_once(store: Store) -> None:
    await quiet(store)
    async with store.begin() as t:
        for number, (_, one) in enumerate(FROM_THEN + AT_ONCE, 100):
            await save(t, one if one.id == TOKEN.id else replace(one, id=id_of(number)))
    assert await due(store, AT) == set(Due)
