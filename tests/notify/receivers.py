"""Receivers of messages, as real as they get here: an SMTP server (aiosmtpd) with STARTTLS and sign-in, a web server,
and one that follows what Slack's documentation says of its Web API (JSON for what writes, forms for what looks up, `ok`
in every answer, 429 with Retry-After, names of errors). Each can break.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

JSON = "application/json; charset=utf-8"
FORM = "application/x-www-form-urlencoded"
WRITES = ("chat.postMessage", "chat.update", "chat.postEphemeral", "views.open")
READS = ("users.lookupByEmail", "users.info", "auth.test")
BOT = "xoxb-123-token"


@dataclass
class Heard:
    """One HTTP request that arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Web:
    """Answers each POST with the next of `answers` (status, headers, body), else with 200. `stall`: takes requests and
    answers none."""

    answers: list[tuple[int, Mapping[str, str], bytes]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    stall: bool = False
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.lower(): v for k, _, v in (one.partition(": ") for one in head[1:] if one)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = Heard(head[0].split(" ")[1], headers, body)
                self.heard.append(request)
                while self.stall:  # noqa: ASYNC110  until the test lets go
                    await asyncio.sleep(0.02)
                status, more, said = self.answer(request)
                lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(said)}"]
                lines += [f"{name}: {value}" for name, value in more.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)

    def answer(self, request: Heard) -> tuple[int, Mapping[str, str], bytes]:
        return self.answers.pop(0) if self.answers else (200, {}, b"")


@dataclass
class SlackServer(Web):
    """A workspace. `members` by id; `posted` what stands in its conversations now, by (channel, ts)."""

    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    posted: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    limited: int = 0
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def member(self, id: str, address: str, **more: Any) -> None:
        user = {"id": id, "team_id": "T1", "is_email_confirmed": True, "profile": {"email": address}}
        self.members[id] = user | more

    def answer(self, request: Heard) -> tuple[int, Mapping[str, str], bytes]:
        if self.limited:
            self.limited -= 1
            return 429, {"Retry-After": "30"}, b""
        method = request.path.rpartition("/")[2]
        told = self._called(method, request)
        return 200, {"Content-Type": JSON}, json.dumps(told).encode()

    def _called(self, method: str, request: Heard) -> dict[str, Any]:
        media = request.headers.get("content-type", "")
        if request.headers.get("authorization") != f"Bearer {BOT}":
            return {"ok": False, "error": "not_authed"}
        if (method in WRITES and media != JSON) or (method in READS and media != FORM):
            return {"ok": False, "error": "invalid_arguments"}
        if self.errors:
            return {"ok": False, "error": self.errors.pop(0)}
        given = request.json if method in WRITES else {k: v[0] for k, v in parse_qs(request.body.decode()).items()}
        self.calls.append((method, given))
        match method:
            case "auth.test":
                return {"ok": True, "team": "Acme", "team_id": "T1", "user": "daypass"}
            case "users.info":
                found = self.members.get(given["user"])
                return {"ok": True, "user": found} if found else {"ok": False, "error": "user_not_found"}
            case "users.lookupByEmail":
                one = next((m for m in self.members.values() if m["profile"]["email"] == given["email"]), None)
                return {"ok": True, "user": one} if one else {"ok": False, "error": "users_not_found"}
            case "chat.postMessage":
                channel = given["channel"].replace("U", "D", 1)
                ts = f"1700000000.{len(self.posted):06d}"
                self.posted[channel, ts] = given
                return {"ok": True, "channel": channel, "ts": ts}
            case "chat.update":
                if (given["channel"], given["ts"]) not in self.posted:
                    return {"ok": False, "error": "message_not_found"}
                self.posted[given["channel"], given["ts"]] = given
                return {"ok": True, "channel": given["channel"], "ts": given["ts"]}
            case _:
                return {"ok": True}

    def of(self, channel: str) -> list[dict[str, Any]]:
        """What stands in a conversation, oldest first."""
        return [said for (where, _), said in self.posted.items() if where == channel]


class Mailbox:
    """An SMTP server and what it took. `refusal`: what it answers to recipients."""

    def __init__(self, tls: ssl.SSLContext | None = None, password: str = "") -> None:
        self.mails: list[EmailMessage] = []
        self.refusal = ""
        self.port = 0
        self.encrypted: list[bool] = []
        self._tls = tls
        self._password = password
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        def authenticator(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
            good = isinstance(data, LoginPassword) and data.password.decode() == self._password
            return AuthResult(success=good)

        def protocol() -> SMTP:
            return SMTP(
                self,
                hostname="mail.acme.test",
                tls_context=self._tls,
                require_starttls=self._tls is not None,
                authenticator=authenticator,
                auth_required=bool(self._password),
                loop=asyncio.get_running_loop(),
            )

        self._server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        self.encrypted.append(session.ssl is not None)
        return "250 taken"


def text_of(mail: EmailMessage) -> str:
    """Its plain text."""
    part = mail.get_body(("plain",))
    assert part is not None
    found: str = part.get_content()
    return found
