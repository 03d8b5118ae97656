"""One signed statement for all parts of a bundle, and a signed vote on each part by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daypass.cli.signing import sign
from daypass.domain.errors import Conflict, Invalid, Refused
from daypass.domain.passkey_signature import read_assertion
from daypass.domain.vote_statement import read_statement, statement
from daypass.ledger.tampering import Tampered
from daypass.services.bundles import Bundle, Bundles
from daypass.services.requests import Narrowed
from daypass.services.signing import Signed
from tests.domain.things import HOUR, person, target
from tests.services.conftest import World
from tests.services.keyring import Keyring
from tests.services.test_bundles import LEDGER, PROJECTS, WRITE, asked, digests
from tests.services.test_scope import followed
from tests.services.test_signing import entries, key, public, said

__all__ = ["key"]

SIGNED = PROJECTS.replace("undecided_after: 4h", "undecided_after: 4h\n      signed: true")


@pytest.fixture
async def bundles(world: World, key: Path) -> Bundles:
    world.targets["ledger"] = target("ledger")
    world.use(SIGNED)
    await world.people.sync([*await world.people.all(), person("mia", "payments-engineers")])
    await world.signing.enrol(await world.who("lea"), public(key))
    return Bundles(world.office, world.requests)


def whole(made: Bundle, key: Path, decision: str = "approve", **more: Any) -> Signed:
    parts = [{"request": one.id, "digest": one.digest, "deadline": one.decide_by} for one in made.parts]
    given = {"decision": decision, "nonce": "0123456789abcdef", "checkpoint": "", "parts": parts, **more}
    text = statement(**given)
    return Signed(text, sign(text, key))


async def test_one_signature_for_the_whole(world: World, bundles: Bundles, key: Path) -> None:
    made, lea = await asked(world, bundles, WRITE, LEDGER), await world.who("lea")
    with pytest.raises(Refused, match="signed votes only"):
        await bundles.approve(lea, made.id, digests(made))
    done = await bundles.approve(
        lea, made.id, digests(made), narrowed=Narrowed(HOUR // 2), signed=whole(made, key, narrowed_ms=HOUR // 2)
    )
    assert done.state == "APPROVED"
    enrolment, *votes = entries(world)
    assert followed(enrolment, *votes) == 2
    one, other = made.parts[0].id.encode(), made.parts[1].id.encode()
    moved = votes[0].replace(b'"request":"' + one, b'"request":"' + other) if one in votes[0] else votes[0]
    with pytest.raises(Tampered):
        followed(enrolment, moved.replace(other, one, 1))


async def test_what_was_signed_is_all_that_is_decided(world: World, bundles: Bundles, key: Path) -> None:
    made, lea = await asked(world, bundles, WRITE, LEDGER), await world.who("lea")
    half = Bundle(made.id, made.parts[:1])
    with pytest.raises(Refused, match="its request is another"):
        await bundles.approve(lea, made.id, digests(made), signed=whole(half, key))
    with pytest.raises(Refused, match="its decision is another"):
        await bundles.approve(lea, made.id, digests(made), signed=whole(made, key, "deny"))
    with pytest.raises(Refused, match="its narrowed_ms is another"):
        await bundles.approve(lea, made.id, digests(made), narrowed=Narrowed(HOUR // 2), signed=whole(made, key))
    assert not any([(await world.request(one.id)).votes for one in made.parts])
    assert (
        await bundles.deny(lea, made.id, digests(made), note="no", signed=whole(made, key, "deny"))
    ).state == "DENIED"


async def test_item_by_item(world: World, bundles: Bundles, key: Path) -> None:
    made, lea = await asked(world, bundles, WRITE, LEDGER), await world.who("lea")
    first, second = made.parts
    text = said(first)
    await world.requests.approve(lea, first.id, signed=Signed(text, sign(text, key)))
    with pytest.raises(Refused, match="its request is another"):
        await world.requests.deny(lea, second.id, note="no", signed=Signed(text, sign(text, key)))
    text = said(second, decision="deny")
    await world.requests.deny(lea, second.id, note="no", signed=Signed(text, sign(text, key)))
    assert (await bundles.show(lea, made.id)).state == "PARTIAL"


async def test_a_projects_earlier_end_is_signed_too(world: World, bundles: Bundles, key: Path) -> None:
    until = world.clock.t + 10 * 24 * HOUR
    made, lea = await asked(world, bundles, WRITE, until=until), await world.who("lea")
    earlier = until - 24 * HOUR
    with pytest.raises(Refused, match="its narrowed_until is another"):
        await bundles.approve(lea, made.id, digests(made), narrowed=Narrowed(until=earlier), signed=whole(made, key))
    signed = whole(made, key, narrowed_until=earlier)
    await bundles.approve(lea, made.id, digests(made), narrowed=Narrowed(until=earlier), signed=signed)
    assert followed(*entries(world)) == 1


async def test_a_statement_counts_once_a_request(world: World, bundles: Bundles, key: Path) -> None:
    made, lea = await asked(world, bundles, WRITE), await world.who("lea")
    signed = whole(made, key)
    await world.requests.approve(lea, made.parts[0].id, signed=signed)
    with pytest.raises(Conflict):
        await world.requests.approve(lea, made.parts[0].id, signed=signed)


PART = {"request": "r", "digest": "d", "deadline": 1}


@pytest.mark.parametrize(
    "parts", [[], {}, [PART, PART], [{**PART, "more": 1}], ["r"], [{"request": "r"}], [None]], ids=str
)
def test_what_are_no_parts(parts: object) -> None:
    good = json.loads(statement(decision="approve", nonce="n" * 16, checkpoint="", parts=[PART]))
    text = json.dumps({**good, "parts": parts}, sort_keys=True, separators=(",", ":")) + "\n"
    with pytest.raises(Invalid):
        read_statement(text)


async def test_one_passkey_signature_for_the_whole_takes_its_counter_once(world: World, bundles: Bundles) -> None:
    made, lea = await asked(world, bundles, WRITE, LEDGER), await world.who("lea")
    ring = Keyring(world)
    passkey = await ring.enrol("lea")
    parts = [{"request": one.id, "digest": one.digest, "deadline": one.decide_by} for one in made.parts]
    text = statement(decision="approve", nonce="0123456789abcdef", checkpoint="", parts=parts)
    signed = Signed(text, passkey=read_assertion(passkey.vote(text)))
    done = await bundles.approve(lea, made.id, digests(made), signed=signed)
    assert done.state == "APPROVED"
    assert [one.votes[0].passkey["credential"] for one in done.parts] == [passkey.id, passkey.id]
    assert "key.suspected" not in world.types()
