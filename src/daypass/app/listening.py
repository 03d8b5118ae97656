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
from daypass.domain.errors import Unavailable

CONNECTIONS_MAX = 1000
"""Requests under way at once; a further one is answered with 503 instead of being held in memory."""
KEEP_ALIVE_SECONDS = 15
SHUTDOWN_SECONDS = 5
"""How long open answers may take once we leave."""
BACKLOG = 512


class HttpServer(uvicorn.Server):
    """uvicorn without its hands on our signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listening:
    """One server and its socket."""

    def __init__(self, app: ASGIApp, bound: socket.socket, tls: Tls | None = None) -> None:
        config = uvicorn.Config(
            app,
            loop="none",
            http="httptools",
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
            ssl_keyfile=str(tls.key) if tls else None,
        )
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
