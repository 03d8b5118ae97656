"""Votes signed by a passkey: taken here, checked by the ledger's verifier, and tampering with any part of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from daypass.domain.errors import Conflict, Refused
from daypass.domain.passkey_signature import read_assertion
from daypass.domain.request import RequestState
from daypass.ledger.entry import seal
from daypass.ledger.tampering import Tampered
from daypass.ledger.votes import MARKS, Votes
from daypass.services.requests import Narrowed
from daypass.services.signing import Signed
from tests.domain.things import HOUR
from tests.identity.authenticator import EDDSA, ES256, RS256, UP, UV, Authenticator, b64, unb64
from tests.services.conftest import SIMPLE, World
from tests.services.keyring import Keyring
from tests.services.test_signing import WRONG, keygen, public, said, sign

STEP_UP = SIMPLE.replace("undecided_after: 4h", "undecided_after: 4h\n      step_up: passkey")
SIGNED = SIMPLE.replace("undecided_after: 4h", "undecided_after: 4h\n      signed: true")


def by(key: Authenticator, text: str) -> Signed:
    return Signed(text, passkey=read_assertion(key.vote(text)))


@pytest.mark.parametrize("policy", [STEP_UP, SIGNED, SIMPLE])
async def test_a_vote_signed_by_passkey_decides(ring: Keyring, policy: str) -> None:
    world = ring.world
    world.use(policy)
    asked, lea = await world.asked(), await world.who("lea")
    key = await ring.enrol("lea")
    (kept,) = await ring.passkeys.list(lea)
    text = said(asked, narrowed_ms=HOUR // 2)
    signed = by(key, text)
    with pytest.raises(Refused, match="its narrowed_ms is another"):
        await world.requests.approve(lea, asked.id, signed=signed)
    approved = await world.requests.approve(lea, asked.id, narrowed=Narrowed(HOUR // 2), signed=signed)
    assert approved.state is RequestState.APPROVED and signed.passkey is not None
    told = world.last("request.voted").body["signed"]
    assert told == {"statement": text, "passkey": {**signed.passkey.plain(), "enrolled": kept.entry}}
    assert (await ring.passkeys.list(lea))[0].counter == signed.passkey.counter


async def test_where_policy_asks_for_a_step_up_nothing_else_will_do(ring: Keyring, tmp_path: Any) -> None:
    world = ring.world
    world.use(STEP_UP)
    asked, lea = await world.asked(), await world.who("lea")
    with pytest.raises(Refused, match="signed by a passkey only"):
        await world.requests.approve(lea, asked.id)
    ssh = keygen(tmp_path, "-t", "ed25519")
    await world.signing.enrol(lea, public(ssh))
    text = said(asked)
    with pytest.raises(Refused, match="signed by a passkey only"):
        await world.requests.approve(lea, asked.id, signed=Signed(text, sign(text, ssh)))
    with pytest.raises(Refused, match="signed by a passkey only"):
        await world.requests.deny(lea, asked.id, note="no")
    key = await ring.enrol("lea")
    no = said(asked, decision="deny")
    denied = await world.requests.deny(lea, asked.id, note="no", signed=by(key, no))
    assert denied.state is RequestState.DENIED


@pytest.mark.parametrize(("more", "why"), WRONG)
async def test_what_the_passkey_signed_is_what_is_decided(ring: Keyring, more: dict[str, object], why: str) -> None:
    asked, lea = await ring.world.asked(), await ring.world.who("lea")
    key = await ring.enrol("lea")
    with pytest.raises(Refused, match=why):
        await ring.world.requests.approve(lea, asked.id, signed=by(key, said(asked, **more)))
    assert (await ring.world.request(asked.id)).votes == ()


async def test_whose_passkey_it_is(ring: Keyring) -> None:
    world = ring.world
    asked, lea, ben = await world.asked(), await world.who("lea"), await world.who("ben")
    key = Authenticator()
    signed = by(key, said(asked))
    with pytest.raises(Refused, match="not enrolled for you"):
        await world.requests.approve(lea, asked.id, signed=signed)
    await ring.enrol("ben", key)
    with pytest.raises(Refused, match="not enrolled for you"):
        await world.requests.approve(lea, asked.id, signed=signed)
    ben, visit = await ring.visit("ben", "passkey")
    await ring.make(ben, visit, Authenticator())
    await ring.passkeys.remove(ben, visit, (await ring.kept(key)).id)
    with pytest.raises(Refused, match="not enrolled for you"):
        await world.requests.approve(ben, asked.id, signed=signed)


OTHERWISE: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "another site": ({"rp_id": "evil.test"}, "another relying party"),
    "another origin": ({"origin": "http://localhost:1"}, "another origin"),
    "made, not shown": ({"type": "webauthn.create"}, "something else than signing"),
    "nobody there": ({"flags": UV}, "UP"),
    "nobody verified": ({"flags": UP}, "UV"),
}


@pytest.mark.parametrize("case", OTHERWISE)
async def test_a_passkey_used_otherwise_does_not_vote(ring: Keyring, case: str) -> None:
    asked, lea = await ring.world.asked(), await ring.world.who("lea")
    key = await ring.enrol("lea")
    more, why = OTHERWISE[case]
    other = replace(key, **more)
    other.key = key.key
    with pytest.raises(Refused, match=why):
        await ring.world.requests.approve(lea, asked.id, signed=by(other, said(asked)))


async def test_an_answer_to_something_else_is_no_vote(ring: Keyring) -> None:
    """Signing in, or another vote, answers another challenge."""
    asked, lea = await ring.world.asked(), await ring.world.who("lea")
    key = await ring.enrol("lea")
    answer = await ring.answer(key)
    other = read_assertion(key.vote(said(asked, decision="deny")))
    for given in (answer, other):
        with pytest.raises(Refused, match="its challenge is another"):
            await ring.world.requests.approve(lea, asked.id, signed=Signed(said(asked), passkey=given))


async def test_a_copied_passkey_does_not_vote_and_is_on_record(ring: Keyring) -> None:
    asked, lea = await ring.world.asked(), await ring.world.who("lea")
    key = await ring.enrol("lea", Authenticator(counter=5))
    key.counter = 5
    with pytest.raises(Refused, match="counter went back"):
        await ring.world.requests.approve(lea, asked.id, signed=by(key, said(asked)))
    assert ring.world.last("key.suspected").body["person"] == lea.id
    assert (await ring.world.request(asked.id)).votes == ()


async def test_one_answer_is_counted_once(ring: Keyring) -> None:
    asked, lea = await ring.world.asked(), await ring.world.who("lea")
    key = await ring.enrol("lea")
    signed = by(key, said(asked, decision="deny"))
    await ring.world.requests.deny(lea, asked.id, note="no", signed=signed)
    with pytest.raises(Conflict, match="counted already"):
        await ring.world.requests.deny(lea, asked.id, note="no", signed=signed)


def entries(world: World) -> list[dict[str, Any]]:
    """The entries about keys and votes, as the verifier reads them, with the ids that the store gave them."""
    found = [json.loads(seal(event, os.urandom).entry) for event in world.told]
    return [one for one in found if packed(one).endswith(MARKS)]


def packed(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def follow(*those: dict[str, Any]) -> int:
    votes = Votes()
    for index, entry in enumerate(those):
        votes.follow(index, packed(entry))
    return votes.signed


async def voted(ring: Keyring, algorithm: str = ES256) -> tuple[dict[str, Any], dict[str, Any], Authenticator]:
    """An enrolment and a vote, as entries."""
    asked, lea = await ring.world.asked(), await ring.world.who("lea")
    key = await ring.enrol("lea", Authenticator(algorithm=algorithm))
    await ring.world.requests.approve(lea, asked.id, signed=by(key, said(asked)))
    enrolment, vote = entries(ring.world)
    enrolment["id"] = (await ring.passkeys.list(lea))[0].entry
    return enrolment, vote, key


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_the_verifier_takes_it_with_nothing_but_the_entries(ring: Keyring, algorithm: str) -> None:
    enrolment, vote, _ = await voted(ring, algorithm)
    assert follow(enrolment, vote) == 1


def copied(entry: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(entry)))


def flipped(text: str, at: int = 10) -> str:
    raw = unb64(text)
    return b64(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])


def _in_passkey(name: str, change: Callable[[str], str]) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def tamper(enrolment: dict[str, Any], vote: dict[str, Any]) -> None:
        passkey = vote["body"]["signed"]["passkey"]
        passkey[name] = change(passkey[name])

    return tamper


def _in_client_data(old: bytes, new: bytes) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return _in_passkey("client_data", lambda text: b64(unb64(text).replace(old, new, 1)))


def _in_flags(flags: int) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return _in_passkey("authenticator_data", lambda text: b64(unb64(text)[:32] + bytes([flags]) + unb64(text)[33:]))


def _in_enrolment(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def tamper(enrolment: dict[str, Any], vote: dict[str, Any]) -> None:
        enrolment["body"][name] = value(enrolment["body"][name]) if callable(value) else value

    return tamper


def _statement(enrolment: dict[str, Any], vote: dict[str, Any]) -> None:
    signed = vote["body"]["signed"]
    signed["statement"] = signed["statement"].replace("0123456789abcdef", "fedcba9876543210")


def _voter(enrolment: dict[str, Any], vote: dict[str, Any]) -> None:
    vote["actor"]["id"] = "0" * 36


def _decision(enrolment: dict[str, Any], vote: dict[str, Any]) -> None:
    vote["decision"] = "deny"


def _enrolment_id(enrolment: dict[str, Any], vote: dict[str, Any]) -> None:
    enrolment["id"] = "0" * 36


OTHER_KEY = b64(Authenticator().cose())
TAMPERED: Mapping[str, tuple[Callable[[dict[str, Any], dict[str, Any]], None], str]] = {
    "the statement": (_statement, "entry 1: .*challenge is another"),
    "the decision": (_decision, "entry 1: what was signed is not what was voted on: its decision"),
    "the voter": (_voter, "entry 1: .*has not enrolled"),
    "the signature": (_in_passkey("signature", flipped), "entry 1: .*does not hold"),
    "the credential": (_in_passkey("credential", flipped), "entry 1: .*has not enrolled"),
    "the enrolment that it names": (_in_passkey("enrolled", lambda _: "x"), "entry 1: .*has not enrolled"),
    "the enrolment's id": (_enrolment_id, "entry 1: .*has not enrolled"),
    "the relying party's hash": (_in_passkey("authenticator_data", flipped), "entry 1: .*another relying party"),
    "the flags": (_in_flags(UP | UV | 0x08), "entry 1: .*does not hold"),
    "UP": (_in_flags(UV), "entry 1: .*UP"),
    "UV": (_in_flags(UP), "entry 1: .*UV"),
    "the counter": (_in_passkey("authenticator_data", lambda text: flipped(text, 36)), "entry 1: .*does not hold"),
    "the client data's challenge": (_in_client_data(b'challenge":"', b'challenge":"A'), "challenge is another"),
    "the client data's origin": (_in_client_data(b"localhost:8420", b"localhost:8421"), "another origin"),
    "the client data's type": (_in_client_data(b"webauthn.get", b"webauthn.got"), "something else than signing"),
    "the client data's frame": (_in_client_data(b"false", b"true"), "within another site's page"),
    "a blank in the client data": (_in_client_data(b'","', b'", "'), "entry 1: .*does not hold"),
    "the enrolled key": (_in_enrolment("public", OTHER_KEY), "entry 1: .*does not hold"),
    "the enrolled key's bytes": (_in_enrolment("public", lambda text: flipped(text, 3)), "entry 0: enrols a passkey"),
    "the enrolled credential": (_in_enrolment("credential", "YQ"), "entry 1: .*has not enrolled"),
    "the enrolled person": (_in_enrolment("person", "x"), "entry 0: .*another person"),
    "the enrolled origin": (_in_enrolment("origin", "http://localhost:9"), "entry 1: .*another origin"),
    "the enrolled site": (_in_enrolment("rp_id", "evil.test"), "entry 0: .*another site"),
}


@pytest.mark.parametrize("case", TAMPERED)
async def test_the_verifier_sees_tampering_with_any_part_of_it(ring: Keyring, case: str) -> None:
    enrolment, vote, _ = await voted(ring)
    tamper, why = TAMPERED[case]
    enrolment, vote = copied(enrolment), copied(vote)
    tamper(enrolment, vote)
    with pytest.raises(Tampered, match=why):
        follow(enrolment, vote)


async def test_a_passkey_counts_from_its_enrolment_to_its_removal(ring: Keyring) -> None:
    enrolment, vote, key = await voted(ring)
    with pytest.raises(Tampered, match="has not enrolled"):
        follow(vote)
    with pytest.raises(Tampered, match="enrolled already"):
        follow(enrolment, enrolment)
    lea, visit = await ring.visit("lea", "passkey")
    await ring.make(lea, visit, Authenticator())
    await ring.passkeys.remove(lea, visit, (await ring.kept(key)).id)
    removal = entries(ring.world)[-1]
    assert follow(enrolment, vote, removal) == 1
    with pytest.raises(Tampered, match="has not enrolled"):
        follow(enrolment, removal, vote)
