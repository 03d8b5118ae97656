"""One question to a store of secrets over HTTP, within bounds. What it answers stands in no error and in no log."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daypass.domain.errors import Unavailable

ASK_SECONDS_MAX = 4.0
"""One question, the connection included: a session waits for it, and an end may."""
ANSWER_BYTES_MAX = 1 << 20
"""A secret is 64 KiB at most; Vault allows a megabyte."""


class Silent(Unavailable):
    """The store did not answer at all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `told` is its JSON object, empty if it had none."""

    status: int
    told: Mapping[str, Any]


class Asker:
    """One store. `who` is how messages call it."""

    def __init__(self, who: str, url: str, ca: Path | None = None) -> None:
        self.who = who
        self.url = url
        self._ca = ca
        self._client: Any = None

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Raise `Silent` for what did not answer."""
        import httpx2

        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                return await self._ask(method, path, headers, body)
        except TimeoutError:
            raise Silent(f"{self.who} did not answer within {ASK_SECONDS_MAX:g} s") from None
        except (httpx2.HTTPError, OSError, ssl.SSLError) as problem:
            raise Silent(f"{self.who} cannot be asked ({type(problem).__name__})") from None

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        import httpx2

        if self._client is None:
            tls = ssl.create_default_context(cafile=str(self._ca) if self._ca else None)
            self._client = httpx2.AsyncClient(
                verify=tls, timeout=ASK_SECONDS_MAX, trust_env=False, follow_redirects=False
            )
        asked = self._client.stream(method, self.url + path, headers=dict(headers), content=body or None)
        async with asked as answer:
            raw = b""
            async for part in answer.aiter_bytes():
                raw += part
                if len(raw) > ANSWER_BYTES_MAX:
                    raise Unavailable(f"the answer of {self.who} is longer than {ANSWER_BYTES_MAX} bytes")
        try:
            told = json.loads(raw) if raw else {}
        except ValueError:
            told = {}
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Silent(f"{self.who} cannot answer now (status {answer.status_code})")
        return Answer(answer.status_code, told if isinstance(told, dict) else {})

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
