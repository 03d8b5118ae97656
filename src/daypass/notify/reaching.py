"""POST to URLs of the settings, and to nowhere else: no redirects, no proxies, no other address than was meant.

A name is resolved here, its addresses are looked at, and the connection goes to the very address that was looked at,
so that a name cannot lead into this machine or its network, nor to a cloud's metadata. TLS still checks the name. An
address of this machine is reached only by a URL that says so itself, a private network only where the settings do.
"""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore2

from daypass.notify.interface import SEND_SECONDS_MAX, NotSent

ANSWER_BYTES_MAX = 256 * 1024
"""Answers are a few words; more is not read."""

METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""Where clouds keep what a machine may do, besides link-local addresses."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """What it says as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def retry_after(self) -> float | None:
        """How many seconds the receiver wants to be left alone (RFC 9110, section 10.2.3)."""
        said = self.headers.get("retry-after", "").strip()
        if said.isdecimal():
            return float(said)
        try:
            return email.utils.parsedate_to_datetime(said).timestamp() - time.time()
        except (TypeError, ValueError):
            return None


def is_here(host: str) -> bool:
    """Whether a URL's host says itself that it is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_reach(address: Ip, *, here: bool, private: bool) -> bool:
    """Whether a connection may go to this address. `here`: the URL names this machine; `private`: the settings let it
    go to private networks."""
    address = _inner(address)
    if address.is_loopback:
        return here
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in METADATA:
        return False
    return not here and (address.is_global or (private and not address.is_reserved))


def _inner(address: Ip) -> Ip:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


class Looking(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were looked at first."""

    def __init__(self, *, here: bool, private: bool) -> None:
        self._here = here
        self._private = private
        self._under = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        good = [one for one in addresses if self._good(one)]
        if not good:
            raise NotSent(f"{host} is at {', '.join(addresses)}, where this channel may not go")
        problem: Exception | None = None
        for address in good:
            try:
                return await self._under.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as why:
                problem = why
        assert problem is not None
        raise problem

    def _good(self, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        return may_reach(ip, here=self._here, private=self._private)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise NotSent("this channel goes over the network")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Reach:
    """Connections to the host of one URL. `ca` is a PEM file to trust instead of the system's."""

    def __init__(self, url: str, *, private: bool = False, ca: Path | None = None) -> None:
        self._url = url.rstrip("/")
        self._parts = urlsplit(url)
        self._private = private
        self._ca = ca
        self._pool: httpcore2.AsyncConnectionPool | None = None

    @property
    def host(self) -> str:
        return self._parts.hostname or ""

    async def post(self, body: bytes, headers: Mapping[str, str], *, path: str = "") -> Answer:
        """POST to the URL, or to a path below it. Raises NotSent; its words never quote the URL, which may be a
        secret."""
        sent = [(b"Host", self._parts.netloc.encode()), (b"User-Agent", b"Daypass")]
        sent += [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                return await self._post(f"{self._url}{path}", body, sent)
        except TimeoutError:
            raise NotSent(f"{self.host} did not answer within {SEND_SECONDS_MAX:.0f} s") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as problem:
            raise NotSent(f"{self.host} cannot be reached: {type(problem).__name__}") from None

    async def _post(self, url: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> Answer:
        if self._pool is None:
            backend = Looking(here=is_here(self.host), private=self._private)
            tls = ssl.create_default_context(cafile=str(self._ca) if self._ca else None)
            self._pool = httpcore2.AsyncConnectionPool(ssl_context=tls, network_backend=backend, keepalive_expiry=30.0)
        headers = [*headers, (b"Content-Length", str(len(body)).encode())]
        async with self._pool.stream("POST", url, headers=headers, content=body) as answer:
            taken = b""
            async for chunk in answer.aiter_stream():
                taken += chunk
                if len(taken) > ANSWER_BYTES_MAX:
                    raise NotSent(f"{self.host} answered with more than {ANSWER_BYTES_MAX} bytes")
            found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
            return Answer(answer.status, found, taken)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None
