"""`Authenticator`: a passkey in software, for one site, written from the specification and not with the library that we
check with. It signs what it is told to, also what no honest one would: `flags`, `origin` and the rest may be wrong.

Bytes are spelled out: CBOR (RFC 8949) of COSE keys (RFC 9053), authenticator data and `none` attestation (WebAuthn 6.1
and 6.5.4).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
ES256, EDDSA, RS256 = "ES256", "EdDSA", "RS256"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def head(kind: int, number: int) -> bytes:
    """A CBOR item's first bytes."""
    if number < 24:
        return bytes([kind << 5 | number])
    return bytes([kind << 5 | 24, number]) if number < 256 else bytes([kind << 5 | 25]) + number.to_bytes(2, "big")


def bstr(data: bytes) -> bytes:
    return head(2, len(data)) + data


def make_key(algorithm: str) -> Any:
    match algorithm:
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            return Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, 2048)


@dataclass
class Authenticator:
    """`counter`: the next signature's; 0 stays 0, as many do not count."""

    rp_id: str = "localhost"
    origin: str = "http://localhost:8420"
    algorithm: str = ES256
    counter: int = 1
    flags: int = UP | UV
    user: bytes = b""
    type: str = "webauthn.get"
    more: dict[str, Any] = field(default_factory=dict)
    """More of the client data, or other values of it."""
    credential: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        self.key = make_key(self.algorithm)

    @property
    def id(self) -> str:
        return b64(self.credential)

    def cose(self) -> bytes:
        """The public key."""
        public = self.key.public_key()
        match self.algorithm:
            case "ES256":
                at = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
                return b"\xa5\x01\x02\x03\x26\x20\x01\x21" + bstr(at[1:33]) + b"\x22" + bstr(at[33:])
            case "EdDSA":
                raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
                return b"\xa4\x01\x01\x03\x27\x20\x06\x21" + bstr(raw)
            case _:
                n = public.public_numbers().n
                return b"\xa4\x01\x03\x03\x39\x01\x00\x20" + bstr(n.to_bytes(256, "big")) + b"\x21\x43\x01\x00\x01"

    def data(self, attested: bytes = b"") -> bytes:
        """Authenticator data; it counts."""
        flags = self.flags | (AT if attested else 0)
        counter = self.counter
        self.counter += 1 if counter else 0
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + counter.to_bytes(4, "big") + attested

    def client_data(self, type: str, challenge: str) -> bytes:
        said = {"type": type, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **self.more}
        return json.dumps(said, separators=(",", ":")).encode()

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """An answer of `navigator.credentials.create()`, as the API takes it."""
        self.user = unb64(options["user"]["id"])
        attested = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + self.cose()
        data = self.data(attested)
        # {"fmt": "none", "attStmt": {}, "authData": h'…'}
        attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData" + bstr(data)
        return {
            "client_data": b64(self.client_data("webauthn.create", options["challenge"])),
            "attestation": b64(attestation),
            "transports": ["internal"],
        }

    def get(self, challenge: str) -> dict[str, str]:
        """An answer of `navigator.credentials.get()`, as the API takes it."""
        data, client = self.data(), self.client_data(self.type, challenge)
        return {
            "credential": self.id,
            "authenticator_data": b64(data),
            "client_data": b64(client),
            "signature": b64(self.sign(data + hashlib.sha256(client).digest())),
        }

    def vote(self, statement: str) -> dict[str, str]:
        """What signs a vote: the challenge is the statement's digest."""
        return self.get(b64(hashlib.sha256(statement.encode()).digest()))

    def sign(self, message: bytes) -> bytes:
        match self.algorithm:
            case "ES256":
                return bytes(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
            case "EdDSA":
                return bytes(self.key.sign(message))
            case _:
                return bytes(self.key.sign(message, padding.PKCS1v15(), hashes.SHA256()))
