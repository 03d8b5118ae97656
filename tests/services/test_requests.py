"""Requests over a real store: who may, who may not, what is logged, and two at once."""

from __future__ import annotations

import asyncio

import pytest

from daypass.domain import deciding
from daypass.domain.deciding import Changes
from daypass.domain.errors import Conflict, DaypassError, Invalid, NotFound, Refused
from daypass.domain.grant import GrantState
from daypass.domain.people import Person
from daypass.domain.request import Request, RequestState
from daypass.services.asking import OPEN_MAX, Wish
from tests.domain.things import HOUR, POLICY
from tests.services.conftest import SIMPLE, World, values


async def test_the_main_way(world: World) -> None:
    asked = await world.asked(reason=" look into a payment ", ticket="INC-7")
    assert asked.state is RequestState.PENDING
    created = world.last("request.created")
    assert created.secret["reason"] == "look into a payment"
    assert values(created)["stages"][0]["need"] == 1
    assert "INC-7" not in str(created.body)
    with pytest.raises(Refused, match="own request"):
        await world.requests.approve(await world.who("ana"), asked.id)
    approved = await world.requests.approve(await world.who("lea"), asked.id[:8], for_ms=HOUR // 2, note="be quick")
    assert approved.state is RequestState.APPROVED and approved.grant is not None
    grant = await world.grant(approved.grant)
    assert (grant.state, grant.duration_ms, grant.person) == (GrantState.READY, HOUR // 2, asked.requester)
    assert world.types() == ["request.created", "request.voted", "request.approved"]
    assert world.last("request.voted").decision == "approve"
    assert world.last("request.approved").grant == grant.id


async def test_an_automatic_approval_is_a_decision_like_any_other(world: World) -> None:
    asked = await world.asked("read", ticket="INC-7")
    assert asked.state is RequestState.APPROVED and asked.automatic
    assert "approves by itself" in asked.decided_because
    assert asked.grant is not None and (await world.grant(asked.grant)).owes == asked.owes
    assert list(asked.owes) == ["sign_off"]
    assert world.types() == ["request.created", "request.approved"]


async def test_a_refusal_is_recorded_and_nothing_is_open(world: World) -> None:
    with pytest.raises(Refused, match="no rule"):
        await world.asked("read", ticket="CHG-1")
    assert world.types() == ["request.refused"]
    assert world.last("request.refused").secret["ticket"] == "CHG-1"
    async with world.store.reading() as tx:
        assert await tx.requests() == []


async def test_no_eligible_approver_is_a_refusal(world: World) -> None:
    await world.people.sync([one for one in (await world.people.all()) if one.email == "ana@acme.test"])
    with pytest.raises(Refused, match="not enough of them"):
        await world.asked()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"target": "nix"}, NotFound),
        ({"role": "admin"}, Invalid),
        ({"reason": " "}, Invalid),
        ({"reason": "x" * 2001}, Invalid),
        ({"ticket": "x" * 201}, Invalid),
        ({"duration_ms": 10}, Invalid),
        ({"start_at": 5}, Invalid),
        ({"break_glass": True}, Invalid),
    ],
)
async def test_what_cannot_be_asked(world: World, more: dict[str, object], error: type[DaypassError]) -> None:
    with pytest.raises(error):
        await world.asked(**more)
    assert world.types() == []


async def test_a_flood_of_requests_is_stopped(world: World) -> None:
    for _ in range(OPEN_MAX):
        await world.asked()
    with pytest.raises(Conflict, match="undecided"):
        await world.asked()


async def test_who_may_not_see_it_cannot_tell_it_from_none(world: World) -> None:
    asked = await world.asked()
    eve = await world.who("eve")
    for verb in (
        lambda part: world.requests.approve(eve, part),
        lambda part: world.requests.deny(eve, part, note="no"),
        lambda part: world.requests.ask(eve, part, "why?"),
        lambda part: world.requests.answer(eve, part, "so"),
        lambda part: world.requests.withdraw(eve, part),
    ):
        with pytest.raises(NotFound) as real:
            await verb(asked.id)
        with pytest.raises(NotFound) as none:
            await verb("01900000-0000-7000-8000-000000000000")
        assert real.value.hint == none.value.hint
    assert world.types() == ["request.created"]


