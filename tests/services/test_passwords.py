"""Passwords of local people: who gets one and how, what is taken, what they sign in, and what is never seen."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from daypass.api.front import in_token_form
from daypass.domain.errors import Invalid, NotFound, Refused, TooMany, Unauthenticated
from daypass.domain.lock import LockScope
from daypass.domain.people import OPERATOR
from daypass.domain.visit import LASTS_MS
from daypass.identity.passwords import WAITING_MAX, WAITING_OF_ONE_MAX, Hashing
from daypass.services.passwords import INVITED_MS, Passwords
from daypass.services.visiting import Opened
from tests.domain.things import HOUR
from tests.services.conftest import World, asked_of_store
from tests.services.keyring import OTHER, PASSWORD, URL, WHERE, Keyring


async def opened(ring: Keyring, name: str, password: str = PASSWORD) -> Opened:
    found = await ring.passwords.sign_in(f"{name}@acme.test", password, WHERE)
    assert isinstance(found, Opened)
    return found


async def test_a_link_sets_it_once_and_signs_in(ring: Keyring) -> None:
    made = await ring.passwords.invite("lea@acme.test")
    assert made.link.startswith(f"{URL}/password#dp_") and made.link not in repr(made)
    assert ring.world.last("password.invited").actor.kind == "operator"
    code = made.link.partition("#")[2]
    with pytest.raises(Invalid, match="from 15 to 256"):
        await ring.passwords.accept(code, "too short")
    lea = await ring.passwords.accept(code, PASSWORD)
    assert dict(ring.world.last("password.changed").body) == {"person": lea.id, "how": "invitation"}
    with pytest.raises(Unauthenticated, match="this link is not good"):
        await ring.passwords.accept(code, OTHER)
    visit = (await opened(ring, "lea")).visit
    assert (visit.way, visit.passkey_at) == ("password", None)
    assert (await opened(ring, "LEA")).person.id == lea.id


async def test_another_link_voids_the_first_and_both_have_an_end(ring: Keyring) -> None:
    first, second = [(await ring.passwords.invite("lea@acme.test")).link.partition("#")[2] for _ in range(2)]
    for code in (first, "dp_x", "", second[:-1]):
        with pytest.raises(Unauthenticated):
            await ring.passwords.accept(code, PASSWORD)
    ring.world.clock.t += INVITED_MS
    with pytest.raises(Unauthenticated):
        await ring.passwords.accept(second, PASSWORD)


async def test_changing_it_takes_the_old_one_and_signs_out_everywhere(ring: Keyring) -> None:
    lea = await ring.invited("lea")
    await opened(ring, "lea")
    with pytest.raises(Refused, match="not your password"):
        await ring.passwords.change(lea, OTHER, OTHER)
    with pytest.raises(Invalid, match="is the old one"):
        await ring.passwords.change(lea, PASSWORD, PASSWORD)
    with pytest.raises(Invalid):
        await ring.passwords.change(lea, PASSWORD, "short")
    assert len(await ring.world.visits.list(lea)) == 1
    await ring.passwords.change(lea, PASSWORD, OTHER)
    assert await ring.world.visits.list(lea) == []
    assert ring.world.last("visit.ended").body["because"] == "password changed"
    assert ring.world.last("password.changed").body["how"] == "themself"
    with pytest.raises(Unauthenticated):
        await opened(ring, "lea")
    assert await opened(ring, "lea", OTHER)


async def test_changing_it_ends_the_tokens_that_were_made_by_the_old_one(ring: Keyring) -> None:
    lea = await ring.invited("lea")
    held = in_token_form((await opened(ring, "lea")).visit)
    tokens = ring.world.tokens
    _, made = await tokens.issue_by(lea, held, "", label="", lasts_ms=LASTS_MS, scopes=())
    apart = await tokens.issue(lea.id, OPERATOR)
    await ring.passwords.change(lea, PASSWORD, OTHER)
    with pytest.raises(Unauthenticated):
        await tokens.authenticate(made.secret, "127.0.0.1:9")
    await tokens.authenticate(apart.secret, "127.0.0.1:9")


async def test_the_operator_takes_it_away(ring: Keyring) -> None:
    lea = await ring.invited("lea")
    await opened(ring, "lea")
    await ring.passwords.remove("lea@acme.test")
    assert ring.world.last("password.removed").body == {"person": lea.id}
    assert await ring.world.visits.list(lea) == [] and not await ring.passwords.has_one(lea)
    with pytest.raises(Unauthenticated):
        await opened(ring, "lea")


async def test_nobody_and_a_wrong_password_look_the_same_and_cost_the_same(ring: Keyring) -> None:
    """One hash is computed for each, and the store asked as often, whoever it is."""
    await ring.invited("lea")
    await ring.invited("ben")
    async with ring.world.store.begin() as tx:
        await tx.save_person(replace(await ring.world.who("ben"), disabled=True))
    counted = CountingHasher()
    ring.hashing = Hashing(ring.world.office.entropy, counted)
    passwords = Passwords(ring.world.office, ring.world.visits, ring.passkeys, ring.hashing, URL, local=True)
    with pytest.raises(Unauthenticated):
        await passwords.sign_in("warm@acme.test", OTHER, WHERE)
    told, cost, asked = set(), set(), set()
    for email in ("lea@acme.test", "nobody@acme.test", "audrey@acme.test", "ben@acme.test", ""):
        counted.verified = 0
        with pytest.raises(Unauthenticated) as refused, asked_of_store() as statements:
            await passwords.sign_in(email, OTHER, WHERE)
        told.add(str(refused.value))
        cost.add(counted.verified)
        asked.add(tuple(statements))
    assert len(told) == 1 and cost == {1}
    assert len(asked) == 1 and len(asked.pop()) >= 2


class CountingHasher(PasswordHasher):
    """The real one, which counts."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.verified = 0

    def verify(self, *given: object, **more: object) -> bool:
        self.verified += 1
        return super().verify(*given, **more)  # type: ignore[arg-type]


