"""What is owed after access: when it begins, who may do it, what time makes of it, and what a reviewer reads."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.grant import Grant, GrantState
from daypass.domain.obligation import ObligationState
from daypass.services.reading import Reading
from daypass.services.reviewing import Done, Reviewing
from daypass.store.interface import Page, StoredEntry
from tests.domain.things import HOUR
from tests.services.conftest import SIMPLE, World

PAGE = Page(100)
DAY = 24 * HOUR
OWING = SIMPLE.replace(
    "    decide:\n",
    "    owes: { sign_off: { by: [group:secops], within: 1d, escalate: [group:auditors] } }\n    decide:\n",
)


async def ended(world: World, *, used: bool = True) -> Grant:
    grant = await world.granted()
    if used:
        await world.connected()
    else:
        await world.grants.activate(await world.who("ana"), grant.id)
    return await world.grants.hand_back(await world.who("ana"), grant.id)


async def test_access_that_was_used_is_signed_off(world: World) -> None:
    world.use(OWING)
    grant = await ended(world)
    assert world.types()[-2:] == ["grant.ended", "obligation.due"]
    sam = await world.who("sam")
    (owed,) = await world.duties.list(sam, everything=False, page=PAGE)
    assert (owed.kind, owed.state, owed.due_at) == ("sign_off", ObligationState.DUE, world.clock.t + DAY)
    done = await world.duties.sign_off(sam, owed.id[-8:], "as asked")
    assert (done.state, done.done_by, done.note) == (ObligationState.DONE, sam.id, "as asked")
    assert world.last("obligation.done").grant == grant.id
    with pytest.raises(Conflict):
        await world.duties.sign_off(sam, owed.id, "again")
    assert await world.duties.list(sam, everything=False, page=PAGE) == []
    assert await world.duties.list(sam, everything=True, page=PAGE) == [done]


async def test_access_that_nobody_used_owes_nothing(world: World) -> None:
    world.use(OWING)
    assert (await ended(world, used=False)).state is GrantState.ENDED
    assert "obligation.due" not in world.types()


async def test_nobody_signs_off_their_own(world: World) -> None:
    world.use(OWING)
    await ended(world)
    both = [
        replace(one, groups=one.groups | {"secops"}) if one.email.startswith("ana@") else one
        for one in await world.people.all()
    ]
    await world.people.sync(both)
    ana = await world.who("ana")
    (owed,) = await world.duties.list(ana, everything=True, page=PAGE)
    with pytest.raises(Refused, match="their own"):
        await world.duties.sign_off(ana, owed.id, "all was well")


async def test_who_may_not_see_it_cannot_tell_it_from_none(world: World) -> None:
    world.use(OWING)
    await ended(world)
    (owed,) = await world.duties.list(await world.who("sam"), everything=False, page=PAGE)
    for name in ("eve", "lea"):
        with pytest.raises(NotFound):
            await world.duties.show(await world.who(name), owed.id)
        with pytest.raises(NotFound):
            await world.duties.sign_off(await world.who(name), owed.id, "x")
    assert (await world.duties.show(await world.who("audrey"), owed.id)) == owed
    with pytest.raises(Refused, match="not for you"):
        await world.duties.sign_off(await world.who("audrey"), owed.id, "x")
    with pytest.raises(Invalid):
        await world.duties.sign_off(await world.who("sam"), owed.id, " ")


async def test_overdue_escalates_and_can_still_be_done(world: World) -> None:
    world.use(OWING)
    await ended(world)
    audrey = await world.who("audrey")
    assert await world.duties.list(audrey, everything=False, page=PAGE) == []
    await world.sweep(DAY)
    assert world.last("obligation.overdue").body["state"] == "OVERDUE"
    await world.sweep(DAY)
    assert world.types().count("obligation.overdue") == 1
    (owed,) = await world.duties.list(audrey, everything=False, page=PAGE)
    assert owed.state is ObligationState.OVERDUE
    async with world.store.reading() as tx:
        assert "overdue.sign_off" in [one.kind for one in await tx.notices(person=audrey.id, limit=10)]
    assert (await world.duties.sign_off(audrey, owed.id, "fine")).state is ObligationState.DONE


async def test_flagged_wants_a_follow_up(world: World) -> None:
    world.use(OWING)
    await ended(world)
    sam = await world.who("sam")
    (owed,) = await world.duties.list(sam, everything=False, page=PAGE)
    with pytest.raises(Conflict, match="no follow-up"):
        await world.duties.settle(sam, owed.id, "nothing")
    flagged = await world.duties.sign_off(sam, owed.id, "why did she read salaries?", flag=True)
    assert flagged.state is ObligationState.FLAGGED and flagged.open
    assert world.last("obligation.flagged").secret["note"] == "why did she read salaries?"
    settled = await world.duties.settle(sam, owed.id, "a wrong join")
    assert not settled.open and settled.settled_note == "a wrong join"
    assert "obligation.settled" in world.types()
    with pytest.raises(Conflict):
        await world.duties.settle(sam, owed.id, "again")


async def test_who_signs_off_sees_what_they_sign_and_may_end_nothing(world: World) -> None:
    world.use(OWING)
    sam, reading = await world.who("sam"), Reading(world.office)
    asked = await world.asked()
    with pytest.raises(NotFound):
        await reading.request(sam, asked.id)
    await world.requests.withdraw(await world.who("ana"), asked.id)
    grant = await world.granted()
    session = (await world.connected()).session
    assert (await reading.request(sam, grant.request)).grant == grant.id
    assert (await reading.session(sam, session)).id == session
    with pytest.raises(Refused, match="not revoke it"):
        await world.grants.revoke(sam, grant.id, "I only look at it")
    with pytest.raises(Refused):
        await world.sessions.kill(sam, session, "I only look at it")
    with pytest.raises(NotFound):
        await reading.request(await world.who("eve"), grant.request)


async def test_one_for_each_session(world: World) -> None:
    world.use(OWING.replace("within: 1d", "within: 1d, of: session"))
    grant = await world.granted()
    sessions = {(await world.connected()).session, (await world.connected()).session}
    await world.grants.hand_back(await world.who("ana"), grant.id)
    owed = await world.duties.list(await world.who("sam"), everything=False, page=PAGE)
    assert {one.session for one in owed} == sessions


@pytest.mark.parametrize(("draw", "owed"), [(0, 1), (9, 1), (10, 0), (99, 0)])
async def test_a_sample(world: World, draw: int, owed: int) -> None:
    world.use(OWING.replace("within: 1d", "within: 1d, sample: 10%"))
    grant = await world.granted()
    await world.connected()
    entropy = world.office.entropy
    object.__setattr__(world.office, "entropy", lambda n: draw.to_bytes(4, "big") if n == 4 else entropy(n))
    await world.grants.hand_back(await world.who("ana"), grant.id)
    assert len(await world.duties.list(await world.who("sam"), everything=False, page=PAGE)) == owed


async def test_clean_history_lets_the_next_one_be_automatic(world: World) -> None:
    clean = "history.clean >= 1 && history.flagged == 0 && history.owed == 0"
    rule = f"""\
  - name: again
    who: [group:payments-oncall]
    roles: [write]
    when: '{clean}'
    decide: automatic
