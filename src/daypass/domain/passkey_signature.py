"""What a passkey signed (WebAuthn level 3, "Verifying an Authentication Assertion"): taken apart and checked from
nothing but bytes that can be kept, so that whoever has the log checks it as we do.

Taken are ES256, EdDSA with Ed25519, and RS256 from 2048 bits. A person was there and was verified (by PIN or body), the
page was of this very origin and framed by nobody, and the challenge is the digest of what was signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from daypass.domain.errors import Invalid

ES256, EDDSA, RS256 = -7, -8, -257
ALGORITHMS: Mapping[int, str] = {EDDSA: "EdDSA", ES256: "ES256", RS256: "RS256"}
"""COSE's numbers, in the order in which we would have them."""

CREDENTIAL_BYTES_MAX = 1023
"""WebAuthn's own limit of a credential id."""
PART_BYTES_MAX = 2048
"""Authenticator data, client data, key or signature: several times what any of them has. An entry has 32 KiB."""
RSA_BITS_MIN = 2048

GET = "webauthn.get"
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED, EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
"""Authenticator data's flags: UP, UV, BE, BS, AT, ED."""
DATA_BYTES = 37
"""rpIdHash, flags and the counter."""

_KEYS = {(1, EDDSA): {1, 3, -1, -2}, (2, ES256): {1, 3, -1, -2, -3}, (3, RS256): {1, 3, -1, -2}}
"""By COSE key type and algorithm, the labels that a key has: these and no others."""

PublicKey = ec.EllipticCurvePublicKey | Ed25519PublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class Assertion:
    """An answer of `navigator.credentials.get()`. `credential` is the credential's id in base64url."""

    credential: str
    authenticator_data: bytes
    client_data: bytes
    signature: bytes

    @property
    def counter(self) -> int:
        """How often the authenticator has signed, by its own count; 0 if it does not count."""
        return int.from_bytes(self.authenticator_data[33:DATA_BYTES], "big")

    def plain(self) -> dict[str, str]:
        """As it stands in an entry: base64url."""
        return {
            "credential": self.credential,
            "authenticator_data": encode(self.authenticator_data),
            "client_data": encode(self.client_data),
            "signature": encode(self.signature),
        }


PARTS = ("authenticator_data", "client_data", "credential", "signature")


def read_assertion(plain: Mapping[str, Any]) -> Assertion:
    """Read what `plain` wrote. Raise `Invalid`."""
    if not set(PARTS) <= plain.keys() or not all(isinstance(plain[part], str) for part in PARTS):
        raise Invalid(f"a passkey's signature has {', '.join(PARTS)}, in base64url")
    decode(plain["credential"], CREDENTIAL_BYTES_MAX)
    data, client, signature = (decode(plain[part]) for part in ("authenticator_data", "client_data", "signature"))
    return Assertion(plain["credential"], data, client, signature)


def encode(data: bytes) -> str:
    """base64url without padding, as WebAuthn writes everything."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str, bytes_max: int = PART_BYTES_MAX) -> bytes:
    """The same, read; only its one spelling is. Raise `Invalid`."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("this is no base64url") from None
    if encode(data) != text or not 0 < len(data) <= bytes_max:
        raise Invalid(f"this is no base64url of 1 to {bytes_max} bytes")
    return data


def challenge_of(statement: str) -> bytes:
    """What a passkey is asked to sign so that it signs this statement: its SHA-256."""
    return hashlib.sha256(statement.encode()).digest()


