"""A sign-in at the provider while it is under way: its `state`, which the browser carries there and back.

All that has to be known again is in it, sealed, so that nothing is kept here and strangers fill nothing. Nobody else
can read it (it says to which page the browser goes in the end), change it or make one. Keys and entropy are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daypass.domain.errors import Invalid
from daypass.domain.passkey_signature import decode, encode

ID_BYTES = 16
TIME_BYTES = 8
BINDING_BYTES = hashlib.sha256().digest_size
_NONCE = bytes(12)
"""Each state has a key of its own, which seals nothing else: its nonce may be any."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One sign-in. `binding`: the SHA-256 of its browser's cookie; `after`: the page that the browser comes to."""

    id: bytes
    binding: bytes
    expires_at: int
    after: str
    key: bytes = field(repr=False)

    @property
    def nonce(self) -> str:
        """What the ID token has to say."""
        return encode(_derived(self.key, b"nonce", self.id))

    @property
    def verifier(self) -> str:
        """PKCE's (RFC 7636): 43 characters, told to nobody before the provider asks for it."""
        return encode(_derived(self.key, b"verifier", self.id))

    def state(self) -> str:
        """As the browser carries it."""
        told = self.expires_at.to_bytes(TIME_BYTES, "big") + self.binding + self.after.encode()
        return encode(self.id + AESGCM(_derived(self.key, b"state", self.id)).encrypt(_NONCE, told, None))


def read(key: bytes, state: str) -> UnderWay | None:
    """The sign-in whose state this is; None: it is none of ours."""
    try:
        whole = decode(state)
        id, sealed = whole[:ID_BYTES], whole[ID_BYTES:]
        told = AESGCM(_derived(key, b"state", id)).decrypt(_NONCE, sealed, None)
    except (Invalid, InvalidTag):
        return None
    rest = told[TIME_BYTES:]
    expires_at, after = int.from_bytes(told[:TIME_BYTES], "big"), rest[BINDING_BYTES:].decode()
    return UnderWay(id, rest[:BINDING_BYTES], expires_at, after, key)


def _derived(key: bytes, what: bytes, id: bytes) -> bytes:
    return hmac.digest(key, what + b"\n" + id, "sha256")
