"""Talking to a running Daypass over HTTP, with the standard library only, as that starts five times faster.

Knows where Daypass is and who calls (`DAYPASS_URL` and `DAYPASS_TOKEN`, or what `login` stored). Shows no token.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from daypass.domain.errors import (
    Conflict,
    DaypassError,
    Invalid,
    NotFound,
    NotYet,
    Refused,
    TooMany,
    Unauthenticated,
    Unavailable,
)

ANSWER_SECONDS_MAX = 60.0
"""Ending a grant waits up to 10 s for the read-back; nothing else takes longer than a few."""
ANSWER_BYTES_MAX = 512 << 20
"""Of a page, or of a line of a recording: a statement has 64 MiB, and a control character of it is seven as JSON within
JSON. Whatever is longer is told, and never cut."""
PAGE = 100
PAGES_MAX = 1000
"""Of a list, before it is not looked through any further: a search may show little of many pages."""

TOKEN = re.compile(r"[0-9A-Za-z_]+")
"""What tokens are made of. Whether it is one that somebody holds is for the server to say."""

Json = dict[str, Any]
_KINDS = {
    kind.kind: kind for kind in (Conflict, Invalid, NotFound, NotYet, Refused, TooMany, Unauthenticated, Unavailable)
}


@dataclass(frozen=True, slots=True)
class Login:
    """Where Daypass is, and as whom. `ca`: the file of the certificate authority to trust, if not the machine's.
    Raises Invalid for what is no address or cannot be a token, which it does not show."""

    url: str
    token: str = field(repr=False)
    ca: str | None = None

    def __post_init__(self) -> None:
        _address(self.url)
        if self.token and not TOKEN.fullmatch(self.token):
            raise Invalid(
                "the token has characters that no token has", hint="copy it once more, from dp_ to its last letter"
            )


def config_folder() -> Path:
    """The user's own folder for Daypass (XDG base directories)."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "daypass"


def load_login() -> Login:
    """Who I am: the environment first, then what `login` stored. Raises Unauthenticated if neither says."""
    stored: Json = {}
    try:
        stored = json.loads((config_folder() / "login.json").read_text())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as problem:
        raise Unauthenticated(f"the stored login cannot be read: {problem}", hint="daypass login URL") from None
    url = os.environ.get("DAYPASS_URL", "").strip() or stored.get("url")
    if not url:
        raise Unauthenticated("I don't know where Daypass is", hint="set DAYPASS_URL, or: daypass login URL --token T")
    token = os.environ.get("DAYPASS_TOKEN", "").strip() or (stored.get("token") if url == stored.get("url") else None)
    if not token:
        raise Unauthenticated("I have no token", hint="set DAYPASS_TOKEN, or: daypass login URL --token T")
    return Login(url, token, os.environ.get("DAYPASS_CA") or stored.get("ca"))


def save_login(login: Login) -> Path:
    """Store a login so that only this user can read it."""
    folder = config_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file, fresh = folder / "login.json", folder / f"login.json.{os.getpid()}"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({"url": login.url, "token": login.token, "ca": login.ca}, out)
    os.replace(fresh, file)
    return file