async def test_an_auditor_sees_and_decides_nothing(world: World) -> None:
    asked = await world.asked()
    with pytest.raises(Refused):
        await world.requests.approve(await world.who("audrey"), asked.id)


async def test_a_question_and_its_answer(world: World) -> None:
    asked = await world.asked()
    waiting = await world.requests.ask(await world.who("lea"), asked.id, "which payment?")
    assert waiting.state is RequestState.NEEDS_INFO
    answered = await world.requests.answer(await world.who("ana"), asked.id, "number 7")
    assert answered.state is RequestState.PENDING and answered.digest == asked.digest
    assert [message.text for message in answered.messages] == ["which payment?", "number 7"]
    assert world.types()[1:] == ["request.asked", "request.answered"]


async def test_an_answer_may_change_what_is_asked(world: World) -> None:
    asked = await world.asked()
    await world.requests.ask(await world.who("lea"), asked.id, "why so long?")
    changes = Changes(duration_ms=HOUR // 4)
    answered = await world.requests.answer(await world.who("ana"), asked.id, "shorter then", changes)
    assert answered.digest != asked.digest
    assert world.types()[-2:] == ["request.answered", "request.edited"]
    with pytest.raises(Conflict, match="changed since"):
        await world.requests.approve(await world.who("lea"), asked.id, digest=asked.digest)


async def test_an_edit_voids_votes_and_asks_policy_anew(world: World) -> None:
    world.use(POLICY)
    asked = await world.asked()
    await world.requests.approve(await world.who("lea"), asked.id)
    ana = await world.who("ana")
    edited = await world.requests.edit(ana, asked.id, Changes(reason="something else"))
    assert deciding.standing(edited) == () and edited.decide_by == asked.decide_by
    assert values(world.last("request.edited"))["void_votes"] == 1
    with pytest.raises(Refused, match="at most 4h"):
        await world.requests.edit(ana, asked.id, Changes(duration_ms=5 * HOUR))
    assert (await world.request(asked.id)).duration_ms == HOUR
    after = await world.requests.approve(await world.who("sam"), asked.id)
    assert after.state is RequestState.PENDING


async def test_one_denial_is_enough(world: World) -> None:
    asked = await world.asked()
    denied = await world.requests.deny(await world.who("lea"), asked.id, note="not today")
    assert denied.state is RequestState.DENIED
    assert world.types()[1:] == ["request.voted", "request.denied"]
    assert world.last("request.voted").secret == {"note": "not today"}
    with pytest.raises(Conflict):
        await world.requests.approve(await world.who("lea"), asked.id)


async def test_taking_it_back(world: World) -> None:
    asked = await world.asked()
    assert (await world.requests.withdraw(await world.who("ana"), asked.id)).state is RequestState.WITHDRAWN
    assert world.types()[1:] == ["request.withdrawn"]


async def test_request_undecided_for_ever(world: World) -> None:
    asked = await world.asked()
    await world.sweep(asked.decide_by - world.clock.t - 1)
    assert (await world.request(asked.id)).state is RequestState.PENDING
    await world.sweep(1)
    assert (await world.request(asked.id)).state is RequestState.EXPIRED
    assert world.types()[1:] == ["request.expired"]


async def test_disabled_approver_decides(world: World) -> None:
    asked = await world.asked()
    lea = await world.who("lea")
    await world.people.sync([one for one in await world.people.all() if one.id != lea.id])
    with pytest.raises(Refused, match="disabled"):
        await world.requests.approve(lea, asked.id)


async def test_two_votes_at_the_same_instant_cannot_both_be_the_deciding_one(world: World) -> None:
    asked = await world.asked()
    deciders = [await world.who("lea"), await world.who("ben")]
    results = await asyncio.gather(*(world.requests.approve(one, asked.id) for one in deciders), return_exceptions=True)
    decided = [one for one in results if isinstance(one, Request)]
    refused = [one for one in results if isinstance(one, Conflict)]
    assert (len(decided), len(refused)) == (1, 1), results
    assert world.types().count("request.approved") == 1
    async with world.store.reading() as tx:
        assert len(await tx.grants()) == 1


async def test_an_approval_and_a_denial_at_the_same_instant_agree_on_one(world: World) -> None:
    asked = await world.asked()
    results = await asyncio.gather(
        world.requests.approve(await world.who("lea"), asked.id),
        world.requests.deny(await world.who("ben"), asked.id, note="no"),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in results) == 1
    after = await world.request(asked.id)
    assert (after.state is RequestState.APPROVED) == (after.grant is not None)


async def test_a_start_in_the_future_makes_a_scheduled_grant(world: World) -> None:
    grant = await world.granted(start_at=world.clock.t + HOUR)
    assert grant.state is GrantState.SCHEDULED
    await world.sweep(HOUR)
    assert (await world.grant(grant.id)).state is GrantState.READY
    assert "grant.started" in world.types()


async def test_a_wish_has_no_state_in_it() -> None:
    """client-written status"""
    asked = {"target", "role", "duration_ms", "reason", "ticket", "start_at", "break_glass", "until", "scope"}
    assert set(Wish.__slots__) == asked


ESCALATING = SIMPLE.replace(
    "undecided_after: 4h",
    "undecided_after: 4h\n      deny: 2\n      escalate: { after: 30m, to: [group:secops] }",
)


async def test_further_people_may_decide_after_a_time(world: World) -> None:
    world.use(ESCALATING)
    asked = await world.asked()
    sam = await world.who("sam")
    with pytest.raises(NotFound):
        await world.requests.approve(sam, asked.id)
    await world.sweep(HOUR // 2 - 1)
    assert world.types() == ["request.created"]
    await world.sweep(1)
    assert world.last("request.escalated").body == {"eligible": [sam.id]}
    await world.sweep(1000)
    assert world.types() == ["request.created", "request.escalated"]
    assert (await world.requests.approve(sam, asked.id)).state is RequestState.APPROVED


async def test_a_quorum_of_denials(world: World) -> None:
    world.use(ESCALATING)
    asked = await world.asked()
    once = await world.requests.deny(await world.who("lea"), asked.id, note="no")
    assert once.state is RequestState.PENDING
    twice = await world.requests.deny(await world.who("ben"), asked.id, note="no")
    assert twice.state is RequestState.DENIED
    assert world.types() == ["request.created", "request.voted", "request.voted", "request.denied"]


async def test_history_is_what_came_of_earlier_access(world: World) -> None:
    when = "history.grants == 0 && history.clean == 0 && history.owed == 0"
    world.use(
        SIMPLE.replace('request.ticket.startsWith("INC-")', f"'{when}'")
        .replace("ticket: INC-7, then: auto", "history: { grants: 0, clean: 0, owed: 0 }, then: auto")
        .replace("role: read, for: 30m, then: refused", "role: write, for: 30m, then: refused")
    )
    assert (await world.asked("read")).state is RequestState.APPROVED


async def test_a_second_account_and_an_agent_never_decide(world: World) -> None:
    ana, lea = await world.who("ana"), await world.who("lea")
    second = Person("x", "ana+lead@acme.test", "Ana", frozenset({"payments-leads"}))
    agent = Person("y", "bot@acme.test", "Bot", frozenset({"payments-leads"}), agent_of=ana.email)
    await world.people.sync([*await world.people.all(), second, agent])
    asked = await world.asked()
    assert (await world.who("bot")).agent_of == ana.id
    assert lea.id in asked.stages[0].eligible
    for email in ("ana+lead", "bot"):
        with pytest.raises(NotFound):
            await world.requests.approve(await world.who(email), asked.id)
    assert set(asked.route.excluded) == {ana.id, (await world.who("bot")).id, (await world.who("ana+lead")).id}
