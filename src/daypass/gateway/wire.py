"""One side of a connection: a transport, perhaps with TLS over it, and the reasons why reading from it is paused.

Knows bytes only. Whoever owns it (a session's driver, an ender's link) is told what came and when the peer is gone.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Final, cast
from typing import Protocol as Interface

from daypass.gateway.tls import TlsLayer
from daypass.protocols.interface import Side

FULL: Final = 1
UNWANTED: Final = 2
PRESSED: Final = 4
HELD: Final = 8
STOPPED: Final = 16
GATHERING: Final = 32
"""Why reading may be paused, as bits: the other side's buffer is full, the session wants nothing, the journal has too
much unshipped, too much waits for its record, forwarding is over, more of a stream is let come together."""

KEEPALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
"""A peer that is gone without a word is noticed within a minute, so that its session does not stay open."""

QUIET_SECONDS: Final = 0.05
"""Who owes nothing and has sent nothing for so long after its last words were sent to it is not sending."""

STREAM_BYTES: Final = 1 << 18
"""Who has said so much since it was last spoken to is streaming: the rows of a large answer, what is copied in."""

PIECE_BYTES: Final = 1 << 16
"""Pieces of a stream that are smaller than this cost more for being read at all than for what is in them."""

GATHER_SECONDS: Final = 0.001
"""How long a stream in small pieces is let come together before the next is read: the shortest timer of the loop. A
PostgreSQL server sends 8 KiB at a time, and whoever reads each is woken for each."""


class Owner(Interface):
    """Who is told."""

    def received(self, side: Side, data: bytes) -> None: ...
    def finished(self, side: Side) -> None:
        """The peer will send no more."""

    def lost(self, side: Side) -> None:
        """The connection is gone, both ways."""

    def secured(self, side: Side, layer: TlsLayer) -> None:
        """The TLS handshake is done."""

    def unsecured(self, side: Side, why: str) -> None:
        """The TLS handshake failed."""

    def clogged(self, side: Side, full: bool) -> None:
        """The buffer towards this side is full, or no longer."""


class Wire:
    """An `asyncio.Protocol` in all but name (`as_protocol`): a compiled class cannot inherit from one that is not."""

    __slots__ = (
        "_missing",
        "_paused",
        "_streamed",
        "_tls",
        "_transport",
        "_unheeded",
        "buffer_bytes",
        "closing",
        "dialling",
        "lost",
        "owner",
        "peer",
        "side",
    )

    def __init__(self, owner: Owner | None, side: Side, buffer_bytes: int) -> None:
        self.owner: Owner = owner  # type: ignore[assignment]  # a listener fills it in before anything happens
        self.side = side
        self.buffer_bytes = buffer_bytes
        self.closing = False
        self.dialling = False
        self.lost = False
        self.peer = ""
        self._paused = 0
        self._streamed = 0
        self._tls: TlsLayer | None = None
        self._transport: asyncio.Transport | None = None
        self._unheeded = False
        self._missing = 0

    @property
    def as_protocol(self) -> asyncio.Protocol:
        """This, as asyncio's functions want it."""
        return cast(asyncio.Protocol, self)

    # -- what asyncio calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self.buffer_bytes)
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
        self._tune(transport.get_extra_info("socket"))
        if self.closing:  # closed while it was dialled
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.closing:
            self._unheeded = True  # read only so that the peer may come to an end: see `part`
            self._missing -= len(data)
            return
        self._streamed += len(data)
        if self._tls is None:
            self.owner.received(self.side, data)
        else:
            self._decrypt(data)
        if self._streamed > STREAM_BYTES and len(data) < PIECE_BYTES and not self._paused:
            self._gather()

    def eof_received(self) -> bool:
        if self.closing:
            return False  # both are done: asyncio closes
        self.owner.finished(self.side)
        return True  # half-closed: stays open the other way until its owner closes it

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self.closing = True
        self._transport = None
        self.owner.lost(self.side)

    def pause_writing(self) -> None:
        self.owner.clogged(self.side, True)

    def resume_writing(self) -> None:
        self.owner.clogged(self.side, False)

    # -- what the owner calls -------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send, unless the side is closed or gone."""
        if self.closing or self._transport is None:
            return
        self._streamed = 0
        if self._tls is not None:
            if not self._tls.established:
                return  # nothing is said in the clear any more, and nothing can be said in secret yet
            self._tls.write(data)
            data = self._tls.take()
        self._transport.write(data)

    def start_tls(self, layer: TlsLayer, pending: bytes) -> None:
        """From here on everything is encrypted; the owner is told `secured` or `unsecured`, later."""
        self._tls = layer
        layer.feed(pending)
        asyncio.get_running_loop().call_soon(self._decrypt, b"")

    def pause(self, why: int) -> None:
        if not self._paused and self._transport is not None and not self.closing:
            self._transport.pause_reading()
        self._paused |= why

    def resume(self, why: int) -> None:
        was, self._paused = self._paused, self._paused & ~why
        if was and not self._paused and self._transport is not None and not self.closing:
            self._transport.resume_reading()

    def read_on(self) -> None:
        """Read, whatever it was paused for."""
        self.resume(self._paused)

    @property
    def gone(self) -> bool:
        """Whether there is no connection, and none is about to be."""
        return self._transport is None and not self.dialling

    def paused(self, why: int) -> bool:
        return bool(self._paused & why)

    def close(self) -> None:
        """Close after what was sent."""
        if self._transport is None:
            self.closing = True
        elif not self.closing:
            self.closing = True
            self._close_now()

    def part(self, missing: int) -> None:
        """As `close`, from a peer that may be in the middle of sending: what still comes is thrown away, and it is
        closed when these bytes have come, and then nothing for QUIET_SECONDS. Who is told of the end of the connection
        while it sends (a reset, for bytes unread: RFC 9293, section 3.6.1) gives up, and does not read the last words.
        """
        if self._transport is None or self.closing:
            self.close()
            return
        self.read_on()
        self.closing = True
        self._unheeded = False
        self._missing = missing
        asyncio.get_running_loop().call_later(QUIET_SECONDS, self._close_if_quiet)

    def abort(self) -> None:
        """Close without sending what is still buffered."""
        self.closing = True
        if self._transport is not None:
            self._transport.abort()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _gather(self) -> None:
        self.pause(GATHERING)
        asyncio.get_running_loop().call_later(GATHER_SECONDS, self.resume, GATHERING)

    def _close_if_quiet(self) -> None:
        if self._transport is None:
            return
        if self._unheeded or self._missing > 0:
            self._unheeded = False
            asyncio.get_running_loop().call_later(QUIET_SECONDS, self._close_if_quiet)
        else:
            self._close_now()

    def _close_now(self) -> None:
        if self._transport is None:
            return
        if self._tls is not None:
            self._tls.close()
            self._transport.write(self._tls.take())
        self._transport.close()

    def _decrypt(self, data: bytes) -> None:
        layer = self._tls
        if layer is None or self._transport is None or self.closing:
            return
        layer.feed(data)
        try:
            if not layer.established:
                if not layer.handshake():
                    return
                self._push(layer)
                self.owner.secured(self.side, layer)
            plain = layer.read()
        except ssl.SSLError as problem:
            self._push(layer)
            if layer.established:
                self.abort()
            else:
                self.owner.unsecured(self.side, problem.reason or "the TLS handshake failed")
            return
        finally:
            self._push(layer)
        if plain:
            self.owner.received(self.side, plain)
        if layer.ended:
            self.owner.finished(self.side)

    def _push(self, layer: TlsLayer) -> None:
        if self._transport is not None and not self.closing and (data := layer.take()):
            self._transport.write(data)

    def _tune(self, sock: socket.socket | None) -> None:
        if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
