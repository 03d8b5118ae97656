"""Whoever takes no answer is cut off; whoever takes it slowly gets all of it. On the loop that serves."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from daypass.app.listening import Listening

SIZE = 16 * 1024 * 1024
"""More than the kernel takes for a client who reads nothing."""
PART = 1024 * 1024
GIVE_UP_SECONDS = 30.0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """A long answer: `/whole` in one piece, `/parts` in many."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % SIZE)]})
    part = SIZE if scope["path"] == "/whole" else PART
    for begin in range(0, SIZE, part):
        await send({"type": "http.response.body", "body": b"x" * part, "more_body": begin + part < SIZE})


def on_the_loop_that_serves(take_seconds: float, test: Callable[[int], Awaitable[None]]) -> None:
    async def run() -> None:
        bound = socket.create_server(("127.0.0.1", 0))
        bound.setblocking(False)
        listening = Listening(app, bound, take_seconds=take_seconds)
        await listening.start()
        await test(bound.getsockname()[1])
        await listening.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


async def asked(port: int, path: str, connection: str) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    one.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(one, ("127.0.0.1", port))
    await loop.sock_sendall(one, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n\r\n".encode())
    assert await loop.sock_recv(one, 4) == b"HTTP"
    return one


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
@pytest.mark.parametrize("path", ["/whole", "/parts"])
def test_who_takes_nothing_is_cut_off(path: str, connection: str) -> None:
    async def test(port: int) -> None:
        before = descriptors()
        ours = [await asked(port, path, connection) for _ in range(8)]
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while descriptors() > before + len(ours):  # noqa: ASYNC110  the kernel says it
                await asyncio.sleep(0.05)
        for one in ours:
            one.close()

    on_the_loop_that_serves(0.2, test)


def test_who_takes_it_slowly_gets_all_of_it() -> None:
    async def test(port: int) -> None:
        one, got = await asked(port, "/parts", "close"), 0
        while part := await asyncio.get_running_loop().sock_recv(one, PART):
            got += len(part)
            await asyncio.sleep(0.02)
        one.close()
        assert got > SIZE

    on_the_loop_that_serves(1.5, test)
