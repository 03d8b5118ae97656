"""The client's side of a connection, from its first byte until it may be told that it is in.

TLS by SSLRequest or directly (ALPN `postgresql`), protocol 3.0 to 3.2, SCRAM with the person's tokens. Replication,
GSSAPI and cleartext passwords are not spoken here. What it finds out goes to `upstream`, which signs in to the target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from daypass.domain.grant import EndReason
from daypass.protocols.interface import (
    Authorize,
    Found,
    Interrupt,
    Interrupted,
    LookUp,
    Opened,
    Side,
    StartTls,
    TlsStarted,
)
from daypass.protocols.postgres import errors, messages, scram
from daypass.protocols.postgres.errors import Rejected
from daypass.protocols.postgres.frames import Malformed
from daypass.protocols.postgres.script import Script, Stage

ALPN = "postgresql"
TLS_HANDSHAKE = 0x16
"""The first byte of a TLS handshake record: a client that starts TLS directly."""
NEWEST = messages.PROTOCOL_3_2


@dataclass(frozen=True, slots=True)
class Entrance:
    """How clients may come in: `tls` can be started, `plain` text is allowed, `entropy` is this session's own."""

    entropy: bytes
    tls: bool
    plain: bool

    def random(self, purpose: str, count: int) -> bytes:
        """`count` (up to 32) bytes for one purpose, independent of those for every other."""
        return hashlib.sha256(self.entropy + purpose.encode()).digest()[:count]


@dataclass(frozen=True, slots=True)
class Guest:
    """A client that signed in and was let go on: what it asked for, and what it was given."""

    version: int
    parameters: Mapping[str, str]
    opened: Opened


class Cancelled(Exception):
    """The connection was a CancelRequest: it has done its work."""


def greet(stage: Stage, entrance: Entrance) -> Script[Guest]:
    """Bring a client in. Raises `Rejected`, `Malformed` or `Cancelled`."""
    first, binding, secure = yield from _secure(stage, entrance)
    if not secure and not entrance.plain:
        raise Rejected(
            errors.INVALID_AUTHORIZATION, "plain text is not allowed here", hint="Connect with sslmode=verify-full."
        )
    startup = _check(messages.read_startup(first))
    version = min(startup.version, NEWEST)
    options = [name for name in startup.parameters if name.startswith("_pq_.")]
    if startup.version > NEWEST or options:
        stage.say(Side.CLIENT, messages.negotiate(version, options))
    person = startup.parameters.get("user", "")
    if not person:
        raise Rejected(errors.INVALID_AUTHORIZATION, "no user name was given", hint="The user is your e-mail address.")
    token = yield from _sign_in(stage, entrance, person, binding)
    target, _, role = startup.parameters.get("database", person).partition(":")
    stage.out.append(Authorize(token, target, role or None))
    return Guest(version, startup.parameters, (yield from stage.wait(Opened)))


def _secure(stage: Stage, entrance: Entrance) -> Script[tuple[bytes, bytes | None, bool]]:
    """Answer requests for encryption until the start-up packet comes. Returns it, and what TLS it came over."""
    binding: bytes | None = None
    secure = False
    asked: set[int] = set()
    inbox = stage.inbox[Side.CLIENT]
    while not inbox:
        if Side.CLIENT in stage.closed:
            raise Rejected("", "nothing was sent", reason=EndReason.CLIENT_LEFT, silent=True)
        yield
    if inbox[0] == TLS_HANDSHAKE:
        pending = bytes(inbox)
        inbox.clear()
        started = yield from _start_tls(stage, entrance, pending)
        if started.alpn != ALPN:
            raise Malformed("direct TLS needs the application protocol (ALPN) postgresql")
        binding, secure = started.binding, True
        asked.add(messages.SSL_REQUEST)
    while True:
        packet = yield from stage.packet()
        code = messages.i32(packet, 0)
        if code == messages.CANCEL_REQUEST:
            stage.out.append(Interrupt(packet[4:]))
            # Clients take our closing for the word that it has happened: what they send next must not be hit.
            yield from stage.wait(Interrupted)
            raise Cancelled
        if code not in (messages.SSL_REQUEST, messages.GSSENC_REQUEST):
            return packet, binding, secure
        if code in asked or len(packet) != 4:
            raise Malformed("encryption was asked for twice, or with bytes behind the request")
        if inbox:
            raise Malformed("unencrypted bytes behind a request for encryption")
        asked.add(code)
        if code == messages.GSSENC_REQUEST or not entrance.tls:
            stage.say(Side.CLIENT, b"N")
            continue
        stage.say(Side.CLIENT, b"S")
        started = yield from _start_tls(stage, entrance, b"")
        if started.alpn not in (None, ALPN):
            raise Malformed("another application protocol (ALPN) than postgresql")
        binding, secure = started.binding, True


