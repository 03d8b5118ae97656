"""Vouching: two others say that it is really somebody, once, and where it was asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.errors import Conflict, NotFound, Refused
from daypass.domain.people import OPERATOR
from daypass.domain.visit import Visit
from tests.domain.things import HOUR
from tests.identity.authenticator import Authenticator
from tests.services.conftest import World
from tests.services.keyring import WHERE, Keyring


async def guard(world: World, name: str) -> None:
    """Make somebody one of security."""
    person = await world.who(name)
    async with world.store.begin() as tx:
        await tx.save_person(replace(person, groups=person.groups | {"security"}))


async def test_two_others_vouch_for_who_has_nothing_left(ring: Keyring) -> None:
    lost = await ring.enrol("lea")
    lea, visit = await ring.visit("lea", "token")
    asked = await ring.vouchings.ask(lea, visit)
    await guard(ring.world, "ben")
    await guard(ring.world, "audrey")
    ben, audrey = await ring.world.who("ben"), await ring.world.who("audrey")
    for one in (lea, await ring.world.who("ana")):
        with pytest.raises(NotFound):
            await ring.vouchings.vouch(one, asked.code)
    first = await ring.vouchings.vouch(ben, f"{asked.code[:4]}-{asked.code[4:]}".lower())
    assert (first.state, first.by) == ("WAITING", (ben.id,))
    with pytest.raises(Conflict, match="already"):
        await ring.vouchings.vouch(ben, asked.code)
    with pytest.raises(Refused, match="fresh proof"):
        await ring.passkeys.begin(lea, visit)
    assert (await ring.vouchings.vouch(audrey, asked.code)).state == "VOUCHED"
    assert ring.world.last("key.vouched").actor.id == audrey.id
    assert await ring.passkeys.proof(lea, visit) == "vouched"
    await ring.make(lea, visit, Authenticator())
    body = ring.world.last("key.enrolled").body
    assert (body["by"], body["vouched_by"]) == ("vouched", [ben.id, audrey.id])
    with pytest.raises(Refused, match="fresh proof"):  # it was good once
        await ring.passkeys.remove(lea, visit, (await ring.kept(lost)).id)


async def test_their_word_is_good_where_it_was_asked_for(ring: Keyring) -> None:
    """Not for another token or browser of the same person's, which may be stolen."""
    await ring.enrol("lea")
    world = ring.world
    lea = await world.who("lea")
    mine, stolen = [await world.tokens.issue(lea.id, OPERATOR) for _ in range(2)]
    browser, other = [(await world.visits.by_token(mine.secret, WHERE)).visit for _ in range(2)]
    thiefs = (await world.visits.by_token(stolen.secret, WHERE)).visit
    for name in ("ben", "audrey"):
        await guard(world, name)
    for at, good in (((browser, None), (browser,)), ((None, mine.token), (browser, other, mine.token))):
        asked = await ring.vouchings.ask(lea, *at)
        for name in ("ben", "audrey"):
            await ring.vouchings.vouch(await world.who(name), asked.code)
        for one in (browser, other, thiefs, mine.token, stolen.token):
            visit, token = (one, None) if isinstance(one, Visit) else (None, one)
            expected = "vouched" if one in good else None
            assert await ring.passkeys.proof(lea, visit, token) == expected, one


async def test_nobody_vouches_for_themself_under_any_account(ring: Keyring) -> None:
    await guard(ring.world, "lea")
    await guard(ring.world, "ben")
    lea, ben = await ring.world.who("lea"), await ring.world.who("ben")
    asked = await ring.vouchings.ask(lea, None)
    with pytest.raises(Refused, match="for themself"):
        await ring.vouchings.vouch(lea, asked.code)
    async with ring.world.store.begin() as tx:
        await tx.save_person(replace(lea, subject="one human"))
        await tx.save_person(replace(ben, subject="one human"))
    with pytest.raises(Refused, match="for themself"):
        await ring.vouchings.vouch(ben, asked.code)


async def test_another_code_voids_the_first_and_both_have_an_end(ring: Keyring) -> None:
    await guard(ring.world, "ben")
    lea, ben = await ring.world.who("lea"), await ring.world.who("ben")
    first = await ring.vouchings.ask(lea, None)
    second = await ring.vouchings.ask(lea, None)
    with pytest.raises(NotFound):
        await ring.vouchings.look(ben, first.code)
    assert (await ring.vouchings.look(ben, second.code)).person == lea.id
    assert await ring.vouchings.mine(lea) == second
    ring.world.clock.t += 24 * HOUR
    with pytest.raises(NotFound):
        await ring.vouchings.vouch(ben, second.code)
    assert await ring.vouchings.mine(lea) is None
