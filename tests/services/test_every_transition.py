"""Every transition of requests and grants in one table: who may bring it about, who may not, and what is logged.

Each row is tried by everybody in turn over a real store: whoever may not is refused, and nothing of it changes or is on
record; whoever may is, exactly so. What the clock brings about is nobody's verb.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from daypass.domain import grant as grants
from daypass.domain import request as requests
from daypass.domain.deciding import Changes
from daypass.domain.errors import DaypassError
from daypass.domain.grant import Grant, GrantAction, GrantState
from daypass.domain.obligation import ObligationState
from daypass.domain.people import Person
from daypass.domain.request import Request, RequestAction, RequestState
from daypass.services.asking import Wish
from daypass.store.interface import Page
from tests.domain.things import HOUR, PEOPLE, person
from tests.services.conftest import World
from tests.services.test_requests import ESCALATING

GUS = person("gus", "security")
CAST = ("ana", "ben", "lea", "sam", "audrey", "eve", "gus")
"""Who asks, two who decide, one who may once it escalates, an auditor, a stranger, security."""
DECIDERS = ("ben", "lea")
ENDERS = ("ben", "lea", "gus")
R, G = RequestState, GrantState
Act = Callable[[World, Person | None, str], Awaitable[object]]


@dataclass(frozen=True)
class Row:
    """`made` brings about the state before; `act` is the transition. `may` empty: the clock's."""

    made: Callable[[World], Awaitable[str]]
    act: Act
    may: tuple[str, ...]
    logged: tuple[str, ...]


async def pending(world: World) -> str:
    return (await world.asked()).id


async def needs_info(world: World) -> str:
    id = await pending(world)
    await world.requests.ask(await world.who("lea"), id, "which payment?")
    return id


