"""Receivers of exports: a syslog server written to RFC 6587 and RFC 5425, and a web server. Both can break."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Receiver:
    """`messages` are what has arrived, in order; `broken` closes every connection at once."""

    messages: list[bytes] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    broken: bool = False
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, serve: Callable[..., object], tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(serve, "127.0.0.1", self.port, ssl=tls)  # type: ignore[arg-type]
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.close()
        while self._writers:  # noqa: ASYNC110  each leaves the set when its connection is over
            await asyncio.sleep(0.01)

    async def syslog(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Frames of `MSG-LEN SP MSG` until the other side closes."""
        self._writers.add(writer)
        try:
            while not self.broken:
                length = (await reader.readuntil(b" "))[:-1]
                assert length.isdigit() and not length.startswith(b"0"), length
                self.messages.append(await reader.readexactly(int(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests with a Content-Length, each answered with the next of `statuses` (200 when there are none)."""
        self._writers.add(writer)
        try:
            while not self.broken:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.lower(): v for k, _, v in (one.partition(": ") for one in head[1:] if one)}
                body = await reader.readexactly(int(headers["content-length"]))
                status = self.statuses.pop(0) if self.statuses else 200
                self.requests.append((headers, body))
                if status == 200:
                    self.messages += body.splitlines()
                writer.write(f"HTTP/1.1 {status} Told\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)
