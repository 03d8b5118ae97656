"""Tokens: the form of a secret that a person holds, and what is kept of it. Refuses to keep the secret itself.

A token is `dp_`, 32 random base62 characters (190 bits) and 6 characters of checksum, so that a mistyped or cut token
is told apart before anyone is asked, and a scanner finds leaked ones. Entropy is an argument.
"""

from __future__ import annotations

import hashlib
import zlib

PREFIX = "dp_"
RANDOM_CHARS = 32
CHECKSUM_CHARS = 6
LENGTH = len(PREFIX) + RANDOM_CHARS + CHECKSUM_CHARS

ENTROPY_BYTES = 32
"""256 bits for a number below 62^32 (190.6 bits): the remainder's bias is below 2^-65."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def make(entropy: bytes) -> str:
    """The token that `ENTROPY_BYTES` random bytes stand for."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"{ENTROPY_BYTES} bytes of entropy, not {len(entropy)}")
    random = _base62(int.from_bytes(entropy, "big") % 62**RANDOM_CHARS, RANDOM_CHARS)
    return PREFIX + random + checksum(random)


def checksum(random: str) -> str:
    """CRC-32 of the random part, in base62."""
    return _base62(zlib.crc32(random.encode()), CHECKSUM_CHARS)


def well_formed(text: str) -> bool:
    """Whether this can be a token at all: its shape and its checksum."""
    if len(text) != LENGTH or not text.startswith(PREFIX) or not text.isascii() or not text[3:].isalnum():
        return False
    return checksum(text[len(PREFIX) : -CHECKSUM_CHARS]) == text[-CHECKSUM_CHARS:]


def sha256(token: str) -> bytes:
    """What a token is found by over HTTP. It holds 190 random bits, so that no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