async def broken(world: World) -> str:
    wish = Wish("orders", "write", HOUR // 4, "it is down", "INC-7")
    return (await world.glass.break_(await world.who("ana"), wish)).id


async def denied_once(world: World) -> str:
    id = await pending(world)
    await world.requests.deny(await world.who("ben"), id, note="no")
    return id


def passing(ms: int) -> Act:
    async def act(world: World, _: Person | None, __: str) -> None:
        await world.sweep(ms)

    return act


def asked_again(made: Callable[[World], Awaitable[str]]) -> dict[RequestAction, Row]:
    """The rows that an undecided request has, whether or not something was asked of its requester."""
    A, voted = RequestAction, "request.voted"
    return {
        A.VOTE: Row(made, lambda w, by, id: w.requests.deny(by, id, note="no"), DECIDERS, (voted,)),
        A.APPROVE: Row(made, lambda w, by, id: w.requests.approve(by, id), DECIDERS, (voted, "request.approved")),
        A.ASK: Row(made, lambda w, by, id: w.requests.ask(by, id, "why?"), DECIDERS, ("request.asked",)),
        A.EDIT: Row(
            made, lambda w, by, id: w.requests.edit(by, id, Changes(reason="else")), ("ana",), ("request.edited",)
        ),
        A.WITHDRAW: Row(made, lambda w, by, id: w.requests.withdraw(by, id), ("ana",), ("request.withdrawn",)),
        A.ESCALATE: Row(made, passing(HOUR // 2), (), ("request.escalated",)),
        A.EXPIRE: Row(made, passing(5 * HOUR), (), ("request.expired",)),
    }


async def denied_once_and_asked(world: World) -> str:
    id = await denied_once(world)
    await world.requests.ask(await world.who("lea"), id, "which payment?")
    return id


async def refuse(world: World, by: Person | None, id: str) -> None:
    assert by is not None
    await world.glass.ratify(by, id, "it was not", refuse=True)
    await world.endings.settle()


A = RequestAction
ENDED = ("grant.ending", "grant.ended")
DENY = ("request.voted", "request.denied")
REQUESTS: dict[tuple[RequestState, RequestAction], Row] = {
    **{(R.PENDING, action): row for action, row in asked_again(pending).items()},
    **{(R.NEEDS_INFO, action): row for action, row in asked_again(needs_info).items()},
    (R.PENDING, A.DENY): Row(denied_once, lambda w, by, id: w.requests.deny(by, id, note="no"), ("lea",), DENY),
    (R.NEEDS_INFO, A.DENY): Row(
        denied_once_and_asked, lambda w, by, id: w.requests.deny(by, id, note="no"), ("lea",), DENY
    ),
    (R.NEEDS_INFO, A.ANSWER): Row(
        needs_info, lambda w, by, id: w.requests.answer(by, id, "number 7"), ("ana",), ("request.answered",)
    ),
    (R.BROKEN_GLASS, A.RATIFY): Row(
        broken, lambda w, by, id: w.glass.ratify(by, id, "it was"), ("sam",), ("glass.ratified", "obligation.done")
    ),
    (R.BROKEN_GLASS, A.NOT_RATIFY): Row(
        broken,
        refuse,
        ("sam",),
        ("glass.ratified", "obligation.flagged", *ENDED),
    ),
}


async def scheduled(world: World) -> str:
    return (await world.granted(start_at=world.clock.t + HOUR)).id


async def ready(world: World) -> str:
    return (await world.granted()).id


async def active(world: World) -> str:
    id = await ready(world)
    await world.grants.activate(await world.who("ana"), id)
    return id


async def ending(world: World) -> str:
    """As a crash leaves it: the end is committed, and nothing of it was done."""
    id = await active(world)
    async with world.office.change() as change:
        present = await change.tx.grant_for_change(id)
        assert present is not None
        over = grants.begin_end(present, grants.EndReason.REVOKED, "id-lea", "", world.clock.t)
        await change.tx.save_grant(over)
    return id


async def ending_in_vain(world: World) -> str:
    id = await active(world)
    await world.connected()
    world.carrying.broken = True
    async with world.office.change() as change:
        present = await change.tx.grant_for_change(id)
        assert present is not None
        over = grants.begin_end(present, grants.EndReason.REVOKED, "id-lea", "", world.clock.t)
        await change.tx.save_grant(over)
    return id


async def unconfirmed(world: World) -> str:
    id = await ending_in_vain(world)
    await world.sweep()
    return id


async def unconfirmed_and_mended(world: World) -> str:
    id = await unconfirmed(world)
    world.carrying.broken = False
    return id


async def revoke(world: World, by: Person | None, id: str) -> object:
    assert by is not None
    return await world.grants.revoke(by, id, "enough")


async def hand_back(world: World, by: Person | None, id: str) -> object:
    assert by is not None
    return await world.grants.hand_back(by, id)


B = GrantAction
GRANTS: dict[tuple[GrantState, GrantAction], list[Row]] = {
    (G.SCHEDULED, B.OPEN): [Row(scheduled, passing(HOUR), (), ("grant.started",))],
    (G.SCHEDULED, B.LAPSE): [Row(scheduled, passing(72 * HOUR), (), ("grant.lapsed",))],
    (G.READY, B.LAPSE): [Row(ready, passing(72 * HOUR), (), ("grant.lapsed",))],
    (G.READY, B.ACTIVATE): [
        Row(ready, lambda w, by, id: w.grants.activate(by, id), ("ana",), ("grant.activated",)),
    ],
    **{
        (state, B.END): [Row(made, revoke, ENDERS, ENDED), Row(made, hand_back, ("ana",), ENDED)]
        for state, made in ((G.SCHEDULED, scheduled), (G.READY, ready), (G.ACTIVE, active))
    },
    (G.ENDING, B.CONFIRM): [Row(ending, passing(0), (), ("grant.ended",))],
    (G.ENDING, B.MISS): [Row(ending_in_vain, passing(0), (), ("grant.end_unconfirmed",))],
    (G.END_UNCONFIRMED, B.MISS): [Row(unconfirmed, passing(HOUR), (), ("grant.end_unconfirmed",))],
    (G.END_UNCONFIRMED, B.CONFIRM): [Row(unconfirmed_and_mended, passing(HOUR), (), ("grant.ended",))],
    (G.END_UNCONFIRMED, B.DISMISS): [
        Row(unconfirmed, lambda w, by, id: w.grants.close_unconfirmed(by, id, "looked"), ENDERS, ("grant.ended",)),
    ],
}


def test_the_table_is_whole() -> None:
    assert set(REQUESTS) == set(requests.TRANSITIONS)
    assert set(GRANTS) == set(grants.TRANSITIONS)


async def tried(world: World, row: Row, find: Callable[[str], Awaitable[Request | Grant]], after: object) -> None:
    """Everybody tries, each on one of their own making; then, if it is nobody's, the clock."""
    world.use(ESCALATING)
    await world.people.sync([*PEOPLE, GUS])
    for name in CAST if row.may else ("",):
        id = await row.made(world)
        before, told = await find(id), len(world.types())
        by = await world.who(name) if name else None
        if name and name not in row.may:
            with pytest.raises(DaypassError):
                await row.act(world, by, id)
            assert (await find(id), world.types()[told:]) == (before, []), name
        else:
            await row.act(world, by, id)
            logged = tuple(one for one in world.types()[told:] if not one.startswith(("session.", "notice.")))
            assert ((await find(id)).state, logged) == (after, row.logged), name
        world.carrying.broken = False
        await settled(world, id)


async def settled(world: World, id: str) -> None:
    """Nothing of one try is in the way of the next."""
    sam = await world.who("sam")
    for owed in await world.duties.list(sam, everything=False, page=Page(10)):
        if owed.state is ObligationState.FLAGGED:
            await world.duties.settle(sam, owed.id, "we talked")
        elif owed.kind == "ratify":
            await world.glass.ratify(sam, id, "it was")
    await world.sweep(100 * HOUR)


@pytest.mark.parametrize("key", REQUESTS, ids=lambda key: f"{key[0]}: {key[1]}")
async def test_requests(world: World, key: tuple[RequestState, RequestAction]) -> None:
    await tried(world, REQUESTS[key], world.request, requests.TRANSITIONS[key])


@pytest.mark.parametrize("key", GRANTS, ids=lambda key: f"{key[0]}: {key[1]}")
async def test_grants(world: World, key: tuple[GrantState, GrantAction]) -> None:
    # An end that begins goes on to where it is confirmed; the table's own next step is in what is logged.
    after: Any = G.ENDED if key[1] is GrantAction.END else grants.TRANSITIONS[key]
    for row in GRANTS[key]:
        await tried(world, row, world.grant, after)
