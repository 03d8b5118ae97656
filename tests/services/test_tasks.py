"""Who asked over AuthZEN is called back when the task is over: signed, once, and only where the settings allow it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from daypass.domain.errors import Invalid
from daypass.domain.request import Item, Request, RequestState
from daypass.domain.standing import Outlet
from daypass.domain.task import EVENTS, STATUS, whole
from daypass.notify.reaching import Reach
from daypass.notify.webhooks import Webhook, signature, signing_key
from daypass.services.bundles import Bundles, BundleWish
from daypass.services.heralding import Heralding
from daypass.services.sending import Sending
from daypass.services.tasks import Callback, Tasks
from tests.domain.things import HOUR
from tests.notify.receivers import Web
from tests.services.conftest import SIMPLE, World

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
async def pep(world: World) -> AsyncIterator[Web]:
    """The other system, listening."""
    web = Web()
    await web.start()
    outlets = (Outlet("pep", True, ("task",), f"{web.url}/done"), Outlet("room", True))
    object.__setattr__(world.office, "channels", outlets)
    world.office.heralds.append(Heralding(world.office).herald)
    yield web
    await web.stop()


async def called(world: World, pep: Web) -> list[dict[str, object]]:
    """What the other system hears."""
    webhook = Webhook(Reach(f"{pep.url}/done"), [SECRET])
    await Sending(world.office, {"pep": webhook}).step("pep")
    await webhook.close()
    for one in pep.heard:
        seconds = int(one.headers["webhook-timestamp"])
        made = signature([signing_key(SECRET)], one.headers["webhook-id"], seconds, one.body)
        assert one.headers["webhook-signature"] == made
    return [one.json for one in pep.heard]


async def asked(world: World, pep: Web, *events: str) -> Request:
    request = await world.asked()
    callback = Callback(f"{pep.url}/done", "s-1", events)
    await Tasks(world.office).remember(request.id, [request.id], callback, f"https://day.test/{request.id}")
    return request


async def test_called_back_once_it_is_over(world: World, pep: Web) -> None:
    request = await asked(world, pep)
    assert await called(world, pep) == []
    await world.requests.approve(await world.who("lea"), request.id)
    task = {"id": request.id, "status": "approved", "status_endpoint": f"https://day.test/{request.id}"}
    assert await called(world, pep) == [{"task": task, "state": "s-1"}]
    assert len(await called(world, pep)) == 1


async def test_only_of_the_ends_that_were_asked_for(world: World, pep: Web) -> None:
    denied, expired = await asked(world, pep, "approved", "expired"), await asked(world, pep, "expired")
    await world.requests.deny(await world.who("lea"), denied.id, note="no")
    await world.sweep(24 * HOUR)
    assert [one["task"]["id"] for one in await called(world, pep)] == [expired.id]  # type: ignore[index]


async def test_of_several_items_when_the_last_one_is_over(world: World, pep: Web) -> None:
    bundles, lea = Bundles(world.office, world.requests), await world.who("lea")
    world.use(SIMPLE[: SIMPLE.index("expect:")].replace("roles: [write]", "roles: [read, write]"))
    wish = BundleWish((Item("orders", "write"), Item("orders", "read")), HOUR, "because")
    made = await bundles.create(await world.who("ana"), wish)
    callback = Callback(f"{pep.url}/done")
    await Tasks(world.office).remember(made.id, [one.id for one in made.parts], callback, "https://day.test/b")
    first, second = (one for one in made.parts)
    await world.requests.approve(lea, first.id)
    assert await called(world, pep) == []
    await world.requests.deny(lea, second.id, note="no")
    assert await called(world, pep) == [
        {"task": {"id": made.id, "status": "partial", "status_endpoint": "https://day.test/b"}}
    ]
    assert await Tasks(world.office).order(made.id) == [first.id, second.id]


async def test_nowhere_else_and_of_nothing_else(world: World, pep: Web) -> None:
    tasks = Tasks(world.office)
    for endpoint in ("", pep.url, f"{pep.url}/done?x", "http://169.254.169.254/"):
        with pytest.raises(Invalid, match="not among those"):
            tasks.check(Callback(endpoint))
    with pytest.raises(Invalid, match="is none of approved"):
        tasks.check(Callback(f"{pep.url}/done", "", ("opened",)))
    tasks.check(Callback(f"{pep.url}/done", "", EVENTS))


def test_the_whole_of_several() -> None:
    assert set(STATUS) == set(RequestState)
    assert whole([RequestState.APPROVED, RequestState.RATIFIED]) == "approved"
    assert whole([RequestState.APPROVED, RequestState.NEEDS_INFO]) == "pending"
    assert whole([RequestState.DENIED, RequestState.EXPIRED]) == "partial"
