"""Passkeys' signatures: what holds, and that everything else does not. The library `webauthn`, which is not ours, reads
the same bytes and says the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from webauthn import verify_authentication_response
from webauthn.helpers.exceptions import WebAuthnException

from daypass.domain.errors import Invalid
from daypass.domain.passkey_signature import (
    Assertion,
    challenge_of,
    check_assertion,
    decode,
    encode,
    read_assertion,
    read_cose,
)
from tests.identity.authenticator import AT, BE, BS, ED, EDDSA, ES256, RS256, UP, UV, Authenticator, b64

STATEMENT = '{"decision":"approve"}\n'
CHALLENGE = challenge_of(STATEMENT)
ORIGIN = "http://localhost:8420"


def signed(key: Authenticator) -> Assertion:
    return read_assertion(key.vote(STATEMENT))


def check(key: Authenticator, given: Assertion) -> None:
    check_assertion(given, key.cose(), "localhost", ORIGIN, CHALLENGE)


def by_the_library(key: Authenticator, given: Assertion) -> None:
    plain = {
        "id": given.credential,
        "rawId": given.credential,
        "type": "public-key",
        "response": {
            "clientDataJSON": encode(given.client_data),
            "authenticatorData": encode(given.authenticator_data),
            "signature": encode(given.signature),
        },
    }
    verify_authentication_response(
        credential=plain,
        expected_challenge=CHALLENGE,
        expected_rp_id="localhost",
        expected_origin=ORIGIN,
        credential_public_key=key.cose(),
        credential_current_sign_count=0,
        require_user_verification=True,
    )


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_what_an_authenticator_signs_holds_here_and_in_the_library(algorithm: str) -> None:
    key = Authenticator(algorithm=algorithm, counter=7)
    given = signed(key)
    check(key, given)
    by_the_library(key, given)
    assert given.counter == 7 and read_assertion(given.plain()) == given
    with pytest.raises(Invalid, match="does not hold"):
        check(Authenticator(algorithm=algorithm), given)


@pytest.mark.parametrize("flags", [UP | UV | BE, UP | UV | BE | BS])
def test_a_passkey_that_is_synchronised_is_one(flags: int) -> None:
    key = Authenticator(flags=flags, counter=0)
    check(key, signed(key))


def test_extensions_may_follow_where_the_flags_say_so() -> None:
    key = Authenticator(flags=UP | UV | ED)
    data = key.data() + b"\xa1\x63abc\xf5"
    client = key.client_data("webauthn.get", b64(CHALLENGE))
    check(key, Assertion(key.id, data, client, key.sign(data + sha256(client))))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


WRONG: Mapping[str, tuple[Callable[[Authenticator], None], str]] = {
    "another relying party": (lambda key: setattr(key, "rp_id", "evil.test"), "another relying party"),
    "another origin": (lambda key: setattr(key, "origin", "http://localhost:8421"), "another origin"),
    "another type": (lambda key: setattr(key, "type", "webauthn.create"), "something else than signing"),
    "nobody there": (lambda key: setattr(key, "flags", UV), "UP"),
    "nobody verified": (lambda key: setattr(key, "flags", UP), "UV"),
    "backed up and not eligible": (lambda key: setattr(key, "flags", UP | UV | BS), "contradict"),
    "attested": (lambda key: setattr(key, "flags", UP | UV | AT), "contradict"),
    "framed": (lambda key: key.more.update(crossOrigin=True), "within another site's page"),
    "framed, told otherwise": (lambda key: key.more.update(topOrigin="https://x.test"), "within another site's page"),
    "another challenge": (lambda key: key.more.update(challenge=b64(bytes(32))), "its challenge is another"),
    "a challenge with padding": (lambda key: key.more.update(challenge=b64(CHALLENGE) + "="), "challenge is another"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_was_signed_for_something_else_does_not_hold(case: str) -> None:
    """The signature itself is right in all of them."""
    key = Authenticator()
    change, why = WRONG[case]
    change(key)
    with pytest.raises(Invalid, match=why):
        check(key, signed(key))


@pytest.mark.parametrize("case", ["another relying party", "another origin", "another type", "nobody there"])
def test_the_library_refuses_the_same(case: str) -> None:
    key = Authenticator()
    WRONG[case][0](key)
    with pytest.raises(WebAuthnException):
        by_the_library(key, signed(key))


@pytest.mark.parametrize("part", ["authenticator_data", "client_data", "signature"])
@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_no_byte_of_it_can_be_changed(algorithm: str, part: str) -> None:
    key = Authenticator(algorithm=algorithm)
    given = signed(key)
    whole = getattr(given, part)
    for at in range(0, len(whole), 5):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(Invalid):
            check(key, replace(given, **{part: changed}))
    for cut in (whole[:-1], whole + b"\0", whole[:5]):
        with pytest.raises(Invalid):
            check(key, replace(given, **{part: cut}))


def test_client_data_whose_keys_stand_twice_is_none() -> None:
    key = Authenticator()
    client = key.client_data("webauthn.get", b64(CHALLENGE))[:-1] + b',"type":"webauthn.get"}'
    data = key.data()
    given = Assertion(key.id, data, client, key.sign(data + sha256(client)))
    with pytest.raises(Invalid, match="is not JSON"):
        check(key, given)


@pytest.mark.parametrize("client", [b"", b"[]", b"\xff", b"{" * 2000, json.dumps("x").encode()])
def test_client_data_that_is_none(client: bytes) -> None:
    key = Authenticator()
    with pytest.raises(Invalid):
        check(key, replace(signed(key), client_data=client))


EC = Authenticator().cose()
ED25519 = Authenticator(algorithm=EDDSA).cose()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xa0",
        b"\xa5",
        EC[:-1],
        EC + b"\0",
        b"\xa6" + EC[1:] + b"\x04\x00",  # one key more
        EC.replace(b"\x20\x01", b"\x20\x02", 1),  # P-384's number
        EC.replace(b"\x03\x26", b"\x03\x38\x22", 1),  # ES384
        EC[:-32] + bytes(32),  # no point of the curve
        b"\xa5\x01\x02\x01\x02" + EC[5:],  # a label twice
        b"\xa5\x18\x01\x02" + EC[3:],  # not the shortest form
        ED25519.replace(b"\x20\x06", b"\x20\x04", 1),  # X25519
        b"\xa4\x01\x03\x03\x39\x01\x00\x20\x58\x80" + b"\xff" * 128 + b"\x21\x43\x01\x00\x01",  # RSA of 1024 bits
        b"\xa4\x01\x01\x03\x27\x20\x06\x21\xf6",
        b"\xbf\xff",
        b"\xa1\x01" * 2000,
    ],
    ids=[f"key {n}" for n in range(16)],  # keys are made anew: their bytes would name each run's tests differently
)
def test_what_is_no_key_that_passkeys_have(raw: bytes) -> None:
    with pytest.raises(Invalid):
        read_cose(raw)


@pytest.mark.parametrize("text", ["", "a", "a+b/", "YQ==", "YR", "é", "A" * 4000])
def test_what_is_no_base64url(text: str) -> None:
    with pytest.raises(Invalid):
        decode(text)


@pytest.mark.parametrize("plain", [{}, {"credential": 1}, {"credential": "YQ", "signature": "YQ"}])
def test_what_is_no_assertion(plain: Mapping[str, object]) -> None:
    with pytest.raises(Invalid):
        read_assertion(plain)
