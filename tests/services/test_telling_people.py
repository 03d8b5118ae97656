"""Who is told what, over real local receivers: mail, Slack, webhooks; in order, once, and whatever breaks."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from standardwebhooks import Webhook as Reference

from daypass.domain.durations import DAY_MS, MINUTE_MS
from daypass.domain.errors import Conflict, Refused
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.request import RequestState
from daypass.domain.standing import Notice, Outlet
from daypass.notify.email import NONE, Email, Server
from daypass.notify.interface import Channel, Message, Receipt
from daypass.notify.reaching import Reach
from daypass.notify.slack import Slack
from daypass.notify.webhooks import Webhook
from daypass.protocols import PROTOCOLS
from daypass.services.heralding import Heralding
from daypass.services.inbox import Inbox
from daypass.services.reminding import Reminding
from daypass.services.sending import AT_ONCE, LEASE_MS, Sending
from daypass.store.interface import Page
from tests.domain.things import HOUR
from tests.notify.receivers import BOT, Mailbox, SlackServer, Web, text_of
from tests.services.conftest import SIMPLE, World
from tests.services.test_glass import broken

URL = "https://daypass.acme.test"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TELLING = SIMPLE.replace("    decide: automatic\n", "    decide: automatic\n    tell: [group:secops]\n").replace(
    "    roles: [write]\n    decide:", "    roles: [write]\n    tell: [group:secops]\n    decide:"
)


class Post:
    """A world with channels."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mailbox, self.workspace, self.web = Mailbox(), SlackServer(), Web()

    async def start(self) -> None:
        for receiver in (self.mailbox, self.workspace, self.web):
            await receiver.start()
        for name in ("ana", "ben", "lea", "sam"):
            self.workspace.member(f"U{name.upper()}", f"{name}@acme.test")
        outlets = (Outlet("email"), Outlet("slack"), Outlet("hook", shared=True))
        object.__setattr__(self.world.office, "channels", outlets)
        self.world.office.heralds.append(Heralding(self.world.office).herald)
        self.slack = Slack(Reach(self.workspace.url), BOT)
        self.channels: dict[str, Channel] = {
            "email": Email(Server("127.0.0.1", self.mailbox.port, NONE, "daypass@acme.test")),
            "slack": self.slack,
            "hook": Webhook(Reach(self.web.url), [SECRET]),
        }
        self.sending = Sending(self.world.office, self.channels, URL)

    async def stop(self) -> None:
        for channel in self.channels.values():
            await channel.close()
        for receiver in (self.mailbox, self.workspace, self.web):
            await receiver.stop()

    async def send(self) -> None:
        """Until nothing more is due now."""
        for name in self.channels:
            before = -1
            while (left := [one.channel for one in await self.due()].count(name)) not in (0, before):
                before = left
                await self.sending.step(name)

    async def waits(self, name: str) -> bool:
        return any(one.channel == name for one in await self.due())

    async def due(self) -> list[Notice]:
        async with self.world.store.reading() as tx:
            return list(await tx.notices(due_until=self.world.clock.t, limit=1000))

    def mails(self, name: str) -> list[str]:
        """The lines of news that somebody got by mail."""
        return [text_of(one).splitlines()[0] for one in self.mailbox.mails if f"{name}@acme.test" in one["To"]]

    def slacked(self, name: str) -> list[str]:
        """The lines that stand in somebody's conversation now."""
        return [said["text"] for said in self.workspace.of(f"D{name.upper()}")]

    def hooked(self) -> list[str]:
        return [one.json["type"] for one in self.web.heard]


@pytest.fixture
async def post(world: World) -> AsyncIterator[Post]:
    made = Post(world)
    await made.start()
    yield made
    await made.stop()


def has_buttons(said: dict[str, Any]) -> bool:
    return any(block["type"] == "actions" for block in said["blocks"])


async def test_those_who_decide_are_told_what_it_is_limited_to(post: Post) -> None:
    orders = post.world.targets["orders"]
    post.world.targets["orders"] = replace(orders, protocol=next(iter(PROTOCOLS)))
    await post.world.asked(scope=("public.orders",))
    await post.send()
    assert "write on orders, limited to public.orders" in text_of(post.mailbox.mails[0])


