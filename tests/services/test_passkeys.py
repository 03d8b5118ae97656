"""Passkeys: what enrolling and removing takes, what signing in and stepping up by them does, and copied ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.errors import Conflict, Invalid, NotFound, Refused, Unauthenticated
from daypass.domain.passkey import FRESH_MS
from daypass.domain.passkey_signature import encode, read_assertion
from daypass.identity.passkeys import CHALLENGE_MS, relying_party
from daypass.services.passkeys import PASSKEYS_MAX
from tests.domain.things import HOUR
from tests.identity.authenticator import EDDSA, ES256, RS256, UP, UV, Authenticator, unb64
from tests.services.conftest import values
from tests.services.keyring import PASSWORD, WHERE, Keyring


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_enrolling_is_on_record_with_all_that_is_needed_offline(ring: Keyring, algorithm: str) -> None:
    key = await ring.enrol("lea", Authenticator(algorithm=algorithm))
    lea = await ring.world.who("lea")
    event = ring.world.last("key.enrolled")
    assert values(event) == {
        "kind": "passkey",
        "key": (await ring.passkeys.list(lea))[0].id,
        "person": lea.id,
        "credential": key.id,
        "public": encode(key.cose()),
        "algorithm": algorithm,
        "rp_id": "localhost",
        "origin": "http://localhost:8420",
        "attestation": "none",
        "by": "password",
    }
    assert dict(event.secret) == {"name": "laptop"}
    (kept,) = await ring.passkeys.list(lea)
    async with ring.world.store.reading() as tx:
        entry = await tx.entry(kept.entry)
    assert entry is not None and entry.type == "key.enrolled"


@pytest.mark.parametrize("way", ["token", "passkey"])
async def test_being_signed_in_is_not_enough_to_enrol(ring: Keyring, way: str) -> None:
    """A `passkey` visit that is old says nothing either."""
    person, visit = await ring.visit("lea", way)
    ring.world.clock.t += FRESH_MS
    for one in (visit, None):
        with pytest.raises(Refused, match="fresh proof"):
            await ring.passkeys.begin(person, one)
    assert await ring.passkeys.proof(person, visit) is None


@pytest.mark.parametrize(("way", "proof"), [("password", "password"), ("oidc", "provider")])
async def test_a_sign_in_of_a_moment_ago_enrols_the_first_one_only(ring: Keyring, way: str, proof: str) -> None:
    person, visit = await ring.visit("lea", way)
    assert await ring.passkeys.proof(person, visit) == proof
    key = await ring.enrol("lea", visit=visit)
    assert ring.world.last("key.enrolled").body["by"] == proof
    with pytest.raises(Refused, match="fresh proof"):
        await ring.passkeys.begin(person, visit)
    shown = await ring.shown(person, visit, key)
    await ring.enrol("lea", visit=shown)
    assert ring.world.last("key.enrolled").body["by"] == "passkey"
    ring.world.clock.t += FRESH_MS
    with pytest.raises(Refused, match="fresh proof"):
        await ring.passkeys.begin(person, shown)


async def test_what_was_proven_has_to_hold_until_it_is_enrolled(ring: Keyring) -> None:
    person, visit = await ring.visit("lea")
    asked = await ring.passkeys.begin(person, visit)
    ring.world.clock.t += FRESH_MS - CHALLENGE_MS
    later = await ring.passkeys.begin(person, visit)
    ring.world.clock.t += CHALLENGE_MS - 1
    made = Authenticator().create(asked.options)
    with pytest.raises(Unauthenticated, match="too long ago"):
        await ring.passkeys.enrol(person, visit, "x", unb64(made["client_data"]), unb64(made["attestation"]))
    ring.world.clock.t += 1
    made = Authenticator().create(later.options)
    with pytest.raises(Unauthenticated):
        await ring.passkeys.enrol(person, visit, "x", unb64(made["client_data"]), unb64(made["attestation"]))
    assert await ring.passkeys.list(person) == []


WRONG = [
    Authenticator(rp_id="evil.test"),
    Authenticator(origin="http://localhost:1"),
    Authenticator(flags=UP),
    Authenticator(flags=UV),
    Authenticator(more={"crossOrigin": True}),
    Authenticator(more={"topOrigin": "https://evil.test"}),
    Authenticator(more={"type": "webauthn.get"}),
]


@pytest.mark.parametrize("key", WRONG)
async def test_what_no_browser_of_ours_made_is_not_enrolled(ring: Keyring, key: Authenticator) -> None:
    person, visit = await ring.visit("lea")
    with pytest.raises(Invalid):
        await ring.make(person, visit, key)
    assert await ring.passkeys.list(person) == []


async def test_bytes_that_are_no_attestation_enrol_nothing(ring: Keyring) -> None:
    person, visit = await ring.visit("lea")
    for attestation in (b"", b"\xa0", b"\xff" * 50, b"\xbf\xff", b"\xa1\x68authData\x41\x00", b"\x9f" * 400):
        made = Authenticator().create((await ring.passkeys.begin(person, visit)).options)
        with pytest.raises(Invalid):
            await ring.passkeys.enrol(person, visit, "x", unb64(made["client_data"]), attestation)


async def test_a_challenge_is_good_once_and_for_its_person_alone(ring: Keyring) -> None:
    lea, visit = await ring.visit("lea")
    ben, of_ben = await ring.visit("ben")
    made = Authenticator().create((await ring.passkeys.begin(lea, visit)).options)
    parts = unb64(made["client_data"]), unb64(made["attestation"])
    with pytest.raises(Unauthenticated):
        await ring.passkeys.enrol(ben, of_ben, "x", *parts)
    with pytest.raises(Unauthenticated):
        await ring.passkeys.enrol(lea, visit, "x", *parts)


async def test_one_credential_is_enrolled_once(ring: Keyring) -> None:
    key = await ring.enrol("lea")
    person, visit = await ring.visit("ben")
    with pytest.raises(Conflict, match="enrolled already"):
        await ring.make(person, visit, key)


async def test_a_person_has_so_many_and_agents_none(ring: Keyring) -> None:
    lea, visit = await ring.visit("lea", "passkey")
    for _ in range(PASSKEYS_MAX):
        await ring.make(lea, visit, Authenticator())
    with pytest.raises(Conflict, match=f"{PASSKEYS_MAX} passkeys already"):
        await ring.passkeys.begin(lea, visit)
    agent = replace(await ring.world.who("ben"), agent_of=lea.id)
    async with ring.world.store.begin() as tx:
        await tx.save_person(agent)
    with pytest.raises(Refused, match="an agent"):
        await ring.passkeys.begin(agent, visit)
    with pytest.raises(Refused, match="an agent"):
        await ring.vouchings.ask(agent, None)


async def test_it_is_renamed_and_removed_by_its_person(ring: Keyring) -> None:
    key = await ring.enrol("lea")
    lea, visit = await ring.visit("lea", "passkey")
    await ring.make(lea, visit, Authenticator())
    (first,) = [one for one in await ring.passkeys.list(lea) if one.credential == key.id]
    named = await ring.passkeys.rename(lea, first.id, "  the blue\n one ")
    assert named.name == "the blue one" and ring.world.last("key.renamed").secret["name"] == "the blue one"
    ben, of_ben = await ring.visit("ben", "passkey")
    with pytest.raises(NotFound):
        await ring.passkeys.rename(ben, first.id, "mine")
    with pytest.raises(NotFound):
        await ring.passkeys.remove(ben, of_ben, first.id)
    with pytest.raises(Refused, match="fresh proof"):
        await ring.passkeys.remove(lea, None, first.id)
    removed = await ring.passkeys.remove(lea, visit, first.id[-8:])
    assert removed.removed_at == ring.world.clock.t
    body = ring.world.last("key.revoked").body
    assert (body["kind"], body["credential"], body["by"]) == ("passkey", key.id, "passkey")
    assert await ring.passkeys.remove(lea, None, first.id) == removed
    assert len(await ring.world.visits.list(lea)) == 2  # it signed nobody out
    with pytest.raises(Unauthenticated, match="nobody can sign in by this"):
        await ring.passkeys.sign_in(await ring.answer(key), WHERE)


async def test_the_last_one_goes_only_where_something_else_is_left(ring: Keyring) -> None:
    await ring.enrol("lea")
    lea, visit = await ring.visit("lea", "passkey")
    (only,) = await ring.passkeys.list(lea)
    with pytest.raises(Refused, match="last passkey"):
        await ring.passkeys.remove(lea, visit, only.id)
    await ring.invited("lea")
    lea, visit = await ring.visit("lea", "passkey")
    assert (await ring.passkeys.remove(lea, visit, only.id)).removed_at is not None


async def test_signing_in_by_it_alone(ring: Keyring) -> None:
    key = await ring.enrol("lea")
    opened = await ring.passkeys.sign_in(await ring.answer(key), WHERE)
    assert (opened.person.email, opened.visit.way) == ("lea@acme.test", "passkey")
    assert opened.visit.passkey_at == ring.world.clock.t
    assert ring.world.last("visit.opened").body["way"] == "passkey"


async def test_an_answer_signs_in_once_and_in_time(ring: Keyring) -> None:
    key = await ring.enrol("lea", Authenticator(counter=0))
    given = await ring.answer(key)
    await ring.passkeys.sign_in(given, WHERE)
    with pytest.raises(Unauthenticated):
        await ring.passkeys.sign_in(given, WHERE)
    late = await ring.answer(key)
    ring.world.clock.t += CHALLENGE_MS
    with pytest.raises(Unauthenticated):
        await ring.passkeys.sign_in(late, WHERE)


async def test_a_challenge_that_is_not_ours_signs_nobody_in(ring: Keyring) -> None:
    """Nothing is kept of challenges that strangers ask for; they say by themselves that they are ours."""
    key = await ring.enrol("lea")
    ours = unb64((await ring.passkeys.begin_sign_in()).challenge)
    later = (ring.world.clock.t + HOUR).to_bytes(8, "big")
    for challenge in (later + ours[8:], ours[:-1] + bytes([ours[-1] ^ 1]), ours[:-16], ours + b"x", b"", bytes(56)):
        with pytest.raises(Unauthenticated):
            await ring.passkeys.sign_in(read_assertion(key.get(encode(challenge))), WHERE)
    async with ring.world.store.reading() as tx:
        assert await tx.count_flows("passkey sign-in", live_at=ring.world.clock.t) == 0
    other = Keyring(ring.world)  # another node
    assert await other.passkeys.sign_in(read_assertion(key.get(encode(ours))), WHERE)


async def test_strangers_and_wrong_signatures_look_the_same(ring: Keyring) -> None:
    known = await ring.enrol("lea")
    told = set()
    stranger = Authenticator()
    pretender = Authenticator(credential=known.credential)
    for key in (stranger, pretender, replace_flags(known, UP), replace_flags(known, UV)):
        with pytest.raises(Unauthenticated) as refused:
            await ring.passkeys.sign_in(await ring.answer(key), WHERE)
        told.add(str(refused.value))
    assert len(told) == 1


def replace_flags(key: Authenticator, flags: int) -> Authenticator:
    other = replace(key, flags=flags)
    other.key = key.key
    return other


async def test_whom_the_provider_keeps_sign_in_there(ring: Keyring) -> None:
    key = await ring.enrol("lea")
    async with ring.world.store.begin() as tx:
        await tx.save_person(replace(await ring.world.who("lea"), source="oidc"))
    with pytest.raises(Unauthenticated):
        await ring.passkeys.sign_in(await ring.answer(key), WHERE)
    off = Keyring(ring.world, local=False)
    other = await off.enrol("ben")
    with pytest.raises(Unauthenticated):
        await off.passkeys.sign_in(await off.answer(other), WHERE)


async def test_a_counter_that_went_back_is_refused_and_on_record(ring: Keyring) -> None:
    """What a copied authenticator does. Nothing else of the call is kept."""
    key = await ring.enrol("lea", Authenticator(counter=7))
    await ring.passkeys.sign_in(await ring.answer(key), WHERE)
    lea = await ring.world.who("lea")
    (kept,) = await ring.passkeys.list(lea)
    assert kept.counter == 8
    for counter in (8, 1, 0):
        key.counter = counter
        before = await ring.world.visits.list(lea)
        with pytest.raises(Refused, match="counter went back"):
            await ring.passkeys.sign_in(await ring.answer(key), WHERE)
        body = ring.world.last("key.suspected").body
        assert (body["key"], body["counter"], body["counter_was"]) == (kept.id, counter, 8)
        assert await ring.world.visits.list(lea) == before
    key.counter = 9
    assert (await ring.passkeys.sign_in(await ring.answer(key), WHERE)).person.id == lea.id


async def test_stepping_up_is_for_one_browser(ring: Keyring) -> None:
    key = await ring.enrol("lea")
    lea, visit = await ring.visit("lea", "token")
    _, other = await ring.visit("lea", "token")
    asked = await ring.passkeys.begin_step_up(lea, visit)
    assert asked.options["allowCredentials"][0]["id"] == key.id
    with pytest.raises(Unauthenticated):
        await ring.passkeys.step_up(lea, other, read_assertion(key.get(asked.challenge)))
    shown = await ring.shown(lea, visit, key)
    assert shown.passkey_at == ring.world.clock.t
    assert [one.passkey_at for one in await ring.world.visits.list(lea) if one.id == other.id] == [None]
    with pytest.raises(Refused, match="with a browser"):
        await ring.passkeys.begin_step_up(lea, None)
    ben, of_ben = await ring.visit("ben", "token")
    with pytest.raises(NotFound, match="no passkey"):
        await ring.passkeys.begin_step_up(ben, of_ben)


async def test_one_challenge_is_for_one_thing(ring: Keyring) -> None:
    key = await ring.enrol("lea")
    lea, visit = await ring.visit("lea", "token")
    sign_in = await ring.passkeys.begin_sign_in()
    with pytest.raises(Unauthenticated):
        await ring.passkeys.step_up(lea, visit, read_assertion(key.get(sign_in.challenge)))
    step_up = await ring.passkeys.begin_step_up(lea, visit)
    with pytest.raises(Unauthenticated):
        await ring.passkeys.sign_in(read_assertion(key.get(step_up.challenge)), WHERE)


async def test_a_flood_of_challenges_enrols_no_more_than_one_may_have(ring: Keyring) -> None:
    lea, visit = await ring.visit("lea", "passkey")
    asked = [await ring.passkeys.begin(lea, visit) for _ in range(2)]
    for _ in range(PASSKEYS_MAX - 1):
        await ring.make(lea, visit, Authenticator())
    enrolled = 0
    for one in asked:
        made = Authenticator().create(one.options)
        try:
            await ring.passkeys.enrol(lea, visit, "x", unb64(made["client_data"]), unb64(made["attestation"]))
            enrolled += 1
        except Conflict:
            continue
    assert enrolled == 1


def test_an_address_has_no_passkeys() -> None:
    for url in ("http://127.0.0.1:8420", "https://10.0.0.1", "http://[::1]:8420"):
        assert relying_party(url, "acme.test/prod") is None
    party = relying_party("https://daypass.acme.test:8443", "acme.test/prod")
    assert party is not None and (party.id, party.origin) == ("daypass.acme.test", "https://daypass.acme.test:8443")


async def test_password_and_passkey_together(ring: Keyring) -> None:
    """Whoever has a passkey signs in by a password only with it."""
    await ring.invited("lea")
    key = await ring.enrol("lea")
    asked = await ring.passwords.sign_in("lea@acme.test", PASSWORD, WHERE)
    assert not hasattr(asked, "visit")
    stranger = await ring.enrol("ben")
    with pytest.raises(Unauthenticated):
        await ring.passkeys.sign_in(read_assertion(stranger.get(asked.challenge)), WHERE)  # type: ignore[union-attr]
    asked = await ring.passwords.sign_in("lea@acme.test", PASSWORD, WHERE)
    opened = await ring.passkeys.sign_in(read_assertion(key.get(asked.challenge)), WHERE)  # type: ignore[union-attr]
    assert (opened.visit.way, opened.visit.passkey_at) == ("password", ring.world.clock.t)
