"""AWS Secrets Manager, and AWS KMS for the keys of sealed secrets. A name is `NAME` or, for one field of a secret that
is a JSON object, `NAME#FIELD`."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from daypass.config import read_secret
from daypass.config.vaults import AwsSettings
from daypass.credentials.secrets.asking import Asker
from daypass.credentials.secrets.signature_v4 import Keys, signed
from daypass.domain.errors import Unavailable

MANAGER, KMS = "secretsmanager", "kms"
WHO = {MANAGER: "AWS Secrets Manager", KMS: "AWS KMS"}
TARGETS = {MANAGER: "secretsmanager", KMS: "TrentService"}


class Aws:
    """One region's. The keys are read anew for each question, so that rotated files are used without a restart."""

    def __init__(self, settings: AwsSettings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._settings = settings
        self._now = now
        self._askers = {name: Asker(WHO[name], self._url(name)) for name in WHO}

    async def read(self, name: str) -> str:
        """A secret, or a field of it. Raises `Unavailable`."""
        id, _, wanted = name.partition("#")
        told = await self._ask(MANAGER, "GetSecretValue", {"SecretId": id})
        value = told.get("SecretString")
        if wanted:
            try:
                value = json.loads(value or "").get(wanted)
            except (ValueError, AttributeError):
                value = None
        if not isinstance(value, str) or not value:
            raise Unavailable(f"{WHO[MANAGER]} has no {name}")
        return value

    async def fresh_key(self, key: str, context: Mapping[str, str]) -> tuple[bytes, str]:
        """A new 256-bit key under a key of KMS: as it is, and wrapped. Raises `Unavailable`."""
        asked = {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": dict(context)}
        told = await self._ask(KMS, "GenerateDataKey", asked)
        return _bytes(told, "Plaintext"), b64encode(_bytes(told, "CiphertextBlob")).decode()

    async def unwrapped(self, key: str, wrapped: str, context: Mapping[str, str]) -> bytes:
        """A wrapped key as it is. Raises `Unavailable`."""
        asked = {"KeyId": key, "CiphertextBlob": wrapped, "EncryptionContext": dict(context)}
        return _bytes(await self._ask(KMS, "Decrypt", asked), "Plaintext")

    async def close(self) -> None:
        """Let go of connections."""
        for asker in self._askers.values():
            await asker.close()

    def _url(self, service: str) -> str:
        return self._settings.endpoint or f"https://{service}.{self._settings.region}.amazonaws.com"

    async def _ask(self, service: str, action: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        body = json.dumps(asked).encode()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"{TARGETS[service]}.{action}",
        }
        asker, stamp = self._askers[service], self._now().strftime("%Y%m%dT%H%M%SZ")
        host = urlsplit(asker.url).netloc
        whole = signed(self._keys(), self._settings.region, service, host, headers, body, stamp)
        answer = await asker.ask("POST", "/", whole, body)
        if answer.status != 200:
            kind = str(answer.told.get("__type", "")).rpartition("#")[2][:60]
            raise Unavailable(f"{asker.who} refused {action} (status {answer.status} {kind})".replace(" )", ")"))
        return answer.told

    def _keys(self) -> Keys:
        settings = self._settings
        session = read_secret(settings.session_token) if settings.session_token else ""
        return Keys(read_secret(settings.access_key), read_secret(settings.secret_key), session)


def _bytes(told: Mapping[str, Any], name: str) -> bytes:
    try:
        return b64decode(told[name], validate=True)
    except (KeyError, TypeError, ValueError):
        raise Unavailable(f"{WHO[KMS]} answered with something else than it documents") from None
