"""A scope from the wish to the session: asked for, narrowed, told, carried to where it is held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daypass.cli.signing import sign
from daypass.domain.errors import Invalid, Refused
from daypass.domain.request import RequestState
from daypass.domain.vote_statement import read_statement
from daypass.ledger.tampering import Tampered
from daypass.ledger.votes import Votes
from daypass.protocols.postgres import POSTGRES
from daypass.services.favourites import Favourites, Instead
from daypass.services.requests import Narrowed
from daypass.services.signing import Signed
from tests.services.conftest import SIMPLE, World, values
from tests.services.test_signing import entries, key, public, said

__all__ = ["key"]


@pytest.fixture(autouse=True)
def at_postgres(world: World) -> None:
    world.targets["orders"] = replace(world.targets["orders"], protocol=POSTGRES.name)


ASKED = ("Billing.*", "public.orders")


async def test_what_was_asked_for_is_what_the_session_is_limited_to(world: World) -> None:
    grant = await world.granted(scope=ASKED)
    assert grant.scope == ("billing.*", "public.orders")
    assert values(world.last("request.created"))["items"][0]["scope"] == ["billing.*", "public.orders"]
    assert values(world.last("request.approved"))["scope"] == ["billing.*", "public.orders"]
    assert (await world.connected()).scope == grant.scope


async def test_an_approver_limits_what_was_asked_for_whole(world: World) -> None:
    asked = await world.asked()
    approved = await world.requests.approve(
        await world.who("lea"), asked.id, narrowed=Narrowed(scope=("public.ORDERS",))
    )
    assert values(world.last("request.voted"))["narrowed_scope"] == ["public.orders"]
    assert (await world.grant(approved.grant or "")).scope == ("public.orders",)
    assert (await world.connected()).scope == ("public.orders",)


async def test_a_target_that_knows_no_scopes_gives_none(world: World) -> None:
    world.targets["orders"] = replace(world.targets["orders"], protocol="wire")
    with pytest.raises(Invalid, match="cannot be limited"):
        await world.asked(scope=ASKED)
    asked = await world.asked()
    with pytest.raises(Invalid, match="cannot be limited"):
        await world.requests.approve(await world.who("lea"), asked.id, narrowed=Narrowed(scope=ASKED))


async def test_never_wider(world: World) -> None:
    asked, lea = await world.asked(scope=ASKED), await world.who("lea")
    with pytest.raises(Refused, match="never widen"):
        await world.requests.approve(lea, asked.id, narrowed=Narrowed(scope=("public.*",)))
    with pytest.raises(Invalid, match="no name of a scope"):
        await world.requests.approve(lea, asked.id, narrowed=Narrowed(scope=("orders",)))
    assert (await world.request(asked.id)).state is RequestState.PENDING


async def test_a_whole_grant_is_taken_before_a_limited_one(world: World) -> None:
    await world.granted(scope=ASKED)
    await world.connected()
    whole = await world.granted()
    assert (await world.grants.activate(await world.who("ana"), whole.id)).scope == ()
    assert (await world.connected()).scope == ()


async def test_policy_can_ask_for_one(world: World) -> None:
    when = "    roles: [write]\n    when: request.scope == ['public.orders']\n"
    world.use(SIMPLE[: SIMPLE.index("expect:")].replace("    roles: [write]\n", when, 1))
    with pytest.raises(Refused, match="no rule"):
        await world.asked()
    assert (await world.granted(scope=("public.orders",))).scope == ("public.orders",)
    await world.connected()


async def test_asking_again_keeps_it(world: World) -> None:
    grant, ana = await world.granted(scope=ASKED), await world.who("ana")
    favourites = Favourites(world.office, world.requests)
    again = await favourites.repeat(ana, grant.request, Instead())
    assert again.items[0].scope == grant.scope


async def test_a_signed_vote_says_the_scope(world: World, key: Path) -> None:
    asked, lea = await world.asked(scope=ASKED), await world.who("lea")
    await world.signing.enrol(lea, public(key))
    whole, narrow = said(asked), Narrowed(scope=("billing.rates",))
    with pytest.raises(Refused, match="its narrowed_scope is another"):
        await world.requests.approve(lea, asked.id, narrowed=narrow, signed=Signed(whole, sign(whole, key)))
    text = said(asked, narrowed_scope=["billing.rates"])
    assert read_statement(text)["narrowed_scope"] == ["billing.rates"]
    with pytest.raises(Refused, match="its narrowed_scope is another"):
        await world.requests.approve(lea, asked.id, signed=Signed(text, sign(text, key)))
    await world.requests.approve(lea, asked.id, narrowed=narrow, signed=Signed(text, sign(text, key)))
    enrolment, vote = entries(world)
    assert followed(enrolment, vote) == 1
    told = b'"narrowed_scope":["billing.rates"]'
    with pytest.raises(Tampered, match="its narrowed_scope is another"):
        followed(enrolment, vote.replace(told, b'"narrowed_scope":["public.orders"]', 1))


def followed(*those: bytes) -> int:
    votes = Votes()
    for index, entry in enumerate(those):
        votes.follow(index, entry)
    return votes.signed