def _start_tls(stage: Stage, entrance: Entrance, pending: bytes) -> Script[TlsStarted]:
    if not entrance.tls:
        raise Rejected("", "TLS is not set up here", reason=EndReason.PROTOCOL_ERROR, silent=True)
    stage.out.append(StartTls(Side.CLIENT, (ALPN,), pending))
    return (yield from stage.wait(TlsStarted))


def _check(startup: messages.Startup) -> messages.Startup:
    """Refuse what is no ordinary connection of protocol 3."""
    if startup.version >> 16 != 3:
        major, minor = startup.version >> 16 & 0xFFFF, startup.version & 0xFFFF
        raise Rejected(
            errors.FEATURE_NOT_SUPPORTED,
            f"unsupported frontend protocol {major}.{minor}: 3.0 to 3.2 are spoken here",
            reason=EndReason.PROTOCOL_ERROR,
        )
    if startup.parameters.get("replication", "false").lower() not in ("false", "off", "no", "0", "f", "n"):
        raise Rejected(
            errors.FEATURE_NOT_SUPPORTED,
            "replication connections do not go through Daypass: what they read cannot be recorded as statements",
            hint="Connect without the replication parameter.",
        )
    for name in ("user", "database"):
        # Here, and not where it is looked up or told: a try whose name cannot be recorded must not become one.
        if not _utf8(startup.parameters.get(name, "")):
            raise Rejected(
                errors.INVALID_AUTHORIZATION,
                f"the {name} name is not UTF-8",
                hint="The user is your e-mail address, the database the name of a target.",
                reason=EndReason.PROTOCOL_ERROR,
            )
    return startup


def _utf8(text: str) -> bool:
    """Whether this was UTF-8: other bytes are surrogate escapes, which nothing can store or compare."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sign_in(stage: Stage, entrance: Entrance, person: str, binding: bytes | None) -> Script[str]:
    """SCRAM with the person's tokens. Returns the id of the token that was used."""
    stage.out.append(LookUp(person))
    answer = yield from stage.wait(Found)
    server = scram.Server(answer.sign_in, entrance.random("server nonce", 18), binding)
    stage.say(Side.CLIENT, messages.sasl_mechanisms(scram.offered(binding)))
    try:
        mechanism, first = messages.read_sasl_initial((yield from _response(stage)))
        stage.say(Side.CLIENT, messages.authentication(messages.AUTH_SASL_CONTINUE, server.first(mechanism, first)))
        verdict = server.final((yield from _response(stage)))
    except scram.ScramError as problem:
        raise Malformed(f"SCRAM: {problem}") from None
    if verdict is None:
        raise Rejected(errors.INVALID_PASSWORD, f'password authentication failed for user "{person}"')
    token, final = verdict
    stage.say(Side.CLIENT, messages.authentication(messages.AUTH_SASL_FINAL, final))
    return token


def _response(stage: Stage) -> Script[bytes]:
    kind, body = yield from stage.message(Side.CLIENT)
    if kind != ord("p"):
        raise Malformed("expected a SASL response")
    return body
