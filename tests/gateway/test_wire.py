"""One side of a connection over a real socket: when it is read, and in what pieces."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.gateway.rig import until

from daypass.gateway.tls import TlsLayer
from daypass.gateway.wire import FULL, GATHERING, STREAM_BYTES, Wire
from daypass.protocols.interface import Side

PIECE = b"r" * 8192
PIECES = 400


class Listener:
    """A `wire.Owner` that keeps what came, piece by piece, and does `then` with each."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.over = False
        self.then: Callable[[], object] = lambda: None

    @property
    def taken(self) -> int:
        return sum(map(len, self.pieces))

    def received(self, side: Side, data: bytes) -> None:
        self.pieces.append(data)
        self.then()

    def finished(self, side: Side) -> None:
        self.over = True

    def lost(self, side: Side) -> None:
        self.over = True

    def secured(self, side: Side, layer: TlsLayer) -> None: ...
    def unsecured(self, side: Side, why: str) -> None: ...
    def clogged(self, side: Side, full: bool) -> None: ...


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Wire, Listener, socket.socket]]:
    """A wire, who is told, and the peer's socket."""
    near, far = socket.socketpair()
    far.setblocking(False)
    listener = Listener()
    wire = Wire(listener, Side.TARGET, 1 << 20)
    await asyncio.get_running_loop().create_connection(lambda: wire.as_protocol, sock=near)
    try:
        yield wire, listener, far
    finally:
        wire.abort()
        far.close()
        await until(lambda: wire.gone)


async def stream(far: socket.socket) -> None:
    """What makes a peer one that streams, and then small pieces, one in each turn of the loop."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(far, b"s" * (STREAM_BYTES + 1))
    for _ in range(PIECES):
        await loop.sock_sendall(far, PIECE)
        await asyncio.sleep(0)


async def test_a_stream_in_small_pieces_is_read_in_larger_ones() -> None:
    async with connected() as (_, listener, far):
        await stream(far)
        await until(lambda: listener.taken == STREAM_BYTES + 1 + PIECES * len(PIECE))
        assert b"".join(listener.pieces).strip(b"s") == PIECE * PIECES
        assert len(listener.pieces) < PIECES / 5


async def test_the_last_of_a_stream_comes_and_so_does_its_end() -> None:
    async with connected() as (_, listener, far):
        await stream(far)
        await asyncio.get_running_loop().sock_sendall(far, b"the last")
        far.shutdown(socket.SHUT_WR)
        await until(lambda: listener.over)
        assert b"".join(listener.pieces).endswith(PIECE + b"the last")


async def test_who_is_spoken_to_is_not_streaming_however_much_it_says() -> None:
    async with connected() as (wire, listener, far):
        for n in range(1, 2 * STREAM_BYTES // len(PIECE)):
            wire.send(b"more")
            far.send(PIECE)
            await until(lambda n=n: listener.taken == n * len(PIECE))  # type: ignore[misc]
            assert not wire.paused(GATHERING)


async def test_what_is_paused_for_another_reason_stays_so_when_it_has_gathered() -> None:
    loop = asyncio.get_running_loop()
    async with connected() as (wire, listener, far):
        await loop.sock_sendall(far, b"s" * (STREAM_BYTES + 1))
        await until(lambda: listener.taken == STREAM_BYTES + 1)
        listener.then = lambda: loop.call_soon(wire.pause, FULL)
        far.send(PIECE)
        await until(lambda: wire.paused(FULL) and not wire.paused(GATHERING))
        before = listener.taken
        far.send(PIECE)
        await asyncio.sleep(0.05)
        assert listener.taken == before
        wire.resume(FULL)
        await until(lambda: listener.taken == before + len(PIECE))
