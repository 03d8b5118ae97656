"""Asking another system over HTTP, within bounds: one host, no redirects, so long at most, so much at most.

What people write never becomes an address: the host is the operator's setting, and what an answer points to is not
followed. Who asks too often is told so by status 429 (or GitHub's 403), and then is not asked again before its time.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daypass.domain.errors import Unavailable

ASK_SECONDS_MAX = 3.0
"""One question, the connection included: somebody waits for the decision that hangs on it."""

JSON_BYTES_MAX = 2 << 20
"""A ticket or a page of on-call turns is a few kilobytes."""

WAIT_SECONDS_MAX = 3600.0
"""However long we are told to wait, an hour later we ask again."""

WAIT_SECONDS = 30.0
"""How long, if we are told to wait and not how long."""

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self, who: str) -> Any:
        """The body. Raise `Unavailable` if it is no JSON object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unavailable(f"{who} answered with something else than it documents")
        return found


class Client:
    """One system. `who` is how messages call it."""

    def __init__(self, who: str, url: str, headers: Mapping[str, str], ca: Path | None = None) -> None:
        self.who = who
        self._url = url.rstrip("/")
        self._headers = dict(headers)
        self._ca = ca
        self._client: Any = None
        self._not_before = 0.0

    async def get(self, path: str, query: Query = (), *, bytes_max: int = JSON_BYTES_MAX) -> Answer:
        """GET below the system's URL. Raise `Unavailable` for what did not answer, or asks us to wait."""
        left = self._not_before - time.monotonic()
        if left > 0:
            raise Unavailable(f"{self.who} is asked too often, and not again for {round(left) or 1} s")
        import httpx2

        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                answer = await self._ask(path, query, bytes_max)
        except TimeoutError:
            raise Unavailable(f"{self.who} did not answer within {ASK_SECONDS_MAX:g} s") from None
        except (httpx2.HTTPError, OSError, ssl.SSLError) as problem:
            raise Unavailable(f"{self.who} cannot be asked ({type(problem).__name__})") from None
        self._check(answer)
        return answer

    async def _ask(self, path: str, query: Query, bytes_max: int) -> Answer:
        import httpx2

        if self._client is None:
            tls = ssl.create_default_context(cafile=str(self._ca) if self._ca else None)
            self._client = httpx2.AsyncClient(
                verify=tls, timeout=ASK_SECONDS_MAX, trust_env=False, follow_redirects=False, headers=self._headers
            )
        async with self._client.stream("GET", self._url + path, params=list(query) or None) as answer:
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > bytes_max:
                    raise Unavailable(f"the answer of {self.who} is longer than {bytes_max} bytes")
            return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, body)

    def _check(self, answer: Answer) -> None:
        """Raise for what is no answer to the question; 200 and what says that there is no such thing come through."""
        limited = answer.status == 429 or (
            answer.status == 403
            and ("retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0")
        )
        if limited:
            wait = min(max(_wait_seconds(answer.headers), 1.0), WAIT_SECONDS_MAX)
            self._not_before = time.monotonic() + wait
            raise Unavailable(f"{self.who} is asked too often, and not again for {round(wait)} s")
        if answer.status in (401, 403):
            raise Unavailable(f"{self.who} does not let Daypass in (status {answer.status})")
        if 300 <= answer.status < 400:
            raise Unavailable(f"{self.who} points elsewhere (status {answer.status}), which is not followed")
        if answer.status != 200 and answer.status not in (404, 410):
            raise Unavailable(f"{self.who} answered with status {answer.status}")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def _wait_seconds(headers: Mapping[str, str]) -> float:
    """How long we are told to wait: `Retry-After`, PagerDuty's `ratelimit-reset` (seconds), GitHub's
    `x-ratelimit-reset` (an instant)."""
    for name in ("retry-after", "ratelimit-reset"):
        if headers.get(name, "").isdigit():
            return float(headers[name])
    if headers.get("x-ratelimit-reset", "").isdigit():
        return float(headers["x-ratelimit-reset"]) - time.time()
    return WAIT_SECONDS
