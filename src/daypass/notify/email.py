"""E-mail over SMTP: one message for each person, follow-ups in the same thread.

`Message-ID` is made of the notice's id, so that a message that was sent twice is one for programs that look. All of a
thread refer to one root that nobody sent, and to the message before; that is what mail programs sort by (RFC 5322,
section 3.6.4). Without TLS nothing is sent, but to this machine.
"""

from __future__ import annotations

import html
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path

import aiosmtplib

from daypass.domain.durations import as_datetime
from daypass.notify.interface import SEND_SECONDS_MAX, Message, NotSent, Receipt
from daypass.notify.plain import OPEN, clean, line, plain_text

STARTTLS, TLS, NONE = "starttls", "tls", "none"
"""How the connection is encrypted: after STARTTLS (RFC 3207), from the start (RFC 8314), not at all."""

_CELL = 'style="padding:2px 12px 2px 0;vertical-align:top"'


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in, and as whom. `ca` is a PEM file to trust instead of the system's."""

    host: str
    port: int
    tls: str
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None


class Email:
    """Hands mail to one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def send(self, message: Message, former: Receipt) -> Receipt:
        """See `Channel.send`. It was taken when the server said so for its recipient."""
        if not message.to.email:
            raise NotSent("mail goes to people, and this is for nobody", final=True)
        made = written(message, former, self._server.sender)
        try:
            async with self._client() as client:
                await client.send_message(made, sender=parseaddr(self._server.sender)[1], recipients=[message.to.email])
        except aiosmtplib.SMTPException as problem:
            raise self._problem(problem) from None
        except (OSError, ssl.SSLError, TimeoutError) as problem:
            raise NotSent(f"{self._server.host} cannot be reached: {type(problem).__name__}") from None
        return {"message_id": str(made["Message-ID"])}

    async def check(self) -> str:
        """Sign in, and leave again."""
        try:
            async with self._client() as client:
                await client.noop()
        except aiosmtplib.SMTPException as problem:
            raise self._problem(problem) from None
        except (OSError, ssl.SSLError, TimeoutError) as problem:
            raise NotSent(f"{self._server.host} cannot be reached: {type(problem).__name__}") from None
        how = {STARTTLS: "with STARTTLS", TLS: "with TLS", NONE: "in plain text"}[self._server.tls]
        return f"e-mail by {self._server.host}:{self._server.port} {how}, from {self._server.sender}"

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        tls = ssl.create_default_context(cafile=str(server.ca) if server.ca else None)
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            use_tls=server.tls == TLS,
            start_tls=server.tls == STARTTLS,
            tls_context=tls if server.tls != NONE else None,
            timeout=SEND_SECONDS_MAX,
        )

    def _problem(self, problem: aiosmtplib.SMTPException) -> NotSent:
        """5yz for a recipient or for the content is final (RFC 5321, section 4.2.1); signing in may work later."""
        host = self._server.host
        refused: aiosmtplib.SMTPException = problem
        if isinstance(problem, aiosmtplib.SMTPRecipientsRefused) and problem.recipients:
            refused = problem.recipients[0]
        if isinstance(refused, aiosmtplib.SMTPResponseException):
            lasting = isinstance(refused, (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError))
            final = lasting and 500 <= refused.code < 600
            return NotSent(f"{host} answered {refused.code} ({type(refused).__name__})", final=final)
        return NotSent(f"{host} cannot be used: {type(problem).__name__}")

    async def close(self) -> None:
        """Nothing is kept open."""


def written(message: Message, former: Receipt, sender: str) -> EmailMessage:
    """The mail, in plain text and in HTML that says the same."""
    domain = parseaddr(sender)[1].rpartition("@")[2]
    made = EmailMessage()
    made["From"] = sender
    made["To"] = formataddr((line(message.to.name), message.to.email))
    answers = message.thread and (former or message.quiet)
    made["Subject"] = ("Re: " if answers else "") + line(f"[Daypass] {message.subject}")
    made["Date"] = format_datetime(as_datetime(message.at))
    made["Message-ID"] = f"<{message.id}@{domain}>"
    if message.thread:
        root = f"<{message.thread}.thread@{domain}>"
        before = former.get("message_id", root)
        made["In-Reply-To"] = before
        made["References"] = root if before == root else f"{root} {before}"
    # RFC 3834: no out-of-office notes come back.
    made["Auto-Submitted"] = "auto-generated"
    made["X-Daypass-Notice"] = f"{message.kind} {message.id}"
    if message.urgent:
        made["Importance"] = "high"
    made.set_content(plain_text(message))
    made.add_alternative(_html(message), subtype="html")
    return made


def _html(message: Message) -> str:
    rows = "".join(
        f"<tr><td {_CELL}><b>{html.escape(label)}</b></td>"
        f"<td {_CELL}>{html.escape(clean(text)).replace(chr(10), '<br>')}</td></tr>"
        for label, text in message.facts
    )
    commands = "".join(f"<pre>{html.escape(line(command))}</pre>" for command in message.commands)
    link = f'<p><a href="{html.escape(message.link)}">{OPEN}</a></p>' if message.link else ""
    title = html.escape(line(message.title))
    return f"<html><body><p><b>{title}</b></p><table>{rows}</table>{commands}{link}</body></html>\n"