async def test_those_who_decide_are_asked_and_told_when_somebody_did(post: Post) -> None:
    world = post.world
    asked = await world.asked(reason="refund 4711")
    await post.send()
    assert post.mails("lea") == post.mails("ben") == ["Ana asks for orders:write for 1 hour"]
    assert post.mails("ana") == [] and post.hooked() == ["decide"]
    text = text_of(post.mailbox.mails[0])
    assert "Why:         refund 4711" in text and f"daypass approve {asked.id}" in text
    assert "Last time:   never had this access before" in text
    assert text.splitlines()[-1] == f"{URL}/inbox/{asked.id}"
    assert f'"url": "{URL}/inbox/{asked.id}"' in json.dumps(post.workspace.of("DLEA")[0]["blocks"])
    assert post.web.heard[0].json["data"]["link"] == f"{URL}/inbox/{asked.id}"
    assert has_buttons(post.workspace.of("DLEA")[0])
    told = Reference(SECRET).verify(post.web.heard[0].body, dict(post.web.heard[0].headers))
    assert told["data"]["digest"] == asked.digest
    await world.requests.approve(await world.who("lea"), asked.id)
    await post.send()
    # In Slack the very message changes; by mail a follow-up comes in its thread.
    for name in ("lea", "ben"):
        (said,) = post.workspace.of(f"D{name.upper()}")
        assert said["text"] == "Ana, orders:write for 1 hour: approved by Lea for 1 hour" and not has_buttons(said)
        first, second = [one for one in post.mailbox.mails if f"{name}@acme.test" in one["To"]]
        assert second["In-Reply-To"] == first["Message-ID"]
    assert post.mails("ana") == ["Your request for orders:write: approved by Lea for 1 hour"]
    assert f"{URL}/requests/{asked.id}" in text_of(post.mailbox.mails[-1])
    assert post.hooked() == ["decide", "closed"]


async def test_what_is_decided_before_it_was_sent_is_asked_of_nobody(post: Post) -> None:
    world = post.world
    asked = await world.asked()
    await world.requests.deny(await world.who("lea"), asked.id, note="not now")
    await post.send()
    assert post.mails("lea") == [] and post.slacked("lea") == []
    assert post.mails("ana") == ["Your request for orders:write: denied by Lea"]
    assert "not now" in text_of(post.mailbox.mails[0])
    assert await post.due() == []


async def test_a_vote_of_several_changes_what_the_others_see(post: Post) -> None:
    world = post.world
    one, two = "need: 1, of: [group:payments-leads]", "need: 2, of: [group:payments-leads, group:secops]"
    world.use(SIMPLE.replace(one, two).replace("needs: 1", "needs: 2"))
    asked = await world.asked()
    await post.send()
    await world.requests.approve(await world.who("lea"), asked.id)
    await post.send()
    (bens,), (leas,) = post.workspace.of("DBEN"), post.workspace.of("DLEA")
    assert bens["text"] == "Lea approved: Ana, orders:write for 1 hour; more are needed"
    assert has_buttons(bens) and not has_buttons(leas)


async def test_questions_go_to_the_requester_and_answers_to_those_who_decide(post: Post) -> None:
    world = post.world
    asked = await world.asked()
    await world.requests.ask(await world.who("lea"), asked.id, "which payment?")
    await post.send()
    assert post.mails("ana") == ["Lea asks about your request for orders:write"]
    await world.requests.answer(await world.who("ana"), asked.id, "4711")
    await post.send()
    assert post.mails("lea")[-1] == "Ana answered about orders:write"
    assert "Answer:      4711" in text_of(post.mailbox.mails[-1])


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("automatic", "Ana, orders:read for 1 hour: approved by rule 'on-call reads'"),
        ("denied", "Ana, orders:write for 1 hour: denied by Lea"),
        ("expired", "Ana, orders:write for 1 hour: nobody decided in time"),
        ("withdrawn", "Ana, orders:write for 1 hour: withdrawn"),
        ("refused", "Ana, orders:write for 5 hours: refused by policy"),
    ],
)
async def test_tell_is_told_whatever_comes_of_it(post: Post, outcome: str, said: str) -> None:
    world = post.world
    world.use(TELLING)
    match outcome:
        case "automatic":
            await world.asked("read", ticket="INC-7")
        case "refused":
            with pytest.raises(Refused):
                await world.asked(duration_ms=5 * HOUR)
        case _:
            asked = await world.asked()
            if outcome == "denied":
                await world.requests.deny(await world.who("lea"), asked.id, note="no")
            elif outcome == "withdrawn":
                await world.requests.withdraw(await world.who("ana"), asked.id)
            else:
                await world.sweep(4 * HOUR)
    await post.send()
    if outcome == "refused" and not post.mails("sam"):
        # The ceiling of the policy refuses before any rule is matched: nobody's `tell` is asked.
        assert world.last("request.refused").body["rule"] == ""
    else:
        assert post.mails("sam") == [said]


