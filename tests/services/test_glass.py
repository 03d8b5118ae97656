"""Breaking the glass: at once, short, loud, and somebody has to stand for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.config import PersonSettings
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused, Unauthenticated
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.obligation import ObligationState
from daypass.domain.people import OPERATOR
from daypass.domain.request import Request, RequestState
from daypass.domain.standing import Outlet
from daypass.services.asking import Wish
from daypass.store.interface import Page
from tests.domain.things import HOUR, PEOPLE
from tests.services.conftest import NODE, SIMPLE, World

PAGE = Page(100)
SIMPLE_LONG = SIMPLE.replace("longest: 30m", "longest: 3h").replace("within: 24h", "within: 1h")

DAY = 24 * HOUR
WISH = Wish("orders", "write", HOUR // 4, "the site is down", "INC-7")


async def broken(world: World, **more: object) -> Request:
    return await world.glass.break_(await world.who("ana"), replace(WISH, **more))  # type: ignore[arg-type]


async def told(world: World, name: str) -> list[str]:
    async with world.store.reading() as tx:
        return [one.kind for one in await tx.notices(person=(await world.who(name)).id, limit=100)]


async def test_access_is_there_at_once_and_everybody_is_told(world: World) -> None:
    made = await broken(world)
    assert made.state is RequestState.BROKEN_GLASS
    grant = await world.grant(made.grant or "")
    assert grant.state is GrantState.ACTIVE and grant.expires_at == world.clock.t + HOUR // 4
    assert (await world.connected("write")).grant == grant.id
    assert world.types()[:4] == ["request.created", "glass.broken", "grant.activated", "obligation.due"]
    lea, ben, sam = [(await world.who(name)).id for name in ("lea", "ben", "sam")]
    body = world.last("glass.broken").body
    assert set(body["bypassed"]) == {lea, ben} and set(body["told"]) == {lea, ben, sam}
    for name in ("lea", "ben", "sam"):
        assert "glass.broken" in await told(world, name)
    assert await told(world, "eve") == []


async def test_it_is_short(world: World) -> None:
    with pytest.raises(Refused, match="at most 30m, not 31m"):
        await broken(world, duration_ms=31 * 60_000)
    made = await broken(world)
    await world.connected()
    await world.sweep(HOUR // 4)
    over = await world.grant(made.grant or "")
    assert (over.state, over.end_reason) == (GrantState.ENDED, "expired")


async def test_who_has_no_rule_for_it_is_refused_and_that_is_on_record(world: World) -> None:
    with pytest.raises(Refused, match="no rule"):
        await world.glass.break_(await world.who("ben"), WISH)
    assert world.types() == ["request.refused"]
    assert world.last("request.refused").body["how"] == "glass"
    for more, error in (({"target": "x"}, NotFound), ({"role": "x"}, Invalid), ({"reason": " "}, Invalid)):
        with pytest.raises(error):
            await broken(world, **more)


async def test_nobody_ratifies_their_own(world: World) -> None:
    made = await broken(world)
    everybody = await world.people.all()
    both = [replace(one, groups=one.groups | {"secops"}) if one.email.startswith("ana@") else one for one in everybody]
    await world.people.sync(both)
    with pytest.raises(Refused, match="their own"):
        await world.glass.ratify(await world.who("ana"), made.id, "fine")
    with pytest.raises(NotFound):
        await world.glass.ratify(await world.who("eve"), made.id, "fine")
    with pytest.raises(Refused, match="not among those"):
        await world.glass.ratify(await world.who("lea"), made.id, "fine")


async def test_ratified(world: World) -> None:
    made = await broken(world)
    sam = await world.who("sam")
    assert [one.kind for one in await world.duties.list(sam, everything=False, page=PAGE)] == ["ratify"]
    ratified = await world.glass.ratify(sam, made.id[-8:], "it was right")
    assert ratified.state is RequestState.RATIFIED
    assert world.last("glass.ratified").decision == "ratified"
    assert (await world.grant(made.grant or "")).state is GrantState.ACTIVE
    await world.connected()
    assert await world.duties.list(sam, everything=False, page=PAGE) == []
    with pytest.raises(Conflict):
        await world.glass.ratify(sam, made.id, "again")
    await broken(world)


async def test_refused_ends_it_and_blocks_the_next_until_it_is_settled(world: World) -> None:
    made = await broken(world)
    await world.connected()
    sam = await world.who("sam")
    refused = await world.glass.ratify(sam, made.id, "there was no incident", refuse=True)
    await world.endings.settle()
    assert refused.state is RequestState.NOT_RATIFIED
    over = await world.grant(made.grant or "")
    assert (over.state, over.end_reason) == (GrantState.ENDED, EndReason.NOT_RATIFIED.value)
    assert world.carrying.cuts
    with pytest.raises(Refused, match="was refused: you break no glass"):
        await broken(world)
    (owed,) = await world.duties.list(sam, everything=False, page=PAGE)
    assert owed.state is ObligationState.FLAGGED
    with pytest.raises(Refused):
        await world.duties.settle(await world.who("ana"), owed.id, "I said sorry")
    await world.duties.settle(sam, owed.id, "we talked")
    assert (await broken(world)).state is RequestState.BROKEN_GLASS


async def test_overdue_ends_it_blocks_the_next_and_escalates(world: World) -> None:
    world.use(
        SIMPLE_LONG.replace("otherwise: block_break_glass", "otherwise: block_break_glass, escalate: [group:auditors]")
    )
    made = await broken(world, duration_ms=2 * HOUR)
    await world.sweep(HOUR - 1)
    assert "obligation.overdue" not in world.types()
    await world.sweep(1)
    over = await world.grant(made.grant or "")
    assert (over.state, over.end_reason) == (GrantState.ENDED, "not ratified")
    assert "overdue.ratify" in await told(world, "audrey") and "overdue.ratify" in await told(world, "sam")
    with pytest.raises(Refused, match="not ratified in time"):
        await broken(world)
    ratified = await world.glass.ratify(await world.who("audrey"), made.id, "late, and fine")
    assert ratified.state is RequestState.RATIFIED
    assert (await broken(world)).state is RequestState.BROKEN_GLASS


async def test_after_a_refusal_nothing_opens(world: World) -> None:
    made = await broken(world)
    world.live.carrier = None
    async with world.office.change() as change:
        await change.tx.save_request(replace(made, state=RequestState.NOT_RATIFIED, decided_at=1))
    ana = await world.who("ana")
    issued = await world.tokens.issue(ana.id, OPERATOR)
    with pytest.raises(Refused, match="nobody stands for this"):
        await world.sessions.admit(issued.token.id, "orders", "write", "127.0.0.1:9", NODE)


async def test_nobody_to_ratify_is_a_refusal(world: World) -> None:
    await world.people.sync([one for one in await world.people.all() if "secops" not in one.groups])
    with pytest.raises(Refused, match="nobody could ratify it"):
        await broken(world)
    assert world.types() == ["request.refused"]


async def test_a_drill_goes_the_whole_way_and_files_its_evidence(world: World) -> None:
    made = await world.glass.break_(await world.who("ana"), WISH, drill=True)
    assert (await world.grant(made.grant or "")).state is GrantState.ENDED
    body = world.last("glass.drilled").body
    assert body["end"] == "ENDED" and body["bypassed"] == 2 and body["opened_ms"] >= 0
    await world.sweep(2 * DAY)
    assert "obligation.overdue" in world.types()
    assert (await broken(world)).state is RequestState.BROKEN_GLASS


async def test_a_channel_that_is_down_stops_nothing(world: World) -> None:
    object.__setattr__(world.office, "channels", (Outlet("mail"),))
    await broken(world)
    async with world.store.reading() as tx:
        waiting = await tx.notices(due_until=world.clock.t, limit=100)
    assert {one.channel for one in waiting} == {"mail"} and len(waiting) >= 3


async def sign_in(world: World, code: str) -> str:
    """The id by which the gateway knows a proof with this code."""
    offered = await world.sessions.look_up("glass:ana@acme.test")
    stored, _ = await world.tokens.code_keys(code)
    (found,) = [one.token_id for one in offered.verifiers if one.stored_key == stored]
    return found


async def test_a_sealed_code_opens_its_target_once(world: World) -> None:
    made = await world.codes.make("orders", 2)
    assert world.last("glass.codes_made").body["expires_at"] == made.expires_at
    token = await sign_in(world, made.codes[0])
    admission = await world.sessions.admit(token, "orders", "write", "10.0.0.9:5", NODE)
    assert admission.role.name == "write"
    assert "glass.broken" in world.types() and "10.0.0.9" in world.last("glass.broken").secret["reason"]
    with pytest.raises(Unauthenticated):
        await world.sessions.admit(token, "orders", "write", "10.0.0.9:6", NODE)
    offered = await world.sessions.look_up("glass:ana@acme.test")
    assert len(offered.verifiers) == 1


async def test_a_code_that_opens_nothing_stays_good(world: World) -> None:
    made = await world.codes.make("orders", 1)
    token = await sign_in(world, made.codes[0])
    with pytest.raises(Refused, match="another target"):
        await world.sessions.admit(token, "mail", "write", "10.0.0.9:5", NODE)
    with pytest.raises(Refused, match="name a role"):
        await world.sessions.admit(token, "orders", None, "10.0.0.9:5", NODE)
    assert await sign_in(world, made.codes[0]) == token
    stranger = token.rpartition("/")[0] + "/" + (await world.who("eve")).id
    with pytest.raises(Refused, match="no rule lets you"):
        await world.sessions.admit(stranger, "orders", "write", "10.0.0.9:5", NODE)


async def test_an_agent_whose_owner_is_gone_opens_no_code(world: World) -> None:
    ana = await world.who("ana")
    bot = PersonSettings("bot@acme.test", "Bot", ana.groups, agent_of=ana.email)
    await world.people.sync([*(PersonSettings(one.email, one.name, one.groups) for one in PEOPLE), bot])
    made = await world.codes.make("orders", 1)
    token = (await sign_in(world, made.codes[0])).replace(ana.id, (await world.who("bot")).id)
    async with world.store.begin() as tx:
        await tx.save_person(replace(ana, disabled=True))
    with pytest.raises(Unauthenticated):
        await world.sessions.admit(token, "orders", "write", "10.0.0.9:5", NODE)
    assert "glass.broken" not in world.types()
    async with world.store.begin() as tx:
        await tx.save_person(ana)
    assert await sign_in(world, made.codes[0])  # it stays good


async def test_codes_of_nobody_look_like_those_of_somebody(world: World) -> None:
    await world.codes.make("orders", 1)
    known, unknown = [await world.sessions.look_up(f"glass:{name}@acme.test") for name in ("ana", "nix")]
    assert (known.salt, known.iterations) == (unknown.salt, unknown.iterations)
    assert len(unknown.verifiers) == len(known.verifiers) == 1  # as much work
    assert not any(any(one.stored_key) or one.token_id for one in unknown.verifiers)  # and none that proves anything
    for target, count, error in (
        ("x", 1, NotFound),
        ("orders", 0, Invalid),
        ("orders", 21, Invalid),
        ("orders", 20, Conflict),
    ):
        with pytest.raises(error):
            await world.codes.make(target, count)
