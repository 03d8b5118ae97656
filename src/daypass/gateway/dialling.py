"""What sessions and enders ask of the network and the processor in the same words: connect, start TLS, derive a key."""

from __future__ import annotations

import asyncio
import os
import socket

import structlog

from daypass.domain.errors import DaypassError
from daypass.domain.target import Target
from daypass.gateway.derive import Deriver
from daypass.gateway.tls import client_layer
from daypass.gateway.wire import Wire
from daypass.protocols.interface import Connected, Derive, Derived, Failed, Side, StartTls

log = structlog.get_logger(__name__)


async def connect(wire: Wire, target: Target, seconds: float) -> Connected | Failed:
    """Dial a target. What came of it is the answer to the protocol's `Connect`."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            await loop.create_connection(lambda: wire.as_protocol, target.host, target.port)
    except TimeoutError:
        return _failed(target, f"it did not answer within {seconds:g} s", "no answer in time")
    except socket.gaierror as problem:
        return _failed(target, "its name cannot be resolved", problem)
    except OSError as problem:
        # What the loop makes of several addresses has no number, and names them.
        return _failed(target, os.strerror(problem.errno) if problem.errno else "no connection", problem)
    return Connected()


def _failed(target: Target, why: str, problem: object) -> Failed:
    """What the client is told; the operator's log has the address, which is nobody else's business."""
    log.warning("a target failed", target=target.name, address=f"{target.host}:{target.port}", problem=str(problem))
    return Failed(Side.TARGET, why)


async def send_once(target: Target, data: bytes, seconds: float) -> bool:
    """Dial a target, send this, wait until it closes, which is all the answer there is. Returns whether it was sent."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(target.host, target.port)
            try:
                writer.write(data)
                await writer.drain()
                await reader.read(1)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return True


def secure(wire: Wire, target: Target, effect: StartTls) -> str | None:
    """Start TLS towards a target; why that cannot be, if so."""
    try:
        layer = client_layer(target.host, alpn=effect.alpn, verify=effect.verify, ca=target.tls_ca)
    except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
        log.warning("a target's tls_ca cannot be used", target=target.name, tls_ca=target.tls_ca, problem=str(problem))
        return "the certificate authority of its settings cannot be used"
    wire.start_tls(layer, effect.pending)
    return None


async def derive(deriver: Deriver, effect: Derive) -> Derived | Failed:
    """The answer to the protocol's `Derive`."""
    try:
        return Derived(await deriver.derive(effect.password, effect.salt, effect.iterations))
    except DaypassError as problem:
        return Failed(Side.TARGET, problem.message)
