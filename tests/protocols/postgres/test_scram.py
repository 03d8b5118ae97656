"""SCRAM: the RFC's own exchange, each end against the other, and what each refuses."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from daypass.domain.people import SignIn, Verifier
from daypass.protocols.postgres.scram import PLAIN, PLUS, Client, ScramError, Server, offered, prepare

SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
"""RFC 7677, section 3: user `user`, password `pencil`."""


def salted(password: str, salt: bytes = SALT, iterations: int = 4096) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def verifier(password: str, token: str = "t") -> Verifier:
    client = hmac.digest(salted(password), b"Client Key", "sha256")
    server = hmac.digest(salted(password), b"Server Key", "sha256")
    return Verifier(token, hashlib.sha256(client).digest(), server)


def sign_in(*passwords: str) -> SignIn:
    return SignIn(SALT, 4096, tuple(verifier(password, password) for password in passwords))


def exchange(server: Server, client: Client, password: str = "pencil") -> tuple[str, bytes] | None:
    challenge = server.first(client.mechanism if client.first() else "", client.first())
    client.challenge(challenge)
    return server.final(client.final(challenge, salted(password)))


def test_the_exchange_of_rfc_7677() -> None:
    server = Server(sign_in("pencil"), b"", None)
    server.first(PLAIN, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    server._nonce = b"rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    server._first = b"r=" + server._nonce + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    found = server.final(
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert found == ("pencil", b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize("binding", [None, b"digest of a certificate"])
def test_both_ends_agree(binding: bytes | None) -> None:
    client = Client(b"c" * 18, offered(binding), binding)
    server = Server(sign_in("other", "pencil", "third"), b"s" * 18, binding)
    found = exchange(server, client)
    assert client.mechanism == (PLUS if binding else PLAIN)
    assert found is not None and found[0] == "pencil"
    client.check(found[1])
    with pytest.raises(ScramError):
        client.check(b"v=" + b64encode(b"x" * 32))


def test_a_wrong_password_and_an_unknown_name_look_the_same() -> None:
    assert exchange(Server(sign_in("pencil"), b"s" * 18, None), Client(b"c" * 18, (PLAIN,)), "pen") is None
    assert exchange(Server(sign_in(), b"s" * 18, None), Client(b"c" * 18, (PLAIN,))) is None


@pytest.mark.parametrize(
    ("mechanism", "first"),
    [
        (PLAIN, b"y,,n=,r=abc"),
        (PLAIN, b"p=tls-server-end-point,,n=,r=abc"),
        (PLUS, b"n,,n=,r=abc"),
        (PLUS, b"p=tls-unique,,n=,r=abc"),
        (PLAIN, b"n,a=somebody,n=,r=abc"),
        (PLAIN, b"n,,m=ext,n=,r=abc"),
        (PLAIN, b"n,,n=,r="),
        (PLAIN, b"n,,n=,r=a\x7f"),
        (PLAIN, b"n"),
        ("SCRAM-SHA-1", b"n,,n=,r=abc"),
    ],
)
def test_what_the_server_refuses_first(mechanism: str, first: bytes) -> None:
    with pytest.raises(ScramError):
        Server(sign_in("pencil"), b"s" * 18, b"binding").first(mechanism, first)


@pytest.mark.parametrize(
    "final",
    [
        b"c=biws,r=another,p=AAAA",
        b"c=biws,r={nonce},p=AAAA",
        b"c=biws,r={nonce},p=!",
        b"c=biws,r={nonce}",
        b"c=eSws,r={nonce},p=" + b64encode(b"x" * 32),
        b"",
    ],
)
def test_what_the_server_refuses_last(final: bytes) -> None:
    server = Server(sign_in("pencil"), b"s" * 18, None)
    nonce = server.first(PLAIN, b"n,,n=,r=abc").split(b",")[0][2:]
    with pytest.raises(ScramError):
        server.final(final.replace(b"{nonce}", nonce))


@pytest.mark.parametrize(
    "challenge",
    [
        b"r=other,s=AAAA,i=4096",
        b"r={nonce},s=AAAA,i=4096",
        b"r={nonce}x,s=AAAA,i=1000001",
        b"r={nonce}x,s=AAAA,i=0",
        b"r={nonce}x,s=AAAA,i=-1",
        b"r={nonce}x,s=!,i=4096",
        b"r={nonce}x,i=4096",
    ],
)
def test_what_the_client_refuses(challenge: bytes) -> None:
    client = Client(b"c" * 18, (PLAIN,))
    client.first()
    with pytest.raises(ScramError):
        client.challenge(challenge.replace(b"{nonce}", b64encode(b"c" * 18)))


def test_a_client_needs_a_mechanism_it_knows() -> None:
    with pytest.raises(ScramError):
        Client(b"c" * 18, ("SCRAM-SHA-1",)).first()


def test_passwords_are_prepared() -> None:
    assert prepare("I\u00adX") == "IX"
    assert prepare("\u2168") == "IX"
    assert prepare("a\u00a0b") == "a b"
    assert prepare("\u0627\u0007") == "\u0627\u0007"
