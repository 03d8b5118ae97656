"""Signing in, over a real store, at a provider that lies: codes of others, answers that come twice, a new issuer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest

from daypass.api.front import in_token_form
from daypass.config import PersonSettings
from daypass.domain.errors import Invalid, Unauthenticated
from daypass.domain.events import Event
from daypass.domain.passkey_signature import decode, encode
from daypass.domain.people import Person
from daypass.domain.visit import IDLE_MS, LASTS_MS
from daypass.identity import tokens
from daypass.identity.oidc import Provider, Registered
from daypass.identity.oidc_tokens import BACKCHANNEL
from daypass.services.provider_sign_in import FLOW_MS, ProviderSignIn
from daypass.services.starting import Starting
from daypass.services.tightening import Tightening
from daypass.services.tokens import Tokens
from tests.domain.things import PEOPLE
from tests.servers.lying_provider import CLIENT, Lying, signed
from tests.services.conftest import World, asked_of_store

HERE = "127.0.0.1:9"


class Door:
    """One node of a Daypass at one provider; browsers begin and come back."""

    def __init__(self, world: World, lying: Lying) -> None:
        self.lying = lying
        self.provider = Provider(Registered(lying.issuer, CLIENT, "secret"), lambda: world.clock.t / 1000)
        tightening = Tightening(world.office, Starting(world.office), world.endings)
        self.signing_in = ProviderSignIn(
            world.office,
            Tokens(world.office),
            world.visits,
            world.revoking,
            tightening,
            self.provider,
            "http://localhost",
        )
        now = world.clock.t // 1000
        lying.claims = {"iat": now, "exp": now + 300, "email_verified": True}

    async def begin(self, after: str = "/") -> tuple[dict[str, str], str]:
        """What the browser takes to the provider, and its cookie."""
        begun = await self.signing_in.begin(after, "")
        return {name: value[0] for name, value in parse_qs(urlsplit(begun.url).query).items()}, begun.binding

    async def back(self, asked: dict[str, str], binding: str, issuer: str = "") -> Person:
        flow = await self.signing_in.came_back(asked["state"], binding)
        opened, _ = await self.signing_in.finish(flow, "code", issuer, HERE)
        return opened.person

    async def sign_in(self) -> Person:
        asked, binding = await self.begin()
        self.lying.claims["nonce"] = asked["nonce"]
        return await self.back(asked, binding)


@pytest.fixture
async def door(world: World) -> AsyncIterator[Door]:
    with Lying() as lying:
        made = Door(world, lying)
        yield made
        await made.provider.close()


async def test_a_code_of_somebody_else_signs_nobody_in(door: Door) -> None:
    """Code injection: the code that a thief brings was asked for with another nonce and another challenge."""
    mine, binding = await door.begin()
    thiefs, _ = await door.begin()
    door.lying.claims["nonce"] = thiefs["nonce"]
    with pytest.raises(Unauthenticated):
        await door.back(mine, binding)
    verifier = door.lying.form["code_verifier"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert challenge == mine["code_challenge"] != thiefs["code_challenge"]


async def test_an_answer_counts_once_in_its_browser_and_from_its_issuer(door: Door) -> None:
    asked, binding = await door.begin()
    door.lying.claims["nonce"] = asked["nonce"]
    for other in (tokens.make(b"x" * tokens.ENTROPY_BYTES), "", "dp_"):
        with pytest.raises(Unauthenticated, match="in another browser"):
            await door.back(asked, other)
    assert (await door.back(asked, binding)).email == "nora@acme.test"  # nobody else spoils it
    with pytest.raises(Unauthenticated, match="is over"):
        await door.back(asked, binding)
    asked, binding = await door.begin()
    door.lying.claims["nonce"] = asked["nonce"]
    with pytest.raises(Unauthenticated):
        await door.back(asked, binding, "https://evil.test")
    with pytest.raises(Unauthenticated, match="is over"):  # it was used up by that
        await door.back(asked, binding)
    with pytest.raises(Unauthenticated):
        await door.back({"state": "x"}, binding)
    assert (await door.sign_in()).email == "nora@acme.test"


async def test_a_state_is_ours_on_every_node_and_in_its_one_spelling(door: Door, world: World) -> None:
    asked, binding = await door.begin("/search?q=what+nobody+reads")
    state, raw = asked["state"], decode(asked["state"])
    changed = [encode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]) for place in range(len(raw))]
    for wrong in (*changed, *(state[:length] for length in range(len(state))), state + "=", state + "A", "é"):
        with pytest.raises(Unauthenticated, match="not begun here"):
            await door.signing_in.came_back(wrong, binding)
    assert b"nobody" not in raw and asked["nonce"] not in state
    other = Door(world, door.lying)
    assert (await other.signing_in.came_back(state, binding)).after == "/search?q=what+nobody+reads"
    world.clock.t += FLOW_MS - 1
    flow = await door.signing_in.came_back(state, binding)
    world.clock.t += 1
    with pytest.raises(Unauthenticated, match="too long ago"):
        await door.signing_in.came_back(state, binding)
    door.lying.claims |= {"nonce": asked["nonce"], "iat": world.clock.t // 1000, "exp": world.clock.t // 1000 + 300}
    await door.signing_in.finish(flow, "code", "", HERE)  # who came just before is let in, and once at that
    world.clock.t += FLOW_MS - 1
    with pytest.raises(Unauthenticated, match="is over"):
        await door.signing_in.finish(flow, "code", "", HERE)


async def test_strangers_who_begin_take_nobodys_room(door: Door, world: World) -> None:
    """Nothing is written for them, so that nobody is told to come again later, however many they are."""
    asked, binding = await door.begin()
    with asked_of_store() as statements:
        begun = {(await door.begin())[0]["state"] for _ in range(1000)}
        for state in list(begun)[:10]:
            with pytest.raises(Unauthenticated):
                await door.back({"state": state}, "")
    assert len(begun) == 1000 and not [one for one in statements if not one.lower().startswith("select")]
    door.lying.claims["nonce"] = asked["nonce"]
    assert (await door.back(asked, binding)).email == "nora@acme.test"


async def test_a_logout_token_counts_once(door: Door, world: World) -> None:
    nora = await door.sign_in()
    now = world.clock.t // 1000
    claims = {"iss": door.lying.issuer, "aud": CLIENT, "sub": "s-1", "jti": "j", "iat": now, "exp": now + 60}
    token = signed({**claims, "events": {BACKCHANNEL: {}}})
    assert await door.signing_in.sign_out(token) == 1 and not await world.visits.list(nora)
    await door.sign_in()
    with pytest.raises(Invalid):
        await door.signing_in.sign_out(token)
    assert len(await world.visits.list(nora)) == 1


async def test_a_logout_token_that_was_taken_has_ended_everything(door: Door, world: World) -> None:
    """Also what was made in a browser that was out before, and where the node dies just after its commit."""
    nora = await door.sign_in()
    (visit,) = await world.visits.list(nora)
    held = in_token_form(visit)
    _, made = await world.tokens.issue_by(nora, held, "", label="", lasts_ms=LASTS_MS, scopes=())
    world.clock.t += IDLE_MS
    now = world.clock.t // 1000
    claims = {"iss": door.lying.issuer, "aud": CLIENT, "sub": "s-1", "jti": "j", "iat": now, "exp": now + 60}
    world.office.listeners.append(die)
    with pytest.raises(Died):
        await door.signing_in.sign_out(signed({**claims, "events": {BACKCHANNEL: {}}}))
    world.office.listeners.remove(die)
    with pytest.raises(Unauthenticated):
        await world.tokens.authenticate(made.secret, HERE)


class Died(Exception):
    """The node, just after its commit."""


def die(event: Event) -> None:
    raise Died


async def test_a_claim_that_is_left_out_says_no_groups(door: Door) -> None:
    assert (await door.sign_in()).groups == {"a"}
    door.lying.claims["groups"] = None
    assert (await door.sign_in()).groups == frozenset()


async def test_another_issuer_knows_nobody_by_the_same_subject(door: Door, world: World) -> None:
    await world.people.trust("https://old.test")
    nora = await door.sign_in()
    assert await world.people.trust("https://old.test") == 0
    assert await world.people.trust(door.lying.issuer) == 1
    assert world.last("person.changed").body["change"] == "unbound"
    door.lying.claims |= {"email": "mallory@acme.test"}
    mallory = await door.sign_in()  # the new provider calls her what the old one called Nora
    assert mallory.id != nora.id
    kept = [PersonSettings(one.email, one.name, one.groups) for one in PEOPLE]
    await world.people.sync([*kept, PersonSettings("lu@acme.test", "Lu", frozenset(), subject="s-9")])
    await world.people.trust("https://third.test")
    await world.people.sync([*kept, PersonSettings("lu@acme.test", "Lu", frozenset(), subject="s-9")])
    assert (await world.who("lu")).subject == "s-9"
