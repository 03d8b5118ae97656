"""One address of one protocol: takes connections, and gives each its session and driver."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections import Counter

from daypass.domain.errors import ConfigError
from daypass.gateway.driver import Driver
from daypass.gateway.wire import Wire
from daypass.gateway.works import Works
from daypass.protocols.interface import Limits, Protocol

ENTROPY_BYTES = 64
"""What a session may use for salts, nonces and its interrupt key (protocols/interface.py)."""

BACKLOG = 1024
"""Connections the kernel completes before we take them: a pool that reconnects at once."""


class Listener:
    """`port` is the one it really listens on."""

    def __init__(self, works: Works, protocol: Protocol, limits: Limits, *, tls: bool, plain: bool) -> None:
        self.port = 0
        self._works = works
        self._protocol = protocol
        self._limits = limits
        self._tls = tls
        self._plain = plain
        self._server: asyncio.Server | None = None
        self._waiting: list[Driver] = []

    async def start(self, host: str, port: int) -> None:
        """Raises `ConfigError` if the address cannot be had."""
        try:
            self._server = await self._works.loop.create_server(self._accept, host, port, backlog=BACKLOG)
        except OSError as problem:
            raise ConfigError(f"{self._protocol.name}: cannot listen on {host}:{port}: {problem.strerror}") from problem
        self.port = self._server.sockets[0].getsockname()[1]

    async def join(self, end: socket.socket, peer: str) -> None:
        """Take a connection that begins in this process. It is treated as every other one; `peer` is who is behind it,
        as there is no address to read that from."""
        _, wire = await self._works.loop.connect_accepted_socket(self._accept, end)
        if isinstance(wire, Wire):
            wire.peer = peer

    def close(self) -> None:
        """Take no more connections; those that are there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _accept(self) -> asyncio.Protocol:
        works = self._works
        self._waiting = [one for one in self._waiting if one.asking.outside]
        if works.tally.unauthenticated >= works.bounds.unauthenticated_max:
            works.tally.crowded_out += 1
            if not self._waiting:
                return _TurnedAway()
            self._crowd_out()
        session = self._protocol.session(
            entropy=os.urandom(ENTROPY_BYTES), tls=self._tls, plain=self._plain, limits=self._limits
        )
        driver = Driver(works, self._protocol.name, session)
        driver.asking.arrive()
        self._waiting.append(driver)
        return driver.client.as_protocol

    def _crowd_out(self) -> None:
        """The oldest stranger of the address that has most of them goes: who floods us crowds out themselves."""
        crowd, _ = Counter(_address(one) for one in self._waiting).most_common(1)[0]
        oldest = next(one for one in self._waiting if _address(one) == crowd)
        self._waiting.remove(oldest)
        oldest.asking.give_up()


def _address(driver: Driver) -> str:
    return driver.client.peer.rpartition(":")[0]


class _TurnedAway(asyncio.Protocol):
    """Too many strangers are here already: closed before a word, which costs next to nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
