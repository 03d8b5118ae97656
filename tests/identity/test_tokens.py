"""The form of tokens, and what is kept of them."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.identity import scram, tokens


@given(st.binary(min_size=32, max_size=32))
def test_a_token_is_well_formed_and_no_other_text_close_to_it_is(entropy: bytes) -> None:
    token = tokens.make(entropy)
    assert len(token) == tokens.LENGTH and token.startswith("dp_")
    assert tokens.well_formed(token)
    swapped = token[:3] + token[4] + token[3] + token[5:]
    assert swapped == token or not tokens.well_formed(swapped)
    assert not tokens.well_formed(token[:-1])
    assert not tokens.well_formed(token + "0")
    assert not tokens.well_formed("xx_" + token[3:])


@pytest.mark.parametrize("text", ["", "dp_", "dp_" + "é" * 38, "dp_" + " " * 38, "dp_" + "0" * 38])
def test_what_is_no_token(text: str) -> None:
    assert not tokens.well_formed(text)


def test_entropy_has_its_length() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tokens.make(b"short")


def test_a_proof_made_by_the_rules_of_rfc_5802_checks_against_what_is_kept() -> None:
    token = tokens.make(bytes(range(32)))
    salt = scram.salt(b"s" * 32, "ana@acme.test")
    stored_key, server_key = scram.keys(token, salt)
    auth = b"n=,r=abc,r=abcdef,s=" + base64.b64encode(salt) + b",i=4096,c=biws,r=abcdef"
    salted = hashlib.pbkdf2_hmac("sha256", token.encode(), salt, 4096)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(stored_key, auth, "sha256")
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    recovered = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    assert hashlib.sha256(recovered).digest() == stored_key
    assert server_key == hmac.digest(salted, b"Server Key", "sha256")


def test_the_keys_of_rfc_7677s_example() -> None:
    """RFC 7677, section 3: user, pencil, and the server's signature there."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    _, server_key = scram.keys("pencil", salt)
    auth = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signature = hmac.digest(server_key, auth, "sha256")
    assert base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_one_salt_a_name_whoever_asks() -> None:
    assert scram.salt(b"a", "Ana@acme.test ") == scram.salt(b"a", "ana@acme.test")
    assert scram.salt(b"a", "ana@acme.test") != scram.salt(b"b", "ana@acme.test")
    assert len(scram.salt(b"a", "x")) == scram.SALT_BYTES