class Api:
    """The HTTP API as the verbs call it. Every failure is a DaypassError with a hint."""

    def __init__(self, login: Login) -> None:
        self.login = login

    def get(self, path: str, **query: object) -> Json:
        return self._json("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Json:
        return self._json("POST", path, body={k: v for k, v in (body or {}).items() if v is not None})

    def raw(self, path: str, **query: object) -> bytes:
        """The bytes of an answer that is no JSON."""
        with self._answer("GET", path, query, None) as answer:
            return self._read(answer.read)

    def lines(self, path: str) -> Iterator[str]:
        """The lines of a text answer, as they come."""
        with self._answer("GET", path, {}, None) as answer:
            while line := self._read(answer.readline):
                yield line.decode("utf-8", "replace").rstrip("\n")

    def every(self, path: str, limit: int, **query: object) -> tuple[list[Json], bool]:
        """The newest `limit` items of a paged list, and whether there are more."""
        items: list[Json] = []
        before = None
        for _ in range(PAGES_MAX):
            # One more than is wanted: a full page says nothing about whether there is another.
            page = self.get(path, **query, before=before, limit=min(limit + 1 - len(items), PAGE))
            items += page["items"]
            before = page.get("next")
            if before is None or len(items) > limit:
                return items[:limit], len(items) > limit
        return items, True

    def _json(
        self, method: str, path: str, query: Mapping[str, object] | None = None, body: Json | None = None
    ) -> Json:
        with self._answer(method, path, query or {}, body) as answer:
            raw = self._read(answer.read)
        try:
            return cast(Json, json.loads(raw))
        except ValueError:
            raise Unavailable(
                f"{self.login.url} answered with something else than JSON", hint="is it Daypass?"
            ) from None

    def _answer(
        self, method: str, path: str, query: Mapping[str, object], body: Json | None
    ) -> http.client.HTTPResponse:
        # What a shell hands on in no encoding of ours names nothing there is.
        asked = urlencode([(k, str(v)) for k, v in query.items() if v is not None], errors="replace")
        target = f"/api/v1/{quote(path, errors='replace')}" + (f"?{asked}" if asked else "")
        headers = {"Accept": "application/json"}
        if self.login.token:
            headers["Authorization"] = f"Bearer {self.login.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection = self._connection()
            connection.request(method, target, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
        except (http.client.InvalidURL, UnicodeError):
            raise _no_address(self.login.url) from None
        except (OSError, http.client.HTTPException) as problem:
            raise Unavailable(
                f"{self.login.url} cannot be reached: {_why(problem)}",
                hint="is `daypass serve` running there? (DAYPASS_URL)",
            ) from None
        if answer.status >= 400:
            raise _problem(answer.status, self._read(answer.read))
        return answer

    def _read(self, some: Callable[[int], bytes]) -> bytes:
        """What comes: a line, or all of it. Raises Unavailable for what broke off, or is longer than anything is."""
        try:
            raw = some(ANSWER_BYTES_MAX + 1)
        except (OSError, http.client.HTTPException) as problem:
            why = _why(problem) if isinstance(problem, OSError) else "the line was closed before all of it was there"
            raise Unavailable(f"the answer of {self.login.url} broke off: {why}", hint="try again") from None
        if len(raw) > ANSWER_BYTES_MAX:
            most = f"{ANSWER_BYTES_MAX >> 20} MiB"
            raise Unavailable(f"the answer of {self.login.url} is longer than {most}", hint="is it Daypass?")
        return raw

    def _connection(self) -> http.client.HTTPConnection:
        parts = _address(self.login.url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port or 80, timeout=ANSWER_SECONDS_MAX)
        trust = ssl.create_default_context(cafile=self.login.ca)
        return http.client.HTTPSConnection(host, parts.port or 443, timeout=ANSWER_SECONDS_MAX, context=trust)


def _address(url: str) -> SplitResult:
    """The parts of an address of Daypass, which has a host for itself: no path, and nobody's name, would be heeded."""
    try:
        parts = urlsplit(url)
        more = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not more:
            return parts
    except ValueError:
        pass
    raise _no_address(url)


def _no_address(url: str) -> Invalid:
    shown = re.sub(r"//.*@", "//…@", url)
    return Invalid(f"{shown!r} is no address of Daypass", hint="it looks like http://localhost:8420, without a path")


def _why(problem: OSError | http.client.HTTPException) -> str:
    """What was wrong with the line, or with what came over it, which is not shown."""
    if isinstance(problem, OSError):
        return problem.strerror or str(problem) or type(problem).__name__
    return "what answers there does not speak HTTP"


def _problem(status: int, raw: bytes) -> DaypassError:
    """The error that an RFC 9457 problem tells of."""
    try:
        told = json.loads(raw)
        kind = str(told["type"]).rsplit("/", 1)[-1]
        return _KINDS.get(kind, DaypassError)(str(told["detail"]), hint=str(told.get("hint") or ""))
    except (ValueError, KeyError, TypeError):
        return Unavailable(f"the answer was HTTP status {status} without a reason", hint="is DAYPASS_URL right?")


def api() -> Api:
    """The API as whoever is logged in."""
    return Api(load_login())
