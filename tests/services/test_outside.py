"""Conditions that look outside: tickets, who is on call, history. Who cannot be asked refuses, and says why."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import pytest

from daypass.domain.deciding import Changes
from daypass.domain.errors import NotFound, Refused, Unauthenticated, Unavailable
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import OPERATOR
from daypass.domain.request import Request, RequestState
from daypass.outside.jira import Jira
from daypass.outside.tickets import KnownTickets
from daypass.services.asking import Wish
from daypass.services.starting import Starting
from daypass.services.ticketing import POLL_MS, Ticketing
from daypass.services.tightening import Tightening
from tests.domain.things import HOUR
from tests.servers import others
from tests.services.conftest import NODE, SIMPLE, World

SECRET = "sealed"
PLAIN = SIMPLE[: SIMPLE.index("expect:")]
WITH_TICKET = PLAIN.replace(
    'when: request.ticket.startsWith("INC-")',
    "when: ticket.open && ticket.assignee == requester.email\n    ends_with_ticket: true",
)
ON_CALL = PLAIN.replace('when: request.ticket.startsWith("INC-")', "when: requester.email in on_call.payments")


@dataclass
class Turns:
    """A schedule that says what a test wants."""

    who: Sequence[str] | None

    async def on_duty(self, now: int) -> Sequence[str]:
        if self.who is None:
            raise Unavailable("PagerDuty (payments) did not answer within 3 s")
        return self.who

    async def close(self) -> None: ...


@pytest.fixture
async def jira(world: World) -> AsyncIterator[others.Jira]:
    with others.Jira() as server:
        server.issues["INC-7"] = ("In Progress", "indeterminate", "ana@acme.test")
        system = Jira("jira", server.url, server.TOKEN, user=server.USER, webhook=SECRET)
        known = KnownTickets([system])
        object.__setattr__(world.office, "tickets", known)
        world.use(WITH_TICKET)
        yield server
        await known.close()


async def read(world: World, ticket: str = "INC-7") -> Request:
    return await world.asked("read", ticket=ticket)


async def connect(world: World) -> None:
    ana = await world.who("ana")
    issued = await world.tokens.issue(ana.id, OPERATOR)
    await world.sessions.admit(issued.token.id, "orders", "read", "127.0.0.1:9", NODE)


def forget(world: World) -> None:
    """As if the moment for which answers are good had passed."""
    assert isinstance(world.office.tickets, KnownTickets)
    world.office.tickets._kept.clear()


async def test_an_open_ticket_of_ones_own_opens(world: World, jira: others.Jira) -> None:
    made = await read(world)
    assert made.state is RequestState.APPROVED and made.route.ends_with_ticket
    await connect(world)


@pytest.mark.parametrize(
    ("ticket", "issue", "said"),
    [
        ("INC-7", ("In Progress", "indeterminate", "ben@acme.test"), "no rule"),
        ("INC-7", ("Done", "done", "ana@acme.test"), "no rule"),
        ("INC-7", None, "nothing is known of the ticket; jira knows no ticket INC-7"),
        ("", None, "nothing is known of the ticket; no ticket was named"),
        ("please", None, "nothing is known of the ticket; 'please' is no ticket of jira"),
    ],
)
async def test_any_other_ticket_refuses_and_says_why(
    world: World, jira: others.Jira, ticket: str, issue: tuple[str, str, str] | None, said: str
) -> None:
    jira.issues = {} if issue is None else {"INC-7": issue}
    with pytest.raises(Refused, match=said):
        await read(world, ticket)
    assert world.types() == ["request.refused"]


async def test_a_ticket_system_that_does_not_answer_refuses_everywhere_and_says_why(
    world: World, jira: others.Jira
) -> None:
    made = await read(world)
    forget(world)
    jira.broken = b"<html>"
    why = "jira answered with something else than it documents"
    with pytest.raises(Refused, match=why):
        await read(world)
    with pytest.raises(Refused, match=why):
        await connect(world)
    with pytest.raises(Refused, match=why):
        await world.grants.activate(await world.who("ana"), made.grant or "")
    assert (await world.grant(made.grant or "")).state is GrantState.READY
    jira.broken = None
    forget(world)
    await connect(world)
    forget(world)
    jira.broken = b"<html>"
    with pytest.raises(Refused, match=why):
        await world.grants.extend(await world.who("ana"), made.grant or "", HOUR // 2, "more")


async def test_what_cannot_be_asked_is_no_change_of_policy(world: World, jira: others.Jira) -> None:
    made = await read(world)
    await connect(world)
    forget(world)
    jira.broken = b"<html>"
    tightening = Tightening(world.office, Starting(world.office), world.endings)
    assert await tightening.look() == ()
    jira.broken = None
    jira.issues["INC-7"] = ("In Progress", "indeterminate", "ben@acme.test")
    forget(world)
    assert await tightening.look() == (made.grant,)


async def test_without_a_ticket_system_such_a_condition_refuses(world: World) -> None:
    world.use(WITH_TICKET)
    with pytest.raises(Refused, match="no ticket system is configured"):
        await read(world)


async def test_a_request_that_changes_is_asked_about_anew(world: World, jira: others.Jira) -> None:
    jira.issues["INC-8"] = ("To Do", "new", "ana@acme.test")
    world.use(WITH_TICKET.replace("decide: automatic", "decide: { stages: [{ need: 1, of: [group:payments-leads] }] }"))
    made = await read(world)
    ana = await world.who("ana")
    assert (await world.requests.edit(ana, made.id, Changes(ticket="INC-8"))).ticket == "INC-8"
    with pytest.raises(Refused, match="knows no ticket INC-9"):
        await world.requests.edit(ana, made.id, Changes(ticket="INC-9"))
    assert (await world.request(made.id)).ticket == "INC-8"


async def test_a_ticket_is_asked_about_outside_of_transactions(world: World, jira: others.Jira) -> None:
    """Or one slow ticket system would stop everything else that is to be written."""
    made = await read(world)
    forget(world)
    jira.hold()
    going = asyncio.create_task(connect(world))
    await asyncio.to_thread(jira.reached.wait)
    await world.asked("write")
    assert not going.done()
    jira.release()
    await going
    assert (await world.grant(made.grant or "")).state is GrantState.ACTIVE


async def test_a_closed_ticket_ends_what_was_given_for_it_by_poll(world: World, jira: others.Jira) -> None:
    made, ticketing = await read(world), Ticketing(world.office, world.endings)
    await world.connected("read")
    assert await ticketing.sweep(world.clock.t) == ()
    jira.issues["INC-7"] = ("Done", "done", "ana@acme.test")
    assert await ticketing.sweep(world.clock.t + POLL_MS - 1) == ()
    assert await ticketing.sweep(world.clock.t + POLL_MS) == (made.grant,)
    await world.endings.settle()
    over = await world.grant(made.grant or "")
    assert (over.state, over.end_reason) == (GrantState.ENDED, EndReason.TICKET_CLOSED.value)
    assert world.last("grant.ending").secret["note"] == "INC-7 is Done"
    with pytest.raises(Refused):
        await connect(world)


async def test_a_closed_ticket_ends_nothing_where_the_rule_does_not_say_so(world: World, jira: others.Jira) -> None:
    world.use(WITH_TICKET.replace("    ends_with_ticket: true\n", ""))
    await read(world)
    jira.issues["INC-7"] = ("Done", "done", "ana@acme.test")
    assert await Ticketing(world.office, world.endings).sweep(world.clock.t) == ()


async def test_a_ticket_that_cannot_be_asked_about_ends_nothing(world: World, jira: others.Jira) -> None:
    await read(world)
    ticketing = Ticketing(world.office, world.endings)
    jira.broken = b"{}"
    assert await ticketing.sweep(world.clock.t) == ()
    jira.broken, jira.issues = None, {}
    assert await ticketing.sweep(world.clock.t + POLL_MS) == ()


async def test_a_webhook_has_the_ticket_looked_at_and_is_not_believed(world: World, jira: others.Jira) -> None:
    made, ticketing = await read(world), Ticketing(world.office, world.endings)

    def hook(key: str) -> tuple[dict[str, str], bytes]:
        body = json.dumps({"issue": {"key": key, "fields": {"status": {"name": "Done"}}}}).encode()
        return {"x-hub-signature": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}, body

    assert await ticketing.told("jira", *hook("INC-7")) == (), "the ticket's own system says that it is open"
    jira.issues["INC-7"] = ("Done", "done", "ana@acme.test")
    assert await ticketing.told("jira", *hook("INC-8")) == ()
    with pytest.raises(Unauthenticated):
        await ticketing.told("jira", {}, hook("INC-7")[1])
    with pytest.raises(NotFound):
        await ticketing.told("trac", *hook("INC-7"))
    assert await ticketing.told("jira", *hook("INC-7")) == (made.grant,)
    await world.endings.settle()
    assert (await world.grant(made.grant or "")).end_reason == "ticket closed"


async def test_a_closed_ticket_ends_a_broken_glass_too(world: World, jira: others.Jira) -> None:
    world.use(WITH_TICKET.replace("    break_glass:", "    ends_with_ticket: true\n    break_glass:"))
    made = await world.glass.break_(await world.who("ana"), Wish("orders", "write", HOUR // 4, "fire", "INC-7"))
    jira.issues["INC-7"] = ("Done", "done", None)
    assert await Ticketing(world.office, world.endings).sweep(world.clock.t) == (made.grant,)
    await world.endings.settle()


async def test_a_ticket_system_that_is_down_stops_no_emergency(world: World, jira: others.Jira) -> None:
    jira.stop()
    made = await world.glass.break_(await world.who("ana"), Wish("orders", "write", HOUR // 4, "fire", "INC-7"))
    assert made.state is RequestState.BROKEN_GLASS


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (("ana@acme.test", "ben@acme.test"), ""),
        (("ben@acme.test",), "no rule"),
        ((), "no rule"),
        (None, r"there is no 'payments'; PagerDuty \(payments\) did not answer"),
    ],
)
async def test_who_is_on_call_decides(world: World, who: Sequence[str] | None, said: str) -> None:
    world.use(ON_CALL)
    object.__setattr__(world.office, "on_call", {"payments": Turns(who), "other": Turns(None)})
    if not said:
        assert (await read(world, "")).state is RequestState.APPROVED
        return
    with pytest.raises(Refused, match=said):
        await read(world, "")


async def test_a_schedule_that_there_is_not_refuses(world: World) -> None:
    world.use(ON_CALL)
    with pytest.raises(Refused, match="no on-call schedule is called payments"):
        await read(world, "")


async def test_signed_off_cleanly_in_the_last_30_days(world: World) -> None:
    """Same person, same target: after one clean sign-off, and not with something owed, flagged or long ago."""
    seen = PLAIN.replace(
        '    when: request.ticket.startsWith("INC-")\n    decide: automatic',
        "    when: history.clean > 0 && history.flagged == 0 && history.owed == 0\n    decide: automatic",
    )
    world.use(seen)
    with pytest.raises(Refused):
        await read(world)
    grown = seen.replace(
        "        - { need: 1, of: [group:payments-leads] }\n  - name: break",
        "        - { need: 1, of: [group:payments-leads] }\n"
        "    owes: { sign_off: { by: [group:payments-leads], within: 2d } }\n  - name: break",
    )
    world.use(grown)
    granted = await world.granted()
    await world.connected()
    await world.grants.hand_back(await world.who("ana"), granted.id)
    with pytest.raises(Refused):
        await read(world)
    async with world.store.reading() as tx:
        (owed,) = await tx.obligations()
    await world.duties.sign_off(await world.who("lea"), owed.id, "as asked")
    assert (await read(world)).automatic
    world.clock.t += 31 * 24 * HOUR
    with pytest.raises(Refused):
        await read(world)


async def test_an_expected_case_may_say_who_is_on_call(world: World) -> None:
    case = "  - { by: ana@acme.test, target: orders, role: read, for: 30m, on_call: { payments: [WHO] }, then: THEN }\n"
    world.use(ON_CALL + "expect:\n" + case.replace("WHO", "ana@acme.test").replace("THEN", "automatic"))
    world.use(ON_CALL + "expect:\n" + case.replace("WHO", "eve@acme.test").replace("THEN", "refused"))


async def test_the_requester_sees_who_of_the_deciders_is_on_duty(world: World) -> None:
    from daypass.services.deliberation import Deliberation

    object.__setattr__(world.office, "on_call", {"turns": Turns(("lea@acme.test",))})
    object.__setattr__(world.office, "duties_of", {"payments-leads": "turns"})
    made = await world.asked()
    lea, ben = (await world.who("lea")).id, (await world.who("ben")).id
    found = await Deliberation(world.office).deciders(await world.who("ana"), made.id)
    assert {one.person: one.on_duty for one in found.deciders} == {lea: True, ben: False}
    assert replace(found.deciders[0], on_duty=True).voted is False
