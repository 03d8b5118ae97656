"""People and tokens over a real store."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from daypass.domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from daypass.domain.people import OPERATOR, SignIn
from daypass.identity import scram
from daypass.protocols.postgres.scram import PLAIN, Client, Server
from daypass.services.tokens import LASTS_MAX_MS, TOKENS_MAX, USED_MS, Tokens
from tests.domain.things import HOUR, PEOPLE
from tests.services.conftest import World


async def test_people_keep_their_opaque_id(world: World) -> None:
    first = {one.email: one.id for one in await world.people.all()}
    assert len(first) == len(PEOPLE) and not any("@" in id for id in first.values())
    renamed = [replace(one, name="Somebody", groups=frozenset({"x"})) for one in PEOPLE[:2]]
    found = await world.people.sync(renamed)
    assert (len(found.added), len(found.changed), len(found.disabled)) == (0, 2, 4)
    assert (await world.who("ana")).groups == {"x"}
    with pytest.raises(NotFound):
        await world.who("eve")
    back = await world.people.sync(PEOPLE)
    assert len(back.changed) == len(PEOPLE) and not back.added
    assert {one.email: one.id for one in await world.people.all()} == first


async def test_syncing_what_is_known_changes_nothing(world: World) -> None:
    told = len(world.told)
    await world.people.sync(PEOPLE)
    assert len(world.told) == told


async def test_addresses_and_names_stay_out_of_bodies(world: World) -> None:
    for event in world.told:
        assert "acme" not in str(event.body)


async def test_a_token_is_known_by_its_hash_alone(world: World) -> None:
    ana = await world.who("ana")
    issued = await world.tokens.issue(ana.id, OPERATOR, label="laptop")
    assert issued.secret not in repr(issued)
    person, token = await world.tokens.authenticate(issued.secret, "10.0.0.1")
    assert (person, token.id) == (ana, issued.token.id)
    (kept,) = await world.revoking.list(ana)
    assert (kept.last_used_at, kept.last_used_from) == (world.clock.t, "10.0.0.1")
    world.clock.t += USED_MS - 1
    await world.tokens.authenticate(issued.secret, "10.0.0.2")
    assert (await world.revoking.list(ana))[0].last_used_from == "10.0.0.1"


async def test_every_wrong_token_is_refused_in_the_same_words(world: World) -> None:
    ana = await world.who("ana")
    revoked = await world.tokens.issue(ana.id, OPERATOR)
    await world.revoking.revoke(ana, revoked.token.id)
    expired = await world.tokens.issue(ana.id, OPERATOR, lasts_ms=HOUR)
    gone = await world.tokens.issue((await world.who("eve")).id, OPERATOR)
    await world.people.sync([one for one in PEOPLE if one.email != "eve@acme.test"])
    world.clock.t += HOUR
    words = set()
    for secret in (revoked.secret, expired.secret, gone.secret, "", "dp_", "dp_" + "0" * 38, revoked.secret[:-1]):
        with pytest.raises(Unauthenticated) as refused:
            await world.tokens.authenticate(secret, "c")
        words.add(str(refused.value))
    assert len(words) == 1


async def test_how_a_name_signs_in(world: World) -> None:
    ana = await world.who("ana")
    issued = [await world.tokens.issue(ana.id, OPERATOR) for _ in range(2)]
    found = await world.sessions.look_up("Ana@Acme.test")
    assert {one.token_id for one in found.verifiers if one.token_id} == {one.token.id for one in issued}
    stored, server = scram.keys(issued[0].secret, found.salt)
    assert (stored, server) in {(one.stored_key, one.server_key) for one in found.verifiers}
    nobody = await world.sessions.look_up("nobody@acme.test")
    again = await Tokens(world.office).sign_in("nobody@acme.test")
    assert nobody == again
    assert (len(nobody.salt), nobody.iterations) == (len(found.salt), found.iterations)


async def test_as_much_is_tried_for_nobody_as_for_anybody(world: World) -> None:
    """Whether there is somebody, and how many tokens they have, shows in nothing that a stranger is answered."""
    await world.tokens.issue((await world.who("ana")).id, OPERATOR)
    for _ in range(TOKENS_MAX):
        await world.tokens.issue((await world.who("lea")).id, OPERATOR)
    revoked = await world.tokens.issue((await world.who("ben")).id, OPERATOR)
    await world.revoking.revoke(await world.who("ben"), revoked.token.id)
    gone = await world.tokens.issue((await world.who("eve")).id, OPERATOR)
    await world.people.sync([one for one in PEOPLE if one.email != "eve@acme.test"])
    for name in ("nobody", "sam", "ben", "eve", "ana", "lea"):
        found = [await world.sessions.look_up(f"{name}@acme.test") for _ in range(2)]
        assert found[0] == found[1] and len(found[0].verifiers) == TOKENS_MAX, name
        for token in (b"", b"dp_wrong", gone.secret.encode(), revoked.secret.encode()):
            assert proves(found[0], hashlib.pbkdf2_hmac("sha256", token, found[0].salt, scram.ITERATIONS)) is None


def proves(sign_in: SignIn, salted: bytes) -> str | None:
    """The token that a client proves which salted its password to this."""
    client, server = Client(b"c" * 18, (PLAIN,)), Server(sign_in, b"s" * 18, None)
    challenge = server.first(PLAIN, client.first())
    found = server.final(client.final(challenge, salted))
    return found[0] if found is not None else None


async def test_a_token_is_found_among_what_nothing_proves(world: World) -> None:
    ana = await world.who("ana")
    issued = [await world.tokens.issue(ana.id, OPERATOR) for _ in range(3)]
    found = await world.sessions.look_up("ana@acme.test")
    for one in issued:
        salted = hashlib.pbkdf2_hmac("sha256", one.secret.encode(), found.salt, found.iterations)
        assert proves(found, salted) == one.token.id


async def test_limits(world: World) -> None:
    ana = await world.who("ana")
    for _ in range(TOKENS_MAX):
        await world.tokens.issue(ana.id, OPERATOR)
    with pytest.raises(Conflict):
        await world.tokens.issue(ana.id, OPERATOR)
    with pytest.raises(Invalid):
        await world.tokens.issue(ana.id, OPERATOR, lasts_ms=LASTS_MAX_MS + 1)
    with pytest.raises(NotFound):
        await world.tokens.issue("nix", OPERATOR)
