"""Secrets encrypted in the store: AES-256-GCM under a key from a file, or each under a key of its own that AWS KMS
wraps.

A secret's name is part of what is authenticated, so that one put into another's place does not open.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from daypass.config import read_secret
from daypass.config.vaults import SealedSettings
from daypass.credentials.secrets.aws import Aws
from daypass.domain.errors import ConfigError, Unavailable

KEY_BYTES = 32
NONCE_BYTES = 12
"""NIST SP 800-38D, section 8.2.2: random nonces of 96 bits hold for 2^32 messages under one key."""


class Sealer:
    """Seals and opens. `entropy(n)` gives n random bytes."""

    def __init__(self, settings: SealedSettings, aws: Aws | None, entropy: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._aws = aws
        self._entropy = entropy

    async def seal(self, name: str, value: str) -> str:
        """What is kept of a secret. Raises `Unavailable`."""
        key, wrapped = await self._fresh(name)
        nonce = self._entropy(NONCE_BYTES)
        content = AESGCM(key).encrypt(nonce, value.encode(), _about(name))
        held = {"v": 1, "key": wrapped, "nonce": b64encode(nonce).decode(), "sealed": b64encode(content).decode()}
        return json.dumps(held)

    async def open(self, name: str, held: str) -> str:
        """The secret. Raises `Unavailable` if the key is another one, or this is not what was sealed."""
        try:
            found = json.loads(held)
            nonce, content, wrapped = b64decode(found["nonce"]), b64decode(found["sealed"]), str(found["key"])
        except (ValueError, KeyError, TypeError):
            raise Unavailable(f"the sealed secret {name} is damaged") from None
        key = await self._known(name, wrapped)
        try:
            return AESGCM(key).decrypt(nonce, content, _about(name)).decode()
        except (InvalidTag, ValueError):
            raise Unavailable(f"the sealed secret {name} does not open with this key") from None

    async def _fresh(self, name: str) -> tuple[bytes, str]:
        if self._aws is not None and self._settings.kms:
            return await self._aws.fresh_key(self._settings.kms, _context(name))
        return self._file_key(), ""

    async def _known(self, name: str, wrapped: str) -> bytes:
        if not wrapped:
            return self._file_key()
        if self._aws is None or not self._settings.kms:
            raise Unavailable(f"the sealed secret {name} is under a key of KMS, and the settings name none")
        return await self._aws.unwrapped(self._settings.kms, wrapped, _context(name))

    def _file_key(self) -> bytes:
        if self._settings.key is None:
            raise Unavailable("this secret is under a key from a file, and the settings name none")
        try:
            key = b64decode(read_secret(self._settings.key), validate=True)
        except ConfigError as problem:
            raise Unavailable(f"the key of sealed secrets cannot be had: {problem.message}") from None
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise Unavailable("the key of sealed secrets is not 32 bytes in base64", hint="openssl rand -base64 32")
        return key


Kept = Callable[[str], Awaitable[str | None]]
"""What the store keeps of the sealed secret of this name; None: there is none."""


class Sealed:
    """The sealed secrets of a store, as a source."""

    def __init__(self, sealer: Sealer, kept: Kept) -> None:
        self._sealer = sealer
        self._kept = kept

    async def read(self, name: str) -> str:
        """A secret by its name. Raises `Unavailable`."""
        held = await self._kept(name)
        if held is None:
            raise Unavailable(f"there is no sealed secret {name}", hint=f"daypass secret set {name}")
        return await self._sealer.open(name, held)

    async def close(self) -> None:
        """Nothing is open."""


def _about(name: str) -> bytes:
    return b"daypass sealed secret\0" + name.encode()


def _context(name: str) -> dict[str, str]:
    """What KMS has to be told again to unwrap; it stands in CloudTrail."""
    return {"daypass-secret": name}