async def test_breaking_the_glass_needs_no_channel_and_is_told_when_they_are_back(post: Post) -> None:
    for receiver in (post.mailbox, post.workspace, post.web):
        await receiver.stop()
    made = await broken(post.world)
    assert made.state is RequestState.BROKEN_GLASS
    assert (await post.world.connected("write")).grant == made.grant
    for name in post.channels:
        await post.sending.step(name)
    assert all(told.problem for told in post.sending.told.values())
    for receiver in (post.mailbox, post.workspace, post.web):
        await receiver.start()
    for _ in range(6):
        post.world.clock.t += 10 * MINUTE_MS
        await post.send()
    for name in ("lea", "ben", "sam"):
        assert "Ana BROKE THE GLASS of orders:write for 15 minutes" in post.mails(name)
        assert "Ana BROKE THE GLASS of orders:write for 15 minutes" in post.slacked(name)
    assert not any(told.problem for told in post.sending.told.values())
    assert await post.due() == []


class Dying:
    """A channel whose node dies when the receiver has it, and nobody noted that."""

    def __init__(self, under: Channel) -> None:
        self._under = under

    async def send(self, message: Message, former: Receipt) -> Receipt:
        await self._under.send(message, former)
        raise asyncio.CancelledError

    async def check(self) -> str:
        return await self._under.check()

    async def close(self) -> None:
        await self._under.close()


async def test_a_node_that_dies_before_noting_it_has_it_sent_again_with_the_same_id(post: Post) -> None:
    world = post.world
    await world.asked()
    dying = Sending(world.office, {"hook": Dying(post.channels["hook"])})
    with pytest.raises(asyncio.CancelledError):
        await dying.step("hook")
    await post.sending.step("hook")
    assert len(post.web.heard) == 1  # its lease is not over
    world.clock.t += LEASE_MS
    await post.sending.step("hook")
    assert len({one.headers["webhook-id"] for one in post.web.heard}) == 1 and len(post.web.heard) == 2
    assert not await post.waits("hook")


async def test_a_node_that_is_alone_sends_it_again_as_soon_as_it_is_back(post: Post) -> None:
    world = post.world
    await world.asked()
    dying = Sending(world.office, {"hook": Dying(post.channels["hook"])})
    with pytest.raises(asyncio.CancelledError):
        await dying.step("hook")
    await post.sending.start()
    assert await post.waits("hook") is not world.store.shared


async def test_two_nodes_send_each_message_once(post: Post) -> None:
    world = post.world
    for _ in range(3):
        await world.asked()
    other = Sending(world.office, post.channels)
    for _ in range(4):
        await asyncio.gather(*(one.step("hook") for one in (post.sending, other, post.sending, other)))
    ids = [one.headers["webhook-id"] for one in post.web.heard]
    assert len(ids) == len(set(ids)) == 3


async def test_a_receiver_that_wants_a_pause_gets_it(post: Post) -> None:
    await post.world.asked()
    post.web.answers = [(429, {"Retry-After": "600"}, b"")]
    assert await post.sending.step("hook") == 600.0
    post.world.clock.t += 599_000
    await post.send()
    assert len(post.web.heard) == 1
    post.world.clock.t += 1_000
    await post.send()
    assert len(post.web.heard) == 2


async def test_what_never_arrives_is_given_up_on_record_and_can_be_begun_anew(post: Post) -> None:
    world = post.world
    audrey = replace(await world.who("audrey"), groups=frozenset({"security"}))
    people = [audrey if one.id == audrey.id else one for one in await world.people.all()]
    await world.people.sync(people)
    await world.asked()
    inbox = Inbox(world.office)
    await post.web.stop()
    for _ in range(40):
        await post.sending.step("hook")
        world.clock.t += HOUR
    (body,) = [one.body for one in world.told if one.type == "notice.failed" and one.body["kind"] == "decide"]
    assert body["channel"] == "hook" and body["attempts"] > 10
    kinds = [one.notice.kind for one in await inbox.mine(audrey, Page(20))]
    assert "notice.failed" in kinds
    (failed,) = [
        one for one in await inbox.failed(audrey, Page(20)) if one.notice.channel == "hook" and one.notice.thread
    ]
    with pytest.raises(Refused):
        await inbox.retry(await world.who("ana"), failed.notice.id)
    await inbox.retry(audrey, failed.notice.id)
    with pytest.raises(Conflict):
        await inbox.retry(audrey, failed.notice.id)


async def test_an_address_that_is_gone_is_given_up_at_once(post: Post) -> None:
    post.mailbox.refusal = "550 no such user"
    await post.world.asked()
    await post.sending.step("email")
    assert post.world.types().count("notice.failed") == 2 and post.sending.told["email"].given_up == 2


async def test_the_holder_is_told_before_the_end_and_at_the_end(post: Post) -> None:
    world = post.world
    grant = await world.granted()
    await world.grants.activate(await world.who("ana"), grant.id)
    reminding = Reminding(world.office)
    assert await reminding.sweep(world.clock.t) == 0
    world.clock.t += 51 * MINUTE_MS
    assert [await reminding.sweep(world.clock.t) for _ in range(2)] == [1, 0]
    assert await Reminding(world.office).sweep(world.clock.t) == 0  # nor by another node
    await post.send()
    assert post.mails("ana")[-1] == "Access of Ana to orders:write ends soon"
    await world.sweep(10 * MINUTE_MS)
    await post.send()
    assert post.mails("ana")[-1] == "Access of Ana to orders:write has ended: expired"