"""
    world.use(
        OWING.replace("  - name: on-call reads", f"{rule}  - name: on-call reads").replace(
            "role: write, for: 1h", "role: write, for: 1h, history: { clean: 0, flagged: 0, owed: 0 }"
        )
    )
    await ended(world)
    assert not (await world.asked()).automatic
    sam = await world.who("sam")
    (owed,) = await world.duties.list(sam, everything=False, page=PAGE)
    await world.duties.sign_off(sam, owed.id, "clean")
    again = await world.asked()
    assert again.automatic and "approves by itself" in again.decided_because


def entry(type: str, **body: object) -> StoredEntry:
    return StoredEntry(0, "x", type, 0, "", json.dumps({"body": body}).encode())


async def test_a_receipt_counts_what_was_done(world: World) -> None:
    world.use(OWING)
    await ended(world)
    (owed,) = await world.duties.list(await world.who("sam"), everything=False, page=PAGE)
    receipt = await Reviewing(world.office).receipt(owed)
    assert receipt.request.reason == "because" and len(receipt.sessions) == 1
    assert "write was asked for, and nothing was written" in receipt.remarks
    done = Done()
    done.count(entry("statement.submitted", kind="select", effect="read", reads=["a", "b"], writes=[]))
    done.count(entry("statement.submitted", kind="update", effect="write", reads=["a"], writes=["a"]))
    done.count(entry("statement.completed", rows=7, error=""))
    done.count(entry("statement.completed", rows=None, error="42P01"))
    done.count(entry("statement.refused"))
    assert (done.statements, done.rows, done.failed, done.refused) == (2, 7, 1, 1)
    assert done.reads == {"a": 2, "b": 1} and done.writes == {"a": 1}
