"""GitHub's issues over its REST API (version 2022-11-28), of one repository.
One question: `GET /repos/{owner}/{repo}/issues/{number}`.

GitHub knows logins and not addresses: whose login is whose address is a setting, and an assignee who is not in it is
nobody we know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from daypass.domain.errors import NotFound, Unavailable
from daypass.outside.http import Client
from daypass.outside.interface import Ticket
from daypass.outside.signed import check_signature

_NUMBER = re.compile(r"#?([1-9][0-9]{0,11})")
API_VERSION = "2022-11-28"


class GitHub:
    """Implements `TicketSystem`."""

    def __init__(
        self,
        name: str,
        url: str,
        repository: str,
        token: str,
        *,
        people: Mapping[str, str] | None = None,
        webhook: str = "",
        ca: Path | None = None,
    ) -> None:
        """`url` is the API's (`https://api.github.com` or `https://HOST/api/v3`); `people` maps logins to addresses."""
        self.name = name
        self._repository = repository
        self._people = {login.lower(): email for login, email in (people or {}).items()}
        self._webhook = webhook
        host = urlsplit(url).netloc
        self._page = f"https://{'github.com' if host == 'api.github.com' else host}/{repository}/issues/"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "User-Agent": "daypass",
            "X-GitHub-Api-Version": API_VERSION,
        }
        self._client = Client(name, url, headers, ca)

    def key_of(self, written: str) -> str | None:
        short = written.strip()
        for prefix in (self._page, self._repository):
            if short.lower().startswith(prefix.lower()):
                short = short[len(prefix) :]
        found = _NUMBER.fullmatch(short) if short.startswith("#") or short != written.strip() else None
        return f"{self._repository}#{found[1]}" if found else None

    async def ask(self, key: str) -> Ticket:
        number = key.rpartition("#")[2]
        answer = await self._client.get(f"/repos/{self._repository}/issues/{number}")
        if answer.status != 200:
            raise NotFound(f"{self.name} knows no issue {key}, or does not show it to Daypass")
        found = answer.json(self.name)
        try:
            assignee = (found.get("assignee") or {}).get("login") or ""
            state, reason = found["state"], found.get("state_reason")
            return Ticket(
                key=key,
                open=state == "open",
                status=f"{state}: {reason}" if reason and state == "closed" else str(state),
                assignee=self._people.get(assignee.lower(), ""),
                title=str(found.get("title") or ""),
                system=self.name,
            )
        except (KeyError, TypeError, AttributeError):
            raise Unavailable(f"{self.name} answered with something else than it documents") from None

    def told(self, headers: Mapping[str, str], body: bytes) -> str | None:
        check_signature(self._webhook, headers.get("x-hub-signature-256", ""), body)
        try:
            told = json.loads(body)
            repository, number = told["repository"]["full_name"], told["issue"]["number"]
        except (ValueError, KeyError, TypeError):
            return None
        return self.key_of(f"{repository}#{number}") if isinstance(number, int) else None

    async def close(self) -> None:
        await self._client.close()
