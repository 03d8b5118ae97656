"""What stands before every route: whom the request is for, how large it may be, what every answer says to browsers.

Plain ASGI, so that streamed answers stay streams. It knows nothing of people and tokens.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daypass.api.problems import TooLarge, crashed, of_too_large, problem

PROBES = ("/healthz", "/metrics")
"""What machines ask for by whatever address they know; both say nothing of anybody."""

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000")

log = structlog.get_logger()


class Guard:
    """Refuses other Host headers than ours (so that no web page can reach us under a name of its own), bodies over the
    limit, and lets no failure out as anything but a problem."""

    def __init__(self, app: ASGIApp, *, public_url: str, listening: Sequence[str], body_bytes_max: int) -> None:
        self._app = app
        parts = urlsplit(public_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._hosts = {_host(f"{parts.hostname}:{port}", port), *(_host(each, port) for each in listening)}
        self._usual = port
        self._headers = HEADERS + ((HSTS,) if parts.scheme == "https" else ())
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message["headers"], *self._missing(message["headers"])]
            await send(message)

        try:
            answered = self._refusal(scope) or self._app
            await answered(scope, self._counted(receive), sending)
        except ClientDisconnect:
            return  # whoever left in the middle of a body is owed no answer
        except Exception:
            log.exception("a route failed", method=scope["method"], path=scope["path"])
            if begun:
                raise
            await crashed()(scope, receive, sending)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if scope["path"] not in PROBES and _host(host, self._usual) not in self._hosts:
            hint = "public_url in the settings says what it is called"
            return problem(421, "misdirected", f"{host[:100] or 'no Host'!r} is not this server's name", hint=hint)
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._body_bytes_max:
            return of_too_large(TooLarge(self._body_bytes_max))
        return None

    def _counted(self, receive: Receive) -> Receive:
        taken = 0

        async def receiving() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._body_bytes_max:
                raise TooLarge(self._body_bytes_max)
            return message

        return receiving

    def _missing(self, there: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _ in there}
        return [(name, value) for name, value in self._headers if name not in names]


def _host(host: str, usual: int) -> str:
    """A Host header in one form: lower case, with its port; empty for what is none."""
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname or "", parts.port or usual
    except ValueError:
        return ""
    try:
        name = ipaddress.ip_address(name).compressed
    except ValueError:
        name = name.rstrip(".")
    return f"{name.lower()}|{port}"
