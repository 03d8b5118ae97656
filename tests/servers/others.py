"""Stand-ins for Jira, GitHub and PagerDuty: HTTP servers on this machine that follow what these document of the few
questions that are asked: who is let in, what is not there, rate limits, pages. Faults are attributes.

with Jira() as jira:
    jira.issues["INC-7"] = ("In Progress", "indeterminate", "ana@acme.test")
    jira.limited = 30           # from here on: 429, try again in 30 s
"""

from __future__ import annotations

import base64
import json
import threading
import time
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.servers.http import Serving

HELD_SECONDS_MAX = 20.0


class StandIn(ABC):
    """One server. `asked` are the paths that it was asked for; `silent` makes it say nothing for so many seconds."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.limited: int | None = None
        self.silent = 0.0
        self.broken: bytes | None = None
        self.moved = ""
        self.reached, self.going = threading.Event(), threading.Event()
        self.going.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if outer.silent:
                    time.sleep(outer.silent)
                outer.reached.set()
                outer.going.wait(HELD_SECONDS_MAX)
                parts = urlsplit(self.path)
                status, headers, body = outer.answered(parts.path, parse_qs(parts.query), dict(self.headers))
                raw = outer.broken if outer.broken is not None else body
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self._server = Serving(Handler)
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.__exit__()

    def hold(self) -> None:
        """Answer nothing until `release`; `reached` is set once somebody waits for an answer."""
        self.reached.clear()
        self.going.clear()

    def release(self) -> None:
        self.going.set()

    def answered(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Any:
        if self.moved:
            return 302, {"Location": self.moved}, b""
        if self.limited is not None:
            return self.limit()
        return self.answer(path, query, headers)

    def limit(self) -> tuple[int, dict[str, str], bytes]:
        return 429, {"Retry-After": str(self.limited)}, b"{}"

    @abstractmethod
    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Any:
        """What it says to this."""


def told(status: int, body: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()


class Jira(StandIn):
    """Jira Cloud: basic authentication with an address and an API token; `cloud = False`: Data Center, with a personal
    access token. Status categories are `new`, `indeterminate` and `done`."""

    USER, TOKEN = "bot@acme.test", "jira-token"

    def __init__(self, cloud: bool = True) -> None:
        super().__init__()
        self.cloud = cloud
        self.issues: dict[str, tuple[str, str, str | None]] = {}

    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Any:
        basic = base64.b64encode(f"{self.USER}:{self.TOKEN}".encode()).decode()
        wanted = f"Basic {basic}" if self.cloud else f"Bearer {self.TOKEN}"
        if headers.get("Authorization") != wanted:
            return told(401, {"errorMessages": ["You are not authenticated."]})
        version, key = ("3" if self.cloud else "2"), path.rpartition("/")[2]
        if path != f"/rest/api/{version}/issue/{key}" or key not in self.issues:
            return told(404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]})
        status, category, assignee = self.issues[key]
        fields: dict[str, Any] = {
            "summary": f"About {key}",
            "status": {"name": status, "statusCategory": {"key": category}},
            "assignee": None if assignee is None else {"accountId": "5b10", "emailAddress": assignee},
        }
        asked = query.get("fields", ["*all"])[0].split(",")
        return told(200, {"id": "10002", "key": key, "fields": {name: fields[name] for name in asked}})


class GitHub(StandIn):
    """GitHub's issues. Rate limits are a 403 with the instant at which they are over."""

    TOKEN = "github-token"

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[int, tuple[str, str | None]] = {}

    def limit(self) -> tuple[int, dict[str, str], bytes]:
        over = str(int(time.time()) + (self.limited or 0))
        return told(
            403, {"message": "API rate limit exceeded"}, **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": over}
        )

    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Any:
        if headers.get("Authorization") != f"Bearer {self.TOKEN}" or not headers.get("User-Agent"):
            return told(401, {"message": "Bad credentials"})
        number = path.removeprefix("/repos/acme/ops/issues/")
        if not number.isdigit() or int(number) not in self.issues:
            return told(404, {"message": "Not Found"})
        state, login = self.issues[int(number)]
        assignee = None if login is None else {"login": login, "id": 1}
        reason = "completed" if state == "closed" else None
        return told(
            200,
            {"number": int(number), "state": state, "state_reason": reason, "title": "A fire", "assignee": assignee},
        )


class PagerDuty(StandIn):
    """PagerDuty's on-calls, ten at most on a page, with users in full only if they are asked for."""

    TOKEN, PAGE = "pd-token", 10

    def __init__(self) -> None:
        super().__init__()
        self.on_call: dict[str, list[str]] = {}

    def limit(self) -> tuple[int, dict[str, str], bytes]:
        return told(429, {"error": {"message": "Rate limit"}}, **{"ratelimit-reset": str(self.limited)})

    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Any:
        if headers.get("Authorization") != f"Token token={self.TOKEN}":
            return told(401, {"error": {"message": "Unauthorized"}})
        if path != "/oncalls":
            return told(404, {"error": {"message": "Not Found"}})
        offset, limit = int(query["offset"][0]), min(int(query["limit"][0]), self.PAGE)
        everybody = [who for one in query["schedule_ids[]"] for who in self.on_call.get(one, [])]
        page = everybody[offset : offset + limit]
        whole = "users" in query.get("include[]", [])
        users = [{"id": f"P{n}", "summary": who, **({"email": who} if whole else {})} for n, who in enumerate(page)]
        more = offset + limit < len(everybody)
        oncalls = [{"user": user, "escalation_level": 1} for user in users]
        return told(200, {"oncalls": oncalls, "limit": limit, "offset": offset, "more": more, "total": None})


class Feed(StandIn):
    """A file behind a URL."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Any:
        if path != "/oncall.ics":
            return 404, {}, b""
        return 200, {"Content-Type": "text/calendar"}, self.text.encode()
