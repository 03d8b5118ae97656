"""How exports travel: JSON lines to a webhook, syslog over TCP or TLS. A batch has arrived when `send` returns.

A webhook says so with a status of 2xx. Syslog has no answer: there a batch counts as arrived when the other machine's
kernel has acknowledged its last byte and the connection still stands; what was only on its way is sent again.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import ssl
import struct
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Interface
from urllib.parse import urlsplit

from daypass.ledger.exporting.forms import FORMS, Placed, line
from daypass.ledger.exporting.syslog import framed, message

SEND_SECONDS_MAX = 30.0
"""One batch, the connection included. A receiver that takes longer is not receiving."""
ACKNOWLEDGED_SECONDS = 0.01
"""How often the kernel is asked whether everything has been acknowledged."""
PORTS = {"syslog+tls": 6514, "syslog+tcp": 601}
FORMATTED_AT_ONCE = 16
"""Entries that are written out before the event loop gets its turn: under a millisecond."""


class NotSent(Exception):
    """A batch did not arrive, as far as we know. One line says why; it holds no secret and no content."""


class Sending(Interface):
    """One way to one receiver."""

    async def send(self, batch: Sequence[Placed]) -> None:
        """Return once the batch has arrived. Raises NotSent."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Way:
    """Where to and how. `token` is sent as a bearer token; `ca` is a PEM file to trust instead of the system's."""

    to: str
    form: str
    token: str = ""
    ca: Path | None = None

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca) if self.ca else None)


def sending(way: Way) -> Sending:
    """What its address asks for."""
    return Webhook(way) if urlsplit(way.to).scheme in ("http", "https") else Syslog(way)


async def _lines(way: Way, batch: Sequence[Placed]) -> list[bytes]:
    lines = []
    for n, placed in enumerate(batch):
        lines.append(line(way.form, placed))
        if n % FORMATTED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return lines


class Webhook:
    """POSTs JSON lines. Follows no redirect: what was configured is where it goes."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._client: Any = None

    async def send(self, batch: Sequence[Placed]) -> None:
        import httpx2

        body = b"\n".join(await _lines(self._way, batch)) + b"\n"
        headers = {"Content-Type": FORMS[self._way.form][0], "X-Daypass-First": str(batch[0].index)}
        if self._way.token:
            headers["Authorization"] = f"Bearer {self._way.token}"
        try:
            if self._client is None:
                self._client = httpx2.AsyncClient(verify=self._way.tls(), timeout=SEND_SECONDS_MAX, trust_env=False)
            answer = await self._client.post(self._way.to, content=body, headers=headers)
        except (httpx2.HTTPError, OSError, ssl.SSLError) as problem:
            raise NotSent(f"{type(problem).__name__}: {problem}") from None
        if not answer.is_success:
            raise NotSent(f"the answer was HTTP status {answer.status_code}")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


class Syslog:
    """One connection, kept open; a new one after any failure."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._host = socket.gethostname()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, batch: Sequence[Placed]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await self._send(batch)
        except (OSError, TimeoutError, ssl.SSLError) as problem:
            await self.close()
            raise NotSent(f"{type(problem).__name__}: {problem}") from None

    async def _send(self, batch: Sequence[Placed]) -> None:
        if self._streams is None:
            parts = urlsplit(self._way.to)
            tls = self._way.tls() if parts.scheme == "syslog+tls" else None
            self._streams = await asyncio.open_connection(parts.hostname, parts.port or PORTS[parts.scheme], ssl=tls)
        reader, writer = self._streams
        for n, placed in enumerate(batch):
            writer.write(framed(message(self._way.form, placed, self._host, os.getpid())))
            if n % FORMATTED_AT_ONCE == 0:
                await writer.drain()
                await asyncio.sleep(0)
        await writer.drain()
        while unacknowledged(writer):
            self._still_there(reader, writer)
            await asyncio.sleep(ACKNOWLEDGED_SECONDS)
        # A receiver that closed says so right behind its acknowledgement.
        await asyncio.sleep(ACKNOWLEDGED_SECONDS)
        self._still_there(reader, writer)

    def _still_there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reader.at_eof() or writer.is_closing() or reader.exception() is not None:
            raise ConnectionResetError("the receiver closed the connection")

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def unacknowledged(writer: asyncio.StreamWriter) -> int:
    """The bytes that the other machine has not acknowledged, in our buffers and in the kernel's (tcp(7), SIOCOUTQ)."""
    answer = fcntl.ioctl(writer.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    return writer.transport.get_write_buffer_size() + int(struct.unpack("i", answer)[0])
