"""Generic webhooks, signed as Standard Webhooks says (standardwebhooks.com, specification 1.0.0).

`webhook-id` is the notice's id and the same in every attempt, `webhook-timestamp` the attempt's time in seconds,
`webhook-signature` one `v1,` HMAC-SHA-256 for each secret: two of them while a secret is being replaced.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence

from daypass.domain.durations import as_datetime
from daypass.notify.interface import Message, NotSent, Receipt
from daypass.notify.plain import clean
from daypass.notify.reaching import Reach

PREFIX = "whsec_"
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64
"""What the specification asks of a secret."""
GONE = 410
CALLBACK = "task"
"""The kind of message that calls another system back."""


def signing_key(secret: str) -> bytes:
    """The key in a secret (`whsec_` and base64). ValueError says what would be right."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise ValueError(f"{PREFIX} and the base64 of {KEY_BYTES_MIN} to {KEY_BYTES_MAX} random bytes")
    return key


def signature(keys: Sequence[bytes], id: str, seconds: int, body: bytes) -> str:
    """The `webhook-signature` of a body."""
    signed = f"{id}.{seconds}.".encode() + body
    made = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return " ".join(f"v1,{one}" for one in made)


def payload(message: Message) -> dict[str, object]:
    """The body: what happened in `type`, for programs in `data`, for people in `data.title` and `data.facts`. A
    callback has the form that AuthZEN gives it."""
    told = message.data.get("body")
    if message.kind == CALLBACK and isinstance(told, dict):
        return {str(name): value for name, value in told.items()}
    data: dict[str, object] = {
        **message.data,
        "title": clean(message.title),
        "facts": {label: clean(text) for label, text in message.facts},
        "commands": list(message.commands),
        "thread": message.thread,
        "link": message.link,
    }
    return {"type": message.kind, "timestamp": as_datetime(message.at).isoformat(), "data": data}


class Webhook:
    """One receiver. `secrets`: the present one, and perhaps the one before it."""

    def __init__(self, reach: Reach, secrets: Sequence[str], now: Callable[[], float] = time.time) -> None:
        self._reach = reach
        self._keys = [signing_key(secret) for secret in secrets]
        self._now = now

    async def send(self, message: Message, former: Receipt) -> Receipt:
        """See `Channel.send`. 2xx is taken; 410 says that nobody wants it any more."""
        body = json.dumps(payload(message), ensure_ascii=False, separators=(",", ":")).encode()
        answer = await self._reach.post(body, self._headers(message.id, body))
        if answer.ok:
            return {"id": message.id}
        why = f"{self._reach.host} answered with HTTP status {answer.status}"
        raise NotSent(why, final=answer.status == GONE, after_seconds=answer.retry_after())

    def _headers(self, id: str, body: bytes) -> Mapping[str, str]:
        seconds = int(self._now())
        return {
            "Content-Type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(self._keys, id, seconds, body),
        }

    async def check(self) -> str:
        return f"webhook at {self._reach.host}; whether it takes messages only a test shows"

    async def close(self) -> None:
        await self._reach.close()
