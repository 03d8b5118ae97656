"""Signing in at a target: each kind of authentication, and what is refused there."""

from __future__ import annotations

import hashlib

import pytest

from daypass.domain.people import SignIn
from daypass.protocols.interface import Derive, Ready, Side, StartTls
from daypass.protocols.postgres import messages, scram
from tests.protocols.postgres.client import SALT, WELCOME, Guest, kinds, opened, probed, verifier
from tests.protocols.postgres.test_startup import complaint


def dialled(**settings: str) -> Guest:
    """A guest whose target has just been sent a start-up packet."""
    guest = Guest(given=opened(password="secret", **settings))  # type: ignore[arg-type]
    guest.start()
    guest.sign_in()
    return guest


def let_in(guest: Guest) -> bool:
    guest.target(WELCOME)
    guest.target(probed())
    return bool(guest.named(Ready))


def test_a_password_in_clear() -> None:
    guest = dialled()
    guest.got(Side.TARGET)
    guest.target(messages.authentication(messages.AUTH_CLEARTEXT))
    assert guest.got(Side.TARGET) == messages.password(b"secret")
    assert let_in(guest)


def test_md5() -> None:
    guest = dialled()
    guest.got(Side.TARGET)
    guest.target(messages.authentication(messages.AUTH_MD5, b"salt"))
    inner = hashlib.md5(b"secretapp", usedforsecurity=False).hexdigest()
    outer = hashlib.md5(inner.encode() + b"salt", usedforsecurity=False).hexdigest()
    assert guest.got(Side.TARGET) == messages.password(b"md5" + outer.encode())
    assert let_in(guest)


def scrammed(guest: Guest, binding: bytes | None = None, *, honest: bool = True) -> None:
    server = scram.Server(SignIn(SALT, 4096, (verifier("secret", "t"),)), b"s" * 18, binding)
    guest.got(Side.TARGET)
    guest.target(messages.sasl_mechanisms(scram.offered(binding)))
    mechanism, first = messages.read_sasl_initial(guest.got(Side.TARGET)[5:])
    guest.target(messages.authentication(messages.AUTH_SASL_CONTINUE, server.first(mechanism, first)))
    found = server.final(guest.got(Side.TARGET)[5:])
    assert found is not None
    guest.target(messages.authentication(messages.AUTH_SASL_FINAL, found[1] if honest else b"v=AAAA"))


def test_scram() -> None:
    guest = dialled()
    scrammed(guest)
    assert guest.named(Derive) == [Derive("secret", SALT, 4096)]
    assert let_in(guest)


def test_scram_bound_to_the_targets_channel() -> None:
    guest = dialled(tls="verify-full")
    assert guest.got(Side.TARGET) == messages.request(messages.SSL_REQUEST)
    guest.target(b"S")
    assert guest.named(StartTls) == [StartTls(Side.TARGET, ("postgresql",), verify=True)]
    scrammed(guest, b"certificate")
    assert let_in(guest)


def test_a_target_that_does_not_know_the_password_is_no_target() -> None:
    guest = dialled()
    scrammed(guest, honest=False)
    assert "does not" in complaint(guest).message or "could not show" in complaint(guest).message
    assert not let_in(guest)


def test_a_target_that_skips_its_proof_is_no_target() -> None:
    guest = dialled()
    guest.target(messages.sasl_mechanisms(("SCRAM-SHA-256",)))
    guest.target(messages.authentication(messages.AUTH_OK))
    assert not let_in(guest)


@pytest.mark.parametrize("code", [2, 6, 7, 9, 99])
def test_other_kinds_are_refused(code: int) -> None:
    guest = dialled()
    guest.target(messages.authentication(code))
    assert "not spoken here" in complaint(guest).message


def test_a_target_without_tls_is_refused_where_tls_is_asked_for() -> None:
    guest = dialled(tls="require")
    guest.target(b"N")
    assert "does not speak TLS" in complaint(guest).message


def test_bytes_behind_the_answer_to_sslrequest_are_refused() -> None:
    guest = dialled(tls="require")
    guest.target(b"S" + WELCOME)
    assert "unencrypted" in complaint(guest).message


def test_a_role_without_a_password_cannot_give_one() -> None:
    guest = Guest(given=opened())
    guest.start()
    guest.sign_in()
    guest.target(messages.authentication(messages.AUTH_CLEARTEXT))
    assert "its role has none" in complaint(guest).message


def test_the_client_gets_the_targets_parameters_and_not_its_notices() -> None:
    guest = dialled()
    guest.got()
    guest.target(messages.message(b"N", b"SNOTICE\0\0"))
    assert let_in(guest)
    assert kinds(guest.got()) == "RSKZ"
