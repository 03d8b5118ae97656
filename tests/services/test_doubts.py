"""Sessions whose end could not be seen: an alarm, kept in the store, looked at again until it is, or answered for."""

from __future__ import annotations

import pytest

from daypass.domain.errors import Conflict, NotFound, Refused
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import OPERATOR
from daypass.domain.session import Over, Session, SessionState
from daypass.services.admitting import Admission
from daypass.services.closing import FIRST_LOOK_MS
from daypass.services.doubts import OVERDUE_MS, Doubts, note_ends
from daypass.services.interface import Live, SessionEnd
from daypass.services.sweeping import RETRY_FIRST_MS
from tests.services.conftest import Carrying, World, values


async def killed(world: World) -> Session:
    """A session whose target did not answer when it was killed."""
    await world.granted()
    admission = await world.connected()
    world.carrying.broken = True
    session, end = await world.sessions.kill(await world.who("ana"), admission.session, "wrong window")
    assert not end.confirmed
    return session


async def left(world: World) -> Admission:
    """A session whose client left."""
    await world.granted()
    admission = await world.connected()
    world.carrying.carried.discard(admission.session)
    await world.sessions.ended(Over(admission.session, EndReason.CLIENT_LEFT, "", 1, "complete", 7))
    return admission


async def test_an_end_that_was_seen_is_told_with_its_steps(world: World) -> None:
    await world.granted()
    admission = await world.connected()
    await world.sessions.kill(await world.who("ana"), admission.session, "wrong window")
    told = values(world.last("session.ended"))["end"]
    assert (told["steps"], told["steps_us"]) == (["stopped"], {"stopped": 3250})
    assert (told["was"], told["how"], told["read_back"]) == ("active", "terminated", "gone")
    assert "session.end_unconfirmed" not in world.types()
    session = await world.session(admission.session)
    assert session.look_at is None and session.ending is not None and session.ending["read_back"] == "gone"
    await world.sweep(RETRY_FIRST_MS)
    assert world.carrying.swept == []


async def test_one_that_was_not_is_an_alarm_and_looked_at_again(world: World) -> None:
    session = await killed(world)
    assert (session.state, session.in_doubt) == (SessionState.CUT, True)
    assert values(world.last("session.ended"))["end"]["read_back"] == "not confirmed"
    alarm = world.last("session.end_unconfirmed")
    assert (alarm.session, values(alarm)["reason"]) == (session.id, "killed")
    assert "does not answer" in alarm.secret["problem"]
    await world.sweep(RETRY_FIRST_MS - 1)
    assert world.carrying.swept == []
    await world.sweep(1)
    assert world.carrying.swept == [session.id] and world.types().count("session.end_unconfirmed") == 2
    world.carrying.broken = False
    await world.sweep(2 * RETRY_FIRST_MS - 1)
    assert (await world.session(session.id)).in_doubt
    await world.sweep(1)
    seen = await world.session(session.id)
    assert not seen.in_doubt and seen.look_at is None and seen.ending is not None
    assert (seen.ending["read_back"], seen.ending["attempts"]) == ("gone", 3)
    assert values(world.last("session.end_settled"))["end"]["read_back"] == "gone"
    await world.sweep(10 * RETRY_FIRST_MS)
    assert world.carrying.swept == [session.id] * 2


async def test_whoever_comes_after_a_restart_looks_at_it(world: World) -> None:
    session = await killed(world)
    after = World(world.store)
    after.clock.t = world.clock.t
    await after.sweep(RETRY_FIRST_MS)
    assert after.carrying.swept == [session.id] and not (await world.session(session.id)).in_doubt


async def test_another_node_looks_once_the_sessions_own_is_overdue(world: World) -> None:
    session = await killed(world)
    elsewhere = Carrying(world)
    other = Doubts(world.office, world.credentials, Live(elsewhere, "two"))
    for later, seen in ((RETRY_FIRST_MS, []), (OVERDUE_MS, [session.id])):
        world.clock.t += later
        other.sweep(world.clock.t)
        await other.settle()
        assert elsewhere.swept == (seen if world.store.shared else [session.id])
        if not world.store.shared:
            return


async def test_a_grant_does_not_end_before_it_is_seen(world: World) -> None:
    session = await killed(world)
    alarms = world.types().count("session.end_unconfirmed")
    over = await world.grants.hand_back(await world.who("ana"), session.grant)
    assert over.state is GrantState.END_UNCONFIRMED
    assert values(world.last("grant.end_unconfirmed"))["unconfirmed"] == [session.id]
    assert world.types().count("session.end_unconfirmed") == alarms, "the grant's alarm is the one"
    world.carrying.broken = False
    await world.sweep(2 * RETRY_FIRST_MS)
    assert (await world.grant(session.grant)).state is GrantState.ENDED
    assert world.types().count("session.end_settled") == 1
    assert not (await world.session(session.id)).in_doubt


