"""A client's sign-in as values, and a target that lets anybody in: what start-up tests talk to."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from daypass.domain.people import SignIn, Verifier
from daypass.domain.target import Credential, Effect, Target, TargetRole
from daypass.protocols.interface import (
    Admitted,
    Authorize,
    Connect,
    Connected,
    Derive,
    Derived,
    Event,
    Found,
    Interrupt,
    Interrupted,
    Limits,
    LookUp,
    Opened,
    Ready,
    Received,
    Send,
    Session,
    Side,
    StartTls,
    TlsStarted,
)
from daypass.protocols.postgres import POSTGRES, messages, scram
from tests.protocols.postgres.script import split

ENTROPY = bytes(range(64))
TOKEN = "dp_token"
SALT = b"0123456789abcdef"


def verifier(password: str, token: str) -> Verifier:
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, 4096)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    return Verifier(token, hashlib.sha256(client).digest(), server)


SIGN_IN = SignIn(SALT, 4096, (verifier("dp_other", "t1"), verifier(TOKEN, "t2")))


def opened(
    effect: Effect = Effect.WRITE,
    *,
    user: str = "app",
    password: str | None = None,
    dangerous: bool = False,
    port: int = 5432,
    tls: str = "disable",
    scope: tuple[str, ...] = (),
) -> Opened:
    role = TargetRole("r", user, None, effect, dangerous)
    target = Target("orders", "postgres", "127.0.0.1", port, "orders", {}, {"r": role}, tls=tls)
    return Opened("s", "p", "g", target, role, Credential(user, password), "daypass ana@acme.test " + "s" * 60, scope)


class Guest:
    """One connection. It answers what the session asks the gateway for, and keeps what was sent to either side."""

    def __init__(self, *, tls: bool = False, plain: bool = True, given: Opened | None = None) -> None:
        self.session: Session = POSTGRES.session(entropy=ENTROPY, tls=tls, plain=plain, limits=Limits())
        self.given = given or opened()
        self.binding: bytes | None = b"certificate"
        self.alpn: str | None = None
        self.effects: list[Any] = []
        self.sent: dict[Side, bytes] = {Side.CLIENT: b"", Side.TARGET: b""}
        self.scram: scram.Client | None = None

    def handle(self, *events: Event) -> None:
        """Handle events, answering at once whatever the gateway would answer."""
        todo = list(events)
        while todo:
            for effect in self.session.handle(todo.pop(0)):
                self.effects.append(effect)
                if isinstance(effect, Send):
                    self.sent[effect.side] += effect.data
                todo += self.answer(effect)

    def answer(self, effect: Any) -> Iterable[Event]:
        match effect:
            case LookUp():
                return (Found(SIGN_IN),)
            case Authorize():
                return (self.given,)
            case Connect():
                return (Connected(),)
            case StartTls(side):
                return (TlsStarted(side, self.binding, self.alpn),)
            case Derive(password, salt, iterations):
                return (Derived(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)),)
            case Ready():
                return (Admitted(),)
            case Interrupt():
                return (Interrupted(),)
        return ()

    def say(self, data: bytes) -> None:
        self.handle(Received(Side.CLIENT, data, 1.0))

    def target(self, data: bytes) -> None:
        self.handle(Received(Side.TARGET, data, 1.0))

    def got(self, side: Side = Side.CLIENT) -> bytes:
        data, self.sent[side] = self.sent[side], b""
        return data

    def start(self, version: int = messages.PROTOCOL_3_0, **parameters: str) -> None:
        self.say(messages.startup(version, {"user": "ana@acme.test", "database": "orders:write"} | parameters))

    def sign_in(self, token: str = TOKEN, binding: bytes | None = None) -> None:
        """Answer the SCRAM exchange that has been offered."""
        offer = self.got()
        mechanisms = messages.read_sasl_mechanisms(offer[offer.index(b"R") + 5 :])
        client = scram.Client(b"n" * 18, mechanisms, binding)
        first = client.first()
        self.say(messages.sasl_initial(client.mechanism, first))
        challenge = self.got()[9:]
        salt, iterations = client.challenge(challenge)
        salted = hashlib.pbkdf2_hmac("sha256", token.encode(), salt, iterations)
        self.say(messages.message(b"p", client.final(challenge, salted)))
        self.scram = client

    def named(self, kind: type) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]


def parameters(data: bytes) -> Mapping[str, str]:
    """What a start-up packet says."""
    return messages.read_startup(data[4:]).parameters


def kinds(data: bytes) -> str:
    return "".join(chr(piece[0]) for piece in split(data))


WELCOME = b"".join((
    messages.authentication(messages.AUTH_OK),
    messages.parameter_status("server_version", "15.18"),
    messages.backend_key(b"\0\0\0\x07real"),
    messages.ready(),
))  # fmt: skip


def probed(dangers: str = "", writes: str = "", *, pid: str = "4711") -> bytes:
    """The answer to the probe."""
    found = (pid, "1795405017746230", "16384", dangers, writes, "")
    row = messages.data_row([text.encode() or None for text in found])
    return b"".join((
        messages.command_complete("BEGIN"),
        messages.command_complete("SET"),
        messages.row_description([messages.Column("pid", 23, 0)]),
        row,
        messages.command_complete("SELECT 1"),
        messages.command_complete("COMMIT"),
        messages.ready(),
    ))  # fmt: skip