async def test_other_parameters_make_another_hash_at_the_next_sign_in(ring: Keyring) -> None:
    lea = await ring.invited("lea")
    stronger = Hashing(ring.world.office.entropy, PasswordHasher(time_cost=2, memory_cost=128, parallelism=1))
    passwords = Passwords(ring.world.office, ring.world.visits, ring.passkeys, stronger, URL, local=True)
    for _ in range(2):
        assert isinstance(await passwords.sign_in("lea@acme.test", PASSWORD, WHERE), Opened)
        async with ring.world.store.begin() as tx:
            kept = await tx.password(lea.id)
        assert kept is not None and kept.hash.startswith("$argon2id$v=19$m=128,t=2,p=1$")


async def test_the_parameters_are_those_of_the_rfc(world: World) -> None:
    """RFC 9106, 4: the second recommended option, and argon2id."""
    made = await Hashing(world.office.entropy).hash(PASSWORD)
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "aaaaaaaaaaaaaaaaaaaa",
        "qwertyuiop12345678",
        "123456789012345678",
        "lea@acme.test lea",
        "x" * 257,
        "fourteen chars",
    ],
)
async def test_common_and_easy_ones_are_not_taken(ring: Keyring, password: str) -> None:
    with pytest.raises(Invalid):
        await ring.invited("lea", password)
    assert not await ring.passwords.has_one(await ring.world.who("lea"))


async def test_it_is_one_password_however_its_letters_are_composed(ring: Keyring) -> None:
    await ring.invited("lea", "zwölf möwen über köln")
    assert await opened(ring, "lea", "zwo\u0308lf mo\u0308wen u\u0308ber ko\u0308ln")


async def test_only_local_people_have_one_and_only_where_they_may(ring: Keyring) -> None:
    lea = await ring.invited("lea")
    async with ring.world.store.begin() as tx:
        await tx.save_person(replace(lea, source="oidc"))
    with pytest.raises(Unauthenticated):
        await opened(ring, "lea")
    with pytest.raises(Refused, match="the account is oidc's"):
        await ring.passwords.invite("lea@acme.test")
    with pytest.raises(NotFound):
        await ring.passwords.invite("nobody@acme.test")
    await ring.invited("ben")
    link = (await ring.passwords.invite("audrey@acme.test")).link
    off = Keyring(ring.world, local=False)
    with pytest.raises(Unauthenticated):
        await opened(off, "ben")
    with pytest.raises(Unauthenticated):
        await off.passwords.accept(link.partition("#")[2], PASSWORD)
    with pytest.raises(Refused, match="not your password"):
        await off.passwords.change(await ring.world.who("ben"), PASSWORD, OTHER)
    with pytest.raises(Refused, match="no passwords here"):
        await off.passwords.invite("ben@acme.test")


async def test_a_locked_person_signs_in_by_nothing(ring: Keyring) -> None:
    await ring.invited("lea")
    sam = replace(await ring.world.who("sam"), groups=frozenset({"security"}))
    async with ring.world.store.begin() as tx:
        await tx.save_person(sam)
    await ring.world.locks.lock(sam, LockScope.PERSON, "lea@acme.test", "odd", HOUR)
    with pytest.raises(Refused):
        await opened(ring, "lea")


async def test_a_crowd_that_signs_in_at_once_waits_or_comes_again(world: World) -> None:
    hashing = Hashing(world.office.entropy, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    await hashing.matches(None, PASSWORD)
    crowd = [hashing.matches(None, PASSWORD, f"10.0.0.{n}") for n in range(WAITING_MAX + 8)]
    came = await asyncio.gather(*crowd, return_exceptions=True)
    assert [type(one) for one in came].count(TooMany) == 8 and came.count(False) == WAITING_MAX
    of_one = [hashing.matches(None, PASSWORD, "10.0.0.1") for _ in range(WAITING_OF_ONE_MAX + 2)]
    came = await asyncio.gather(*of_one, hashing.matches(None, PASSWORD, "10.0.0.2"), return_exceptions=True)
    assert [type(one) for one in came] == [*[bool] * WAITING_OF_ONE_MAX, TooMany, TooMany, bool]
    assert await hashing.matches(None, PASSWORD, "10.0.0.1") is False


async def test_it_stands_nowhere(ring: Keyring, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in what is told of it nor in what is logged; the store has a hash."""
    caplog.set_level(logging.DEBUG)
    lea = await ring.invited("lea")
    await opened(ring, "lea")
    await ring.passwords.change(lea, PASSWORD, OTHER)
    with pytest.raises(Unauthenticated):
        await opened(ring, "lea", PASSWORD)
    async with ring.world.store.begin() as tx:
        kept = await tx.password(lea.id)
    everything = [repr(ring.world.told), caplog.text, repr(kept), kept.hash if kept else ""]
    assert not any(secret in text for text in everything for secret in (PASSWORD, OTHER))
