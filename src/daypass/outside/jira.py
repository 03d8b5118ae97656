"""Jira's tickets over its REST API: version 3 of Jira Cloud (an address and an API token), version 2 of Data Center (a
personal access token). One question: `GET issue/{key}?fields=summary,status,assignee`.

Open is what is in no status of the category `done`. Atlassian hides addresses of people who want that; such an
assignee is nobody we know.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path

from daypass.domain.errors import NotFound, Unavailable
from daypass.outside.http import Client
from daypass.outside.interface import Ticket
from daypass.outside.signed import check_signature

_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,49}-[0-9]{1,12}")
FIELDS = "summary,status,assignee"


class Jira:
    """Implements `TicketSystem`."""

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        *,
        user: str = "",
        projects: tuple[str, ...] = (),
        webhook: str = "",
        ca: Path | None = None,
    ) -> None:
        """`user`: the address that an API token of Jira Cloud belongs to; without it, `token` is one of Data Center.
        `projects`: only their tickets are this system's (all, if empty)."""
        self.name = name
        self._url = url.rstrip("/")
        self._projects = projects
        self._webhook = webhook
        self._path = f"/rest/api/{3 if user else 2}/issue/"
        basic = base64.b64encode(f"{user}:{token}".encode()).decode()
        authorization = f"Basic {basic}" if user else f"Bearer {token}"
        self._client = Client(name, url, {"Accept": "application/json", "Authorization": authorization}, ca)

    def key_of(self, written: str) -> str | None:
        key = written.strip().removeprefix(f"{self._url}/browse/").upper()
        if not _KEY.fullmatch(key) or (self._projects and key.rpartition("-")[0] not in self._projects):
            return None
        return key

    async def ask(self, key: str) -> Ticket:
        answer = await self._client.get(self._path + key, [("fields", FIELDS)])
        if answer.status != 200:
            # Jira answers alike for what is not there and what its user may not see.
            raise NotFound(f"{self.name} knows no ticket {key}, or does not show it to Daypass")
        found = answer.json(self.name)
        try:
            fields = found["fields"]
            status, assignee = fields["status"], fields.get("assignee") or {}
            return Ticket(
                key=str(found["key"]),
                open=status["statusCategory"]["key"] != "done",
                status=str(status["name"]),
                assignee=str(assignee.get("emailAddress") or "").lower(),
                title=str(fields.get("summary") or ""),
                system=self.name,
            )
        except (KeyError, TypeError, AttributeError):
            raise Unavailable(f"{self.name} answered with something else than it documents") from None

    def told(self, headers: Mapping[str, str], body: bytes) -> str | None:
        check_signature(self._webhook, headers.get("x-hub-signature", ""), body)
        try:
            key = json.loads(body)["issue"]["key"]
        except (ValueError, KeyError, TypeError):
            return None
        return self.key_of(key) if isinstance(key, str) else None

    async def close(self) -> None:
        await self._client.close()