async def test_a_kill_that_was_not_seen_is_looked_for_when_its_grant_ends(world: World) -> None:
    session = await killed(world)
    world.carrying.broken = False
    over = await world.grants.hand_back(await world.who("ana"), session.grant)
    assert over.state is GrantState.ENDED and world.carrying.swept == [session.id]
    assert [told["session"] for told in values(world.last("grant.ended"))["sessions"]] == [session.id]
    assert not (await world.session(session.id)).in_doubt and world.types().count("session.end_settled") == 1


async def test_one_that_left_by_itself_is_looked_at_soon(world: World) -> None:
    admission = await left(world)
    assert "end" not in values(world.last("session.ended"))
    world.carrying.idle = True
    before = world.types()
    await world.sweep(FIRST_LOOK_MS)
    assert world.carrying.swept == [admission.session] and world.types() == before
    session = await world.session(admission.session)
    assert session.look_at is None and session.ending is None, "nothing is said of it when it is gone"


async def test_what_went_on_without_its_client_is_told(world: World) -> None:
    admission = await left(world)
    await world.sweep(FIRST_LOOK_MS)
    told = world.last("session.end_settled")
    assert told.session == admission.session and values(told)["end"]["was"] == "active"


async def test_of_two_who_look_at_once_the_one_who_ended_it_is_told(world: World) -> None:
    admission = await left(world)
    found = SessionEnd(admission.session, {"stopped": 3.25}, "active", "terminated", True)
    await note_ends(world.office, [SessionEnd(admission.session)])
    assert "session.end_settled" not in world.types()
    await note_ends(world.office, [found])
    await note_ends(world.office, [found])
    assert world.types().count("session.end_settled") == 1
    assert values(world.last("session.end_settled"))["end"]["was"] == "active"


async def test_a_target_that_is_away_is_no_alarm_for_those_who_left(world: World) -> None:
    admission = await left(world)
    world.carrying.broken = world.carrying.idle = True
    await world.sweep(FIRST_LOOK_MS)
    session = await world.session(admission.session)
    assert not session.in_doubt and session.look_at == world.clock.t + RETRY_FIRST_MS
    assert "session.end_unconfirmed" not in world.types()
    over = await world.grants.hand_back(await world.who("ana"), session.grant)
    assert over.state is GrantState.END_UNCONFIRMED, "what was not seen is not shown"


async def test_who_left_a_moment_ago_is_looked_for_when_the_grant_ends(world: World) -> None:
    admission = await left(world)
    session = await world.session(admission.session)
    over = await world.grants.hand_back(await world.who("ana"), session.grant)
    assert over.state is GrantState.ENDED and world.carrying.swept == [admission.session]


async def test_one_that_was_never_let_in_left_nothing_to_look_at(world: World) -> None:
    await world.granted()
    issued = await world.tokens.issue((await world.who("ana")).id, OPERATOR)
    admission = await world.sessions.admit(issued.token.id, "orders", None, "c", "one")
    await world.sessions.ended(Over(admission.session, EndReason.TARGET_LEFT, "", 0, "complete", 0))
    assert (await world.session(admission.session)).look_at is None


async def test_a_person_answers_for_it(world: World) -> None:
    session = await killed(world)
    for name, problem in (("ana", Refused), ("audrey", Refused), ("eve", NotFound)):
        with pytest.raises(problem):
            await world.doubts.close_unconfirmed(await world.who(name), session.id, "I have looked")
    lea = await world.who("lea")
    closed = await world.doubts.close_unconfirmed(lea, session.id, "I have looked")
    assert not closed.in_doubt and closed.look_at is None
    told = world.last("session.end_settled")
    assert values(told)["closed_by_hand"] == lea.id and told.secret == {"note": "I have looked"}
    with pytest.raises(Conflict):
        await world.doubts.close_unconfirmed(lea, session.id, "again")
    await world.sweep(RETRY_FIRST_MS)
    assert world.carrying.swept == []


async def test_who_closes_a_grants_end_answers_for_its_sessions(world: World) -> None:
    session = await killed(world)
    await world.grants.hand_back(await world.who("ana"), session.grant)
    await world.grants.close_unconfirmed(await world.who("lea"), session.grant, "I have looked")
    assert not (await world.session(session.id)).in_doubt
