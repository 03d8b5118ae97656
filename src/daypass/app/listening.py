"""The HTTP servers inside our own loop: the web listener, and the operator's Unix socket. They handle no signals."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from daypass.app.certificates import Tls
from daypass.app.strangers import TAKE_SECONDS, Waiting, bounded
from daypass.domain.errors import Unavailable
from daypass.gateway.tls import server_context

CONNECTIONS_MAX = 1000
"""Requests under way at once; a further one is answered with 503 instead of being held in memory."""
KEEP_ALIVE_SECONDS = 15
SHUTDOWN_SECONDS = 5
"""How long open answers may take once we leave."""
BACKLOG = 512


HANDSHAKE_SECONDS = 10.0
"""How long a client may take over TLS before it is cut off."""


class HttpServer(uvicorn.Server):
    """uvicorn without its hands on our signals, and with an end to handshakes."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        config = self.config
        state = self.server_state

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=state, app_state={}
            )
            return made

        seconds = HANDSHAKE_SECONDS if config.ssl else None
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                protocol, sock=one, ssl=config.ssl, backlog=config.backlog, ssl_handshake_timeout=seconds
            )
            for one in sockets or ()
        ]
        self.started = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listening:
    """One server and its socket."""

    def __init__(
        self, app: ASGIApp, bound: socket.socket, tls: Tls | None = None, take_seconds: float = TAKE_SECONDS
    ) -> None:
        config = uvicorn.Config(
            app,
            loop="none",
            http=bounded(Waiting(), take_seconds),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            ssl_certfile=str(tls.cert) if tls else None,
            ssl_context_factory=(lambda *_: server_context(tls.cert, tls.key)) if tls else None,
        )
        self._tls = tls
        self._config = config
        self._server = HttpServer(config)
        self._bound = bound
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take requests; returns once it does."""
        self._bound.listen(BACKLOG)
        self._task = asyncio.create_task(self._server.serve([self._bound]), name="http")
        while not self._server.started:
            if self._task.done():
                raise Unavailable(f"the web listener did not start: {self._task.exception()}")
            await asyncio.sleep(0.01)

    def renew(self) -> None:
        """Serve new connections with what the certificate's files say now. Raises `OSError` if they cannot be used."""
        if self._tls is not None and self._config.ssl is not None:
            server_context(self._tls.cert, self._tls.key)  # first apart: half a change would break every handshake
            self._config.ssl.load_cert_chain(self._tls.cert, self._tls.key)

    async def stop(self) -> None:
        """Finish what is under way, and stop."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task
        self._bound.close()


def unix_socket(path: Path) -> socket.socket:
    """A Unix socket that only our own user can open. The data directory's lock says that nobody else has it."""
    with suppress(FileNotFoundError):
        path.unlink()
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        bound.bind(str(path))
    finally:
        os.umask(before)
    bound.setblocking(False)
    return bound


def names_of(host: str, port: int) -> tuple[str, ...]:
    """What the web listener may be called besides its public name: its own address, and this machine's names for it."""
    own = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return own, f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"