@pytest.mark.parametrize(("limit", "offered"), [("by: 15m", "--by 15m"), ("by: 4h", "--by 30m"), ("", "")])
async def test_the_holder_is_offered_the_time_that_policy_gives(post: Post, limit: str, offered: str) -> None:
    world = post.world
    assert "extend: { times: 2, by: 30m }" in SIMPLE
    world.use(SIMPLE.replace("extend: { times: 2, by: 30m }", f"extend: {{ times: 2, {limit} }}" if limit else ""))
    grant = await world.granted()
    await world.grants.activate(await world.who("ana"), grant.id)
    world.clock.t += 51 * MINUTE_MS
    await Reminding(world.office).sweep(world.clock.t)
    await post.send()
    said = text_of(next(one for one in post.mailbox.mails[::-1] if "ana@acme.test" in one["To"]))
    assert f"daypass return {grant.id}" in said
    assert (f"daypass extend {grant.id} {offered}" in said) if offered else "daypass extend" not in said


async def test_a_session_that_was_not_seen_to_be_gone_alarms_security_and_its_person(post: Post) -> None:
    world = post.world
    sam = replace(await world.who("sam"), groups=frozenset({"security", "secops"}))
    await world.people.sync([sam if one.id == sam.id else one for one in await world.people.all()])
    await world.granted()
    admission = await world.connected()
    world.carrying.broken = True
    await world.sessions.kill(await world.who("ana"), admission.session, "wrong window")
    await world.sweep(MINUTE_MS)
    await post.send()
    alarm = "ALARM: a session of Ana on orders:write was not seen to be gone: its work may go on"
    assert post.mails("sam").count(alarm) == post.mails("ana").count(alarm) == 1


async def test_an_end_that_is_not_confirmed_alarms_security_once_an_hour(post: Post) -> None:
    world = post.world
    sam = replace(await world.who("sam"), groups=frozenset({"security", "secops"}))
    await world.people.sync([sam if one.id == sam.id else one for one in await world.people.all()])
    await world.granted()
    admission = await world.connected()
    world.carrying.broken = True
    over = await world.endings.end(admission.grant, EndReason.REVOKED, _by(sam), "now")
    assert over.state is GrantState.END_UNCONFIRMED
    await world.sweep(MINUTE_MS)
    await post.send()
    alarm = "ALARM: the end of Ana's access to orders:write is not confirmed: it may still exist"
    assert post.mails("sam").count(alarm) == 1
    await world.sweep(HOUR)
    await post.send()
    assert post.mails("sam").count(alarm) == 2


def _by(person: Any) -> Any:
    from daypass.services.office import acting

    return acting(person)


async def test_what_is_owed_is_told_and_said_again_every_day(post: Post) -> None:
    world = post.world
    made = await broken(world)
    await post.send()
    assert "The broken glass of Ana to orders:write is to be ratified" in post.mails("sam")
    reminding = Reminding(world.office)
    late = "OVERDUE: the broken glass of Ana to orders:write was not ratified"
    for days in range(1, 4):
        await world.sweep(DAY_MS)
        await reminding.sweep(world.clock.t)
        await post.send()
        assert post.mails("sam").count(late) == days
    await world.glass.ratify(await world.who("sam"), made.id, "it had to be")
    world.clock.t += DAY_MS
    await reminding.sweep(world.clock.t)
    await post.send()
    assert post.mails("sam").count(late) == 3
    assert "The broken glass of orders:write is ratified" in post.mails("lea")


async def test_what_they_did_the_last_time_is_said(post: Post) -> None:
    world = post.world
    grant = await world.granted()
    await world.connected()
    world.clock.t += 12 * MINUTE_MS
    await world.grants.hand_back(await world.who("ana"), grant.id)
    await world.asked()
    await post.send()
    asked = [text_of(one).splitlines() for one in post.mailbox.mails if "lea@acme.test" in one["To"]]
    (said,) = [line for lines in asked for line in lines if line.startswith("Last time:")]
    assert said.endswith("1 session; nothing was done; handed back after 12 minutes of 1 hour")


async def test_the_outbox_holds_no_words_of_anybody(post: Post) -> None:
    await post.world.asked(reason="the secret reason", ticket="INC-SECRET")
    await post.send()
    async with post.world.store.reading() as tx:
        rows = await tx.notices(limit=1000)
    kept = json.dumps([[dict(one.about), dict(one.receipt), one.problem] for one in rows])
    assert "secret" not in kept.lower() and len(rows) > AT_ONCE // 2