def check_assertion(given: Assertion, public: bytes, rp_id: str, origin: str, challenge: bytes) -> None:
    """Raise `Invalid` unless the key (COSE) signed this challenge, at this origin, for this relying party, with its
    person there and verified."""
    _check_client(given.client_data, origin, challenge)
    _check_data(given.authenticator_data, rp_id)
    signed = given.authenticator_data + hashlib.sha256(given.client_data).digest()
    try:
        match read_cose(public):
            case Ed25519PublicKey() as key:
                key.verify(given.signature, signed)
            case ec.EllipticCurvePublicKey() as key:
                key.verify(given.signature, signed, ec.ECDSA(SHA256()))
            case rsa.RSAPublicKey() as key:
                key.verify(given.signature, signed, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        raise Invalid("the passkey's signature does not hold") from None


def _check_client(raw: bytes, origin: str, challenge: bytes) -> None:
    try:
        said = json.loads(raw.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Invalid("what the browser says of the passkey (client data) is not JSON") from None
    if not isinstance(said, dict) or said.get("type") != GET:
        raise Invalid(f"the passkey was used for something else than signing: its type is not {GET}")
    if said.get("challenge") != encode(challenge):
        raise Invalid("the passkey signed something else: its challenge is another")
    if said.get("origin") != origin:
        raise Invalid("the passkey was used at another origin than it was enrolled at")
    if said.get("crossOrigin") not in (None, False) or "topOrigin" in said:
        raise Invalid("the passkey was used in a page within another site's page")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys stand once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _check_data(data: bytes, rp_id: str) -> None:
    if len(data) < DATA_BYTES:
        raise Invalid("the authenticator's data is too short")
    if data[:32] != hashlib.sha256(rp_id.encode()).digest():
        raise Invalid("the passkey signed for another relying party than it was enrolled for")
    flags = data[32]
    if not flags & PRESENT:
        raise Invalid("nobody touched the passkey's authenticator (UP)")
    if not flags & VERIFIED:
        raise Invalid("the passkey's authenticator did not verify its person (UV)")
    if flags & ATTESTED or (flags & BACKED_UP and not flags & ELIGIBLE):
        raise Invalid("the authenticator's flags contradict each other")
    if not flags & EXTENDED and len(data) != DATA_BYTES:
        raise Invalid("the authenticator's data is longer than it says")


def read_cose(raw: bytes) -> PublicKey:
    """A public key as authenticators give it (COSE_Key, RFC 9053). Raise `Invalid` for what is none that we take."""
    if len(raw) > PART_BYTES_MAX:
        raise Invalid("this public key is too long")
    found = _read_map(raw)
    kind = found.get(1), found.get(3)
    if found.keys() != next((labels for known, labels in _KEYS.items() if known == kind), None):
        raise Invalid("this is no public key that passkeys sign with", hint=f"one of {', '.join(ALGORITHMS.values())}")
    try:
        if found[3] == EDDSA and found[-1] == 6:
            return Ed25519PublicKey.from_public_bytes(_bytes(found[-2], 32))
        if found[3] == ES256 and found[-1] == 1:
            point = b"\4" + _bytes(found[-2], 32) + _bytes(found[-3], 32)
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        if found[3] == RS256:
            n, e = (int.from_bytes(_bytes(found[label]), "big") for label in (-1, -2))
            key = rsa.RSAPublicNumbers(e, n).public_key()
            if key.key_size >= RSA_BITS_MIN:
                return key
    except ValueError:
        raise Invalid("this public key cannot be read") from None
    raise Invalid("this public key is on a curve, or of a length, that we do not take")


def algorithm_of(raw: bytes) -> str:
    """The name of a key's algorithm."""
    return ALGORITHMS[int(str(_read_map(raw)[3]))]


def _bytes(value: int | bytes, count: int | None = None) -> bytes:
    if not isinstance(value, bytes) or (count is not None and len(value) != count):
        raise ValueError("other bytes were expected")
    return value


def _read_map(raw: bytes) -> dict[int, int | bytes]:
    """A CBOR map (RFC 8949) of integers to integers and byte strings, which is all that a COSE key is."""
    kind, count, at = _read_head(raw, 0)
    if kind != 5 or count > 8:
        raise Invalid("this is no COSE key")
    found: dict[int, int | bytes] = {}
    for _ in range(count):
        label, at = _read_item(raw, at)
        value, at = _read_item(raw, at)
        if isinstance(label, bytes) or label in found:
            raise Invalid("this is no COSE key")
        found[label] = value
    if at != len(raw):
        raise Invalid("this COSE key is longer than it says")
    return found


def _read_item(raw: bytes, at: int) -> tuple[int | bytes, int]:
    kind, value, at = _read_head(raw, at)
    if kind in (0, 1):
        return (value if kind == 0 else -1 - value), at
    if kind != 2 or at + value > len(raw):
        raise Invalid("this is no COSE key")
    return raw[at : at + value], at + value


def _read_head(raw: bytes, at: int) -> tuple[int, int, int]:
    """A CBOR item's major type and number, and where it goes on. Only the shortest spelling of a number is read."""
    short = raw[at] & 0x1F if at < len(raw) else 31
    size = {24: 1, 25: 2}.get(short, 0)
    if (short > 23 and not size) or at + 1 + size > len(raw):
        raise Invalid("this is no COSE key")
    number = int.from_bytes(raw[at + 1 : at + 1 + size], "big") if size else short
    if number < {0: 0, 1: 24, 2: 256}[size]:
        raise Invalid("this COSE key is not in its shortest form")
    return raw[at] >> 5, number, at + 1 + size
