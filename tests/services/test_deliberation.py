"""What can be known before a decision, and what an approver may give less of."""

from __future__ import annotations

import pytest

from daypass.domain.durations import as_datetime
from daypass.domain.errors import Invalid, NotFound, Refused
from daypass.domain.hours import DAYS
from daypass.services.deliberation import Deliberation
from daypass.services.requests import Narrowed
from tests.domain.things import HOUR
from tests.services.conftest import SIMPLE, World


async def test_the_requester_sees_who_can_decide_and_the_usual_wait(world: World) -> None:
    deliberation = Deliberation(world.office)
    lea, ben = await world.who("lea"), await world.who("ben")
    for wait in (60_000, 120_000, 600_000):
        asked = await world.asked()
        world.clock.t += wait
        await world.requests.approve(lea, asked.id)
    asked = await world.asked()
    found = await deliberation.deciders(await world.who("ana"), asked.id)
    assert {one.person for one in found.deciders} == {lea.id, ben.id}
    assert (found.missing, found.usual_wait_ms, found.decided_before) == ((1,), 120_000, 3)
    assert found.lesser == ("read",)
    assert all(one.on_duty and not one.voted for one in found.deciders)
    with pytest.raises(NotFound):
        await deliberation.deciders(await world.who("eve"), asked.id)


async def test_a_real_request_is_explained(world: World) -> None:
    deliberation = Deliberation(world.office)
    asked = await world.asked()
    found = await deliberation.explain_request(await world.who("lea"), asked.id)
    assert found.state == "NEEDS_VOTES" and "change data" in found.sentence
    with pytest.raises(NotFound):
        await deliberation.explain_request(await world.who("eve"), asked.id)


async def test_a_request_for_later_is_explained_by_its_start(world: World) -> None:
    """A rule holds in the hours in which access is asked for, and not in those of the question."""
    tomorrow = world.clock.t + 24 * HOUR
    day = DAYS[as_datetime(tomorrow).weekday()]
    hours = f"hours: {{ from: 00:00, to: 24:00, days: [{day}] }}"
    world.use(SIMPLE.split("expect:")[0].replace("name: change data", f"name: change data\n    {hours}"))
    asked = await world.asked(start_at=tomorrow)
    found = await Deliberation(world.office).explain_request(await world.who("lea"), asked.id)
    assert found.state == "NEEDS_VOTES"


async def test_an_approver_narrows_the_role(world: World) -> None:
    asked = await world.asked()
    approved = await world.requests.approve(await world.who("lea"), asked.id, narrowed=Narrowed(HOUR // 2, "read"))
    grant = await world.grant(approved.grant or "")
    assert (grant.role, grant.duration_ms) == ("read", HOUR // 2)
    assert world.last("request.voted").body["narrowed_role"] == "read"
    admission = await world.connected("read")
    assert admission.role.name == "read"
    with pytest.raises(Refused):
        await world.connected("write")


async def test_what_is_denied_is_not_given_as_less_of_something_else(world: World) -> None:
    asked = await world.asked()
    await world.requests.approve(await world.who("lea"), asked.id, narrowed=Narrowed(HOUR // 2, "read"))
    world.use(SIMPLE.split("expect:")[0].replace("rules:", "deny: [{ name: no reading, roles: [read] }]\nrules:", 1))
    with pytest.raises(Refused, match="denies this by 'no reading'"):
        await world.connected("read")


@pytest.mark.parametrize(("role", "error"), [("write", Refused), ("admin", Invalid)])
async def test_an_approver_never_widens(world: World, role: str, error: type[Exception]) -> None:
    asked = await world.asked()
    with pytest.raises(error):
        await world.requests.approve(await world.who("lea"), asked.id, narrowed=Narrowed(role=role))
    with pytest.raises(Refused, match="never lengthen"):
        await world.requests.approve(await world.who("lea"), asked.id, narrowed=Narrowed(2 * HOUR))
    assert world.types() == ["request.created"]
