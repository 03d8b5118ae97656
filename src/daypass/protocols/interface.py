"""A protocol session is a conversation of values: events in, effects out, no I/O (design: docs/map.md).

The driver in `gateway` applies the effects of one `handle` in order. `Record` is made durable before any effect that
stands after it. Revocation never queues behind data: the driver calls `handle(Ending(...))` directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, final
from typing import Protocol as Interface

from mypy_extensions import mypyc_attr

from daypass.domain.flat import Flat
from daypass.domain.people import SignIn
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.statement import Analysis, Fact, Value
from daypass.domain.target import Credential, Target, TargetRole

if TYPE_CHECKING:
    from daypass.protocols.console import Console
    from daypass.protocols.ending import Ender


class Side(Enum):
    """The two ends of a session: who connected to us, and whom we connect to."""

    CLIENT = "client"
    TARGET = "target"


CLIENT: Final = Side.CLIENT
TARGET: Final = Side.TARGET


# -- events in ----------------------------------------------------------------------------------------------------


@mypyc_attr(free_list_len=1)
@final
class Received(Flat):
    """Bytes from one side. `at` is a monotonic time in seconds, for durations."""

    __match_args__ = ("side", "data", "at")
    __slots__ = ("at", "data", "side")

    def __init__(self, side: Side, data: bytes, at: float) -> None:
        self.side = side
        self.data = data
        self.at = at


@dataclass(frozen=True, slots=True)
class Closed:
    """One side is gone, or will send no more."""

    side: Side


@dataclass(frozen=True, slots=True)
class TlsStarted:
    """A TLS handshake that `StartTls` asked for is done.

    `binding` is tls-server-end-point channel-binding data (RFC 5929, section 4) of our certificate on the client side
    and of the target's on the target side; `alpn` what was agreed.
    """

    side: Side
    binding: bytes | None = None
    alpn: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to `LookUp`."""

    sign_in: SignIn


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to `Authorize`: go on to this target. `label` names person and session at the target."""

    session: str
    person: str
    grant: str
    target: Target
    role: TargetRole
    credential: Credential
    label: str
    scope: Scope = WHOLE
    """What the session is limited to (domain/scope.py)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer to `LookUp`, `Authorize` or `Ready`: no, and what to type. `code` is one of the words
    `unauthenticated`, `refused`, `unavailable`; the protocol knows its own code for each."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection that `Connect` asked for stands."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection or the TLS handshake that was asked for did not come about."""

    side: Side
    why: str


@dataclass(frozen=True, slots=True)
class Derived:
    """The answer to `Derive`."""

    salted_password: bytes


@dataclass(frozen=True, slots=True)
class Admitted:
    """The answer to `Ready`: `session.opened` is committed; the client may be told that it is in."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The answer to `Interrupt`: it was passed on, or that could not be done, or there is no such session."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The session ends now: `reason` is an `EndReason`, `message` and `hint` are for the client."""

    reason: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to tell the client between two messages (time left, how to extend)."""

    message: str


@dataclass(frozen=True, slots=True)
class Pulsed:
    """A little time went by since the client said that it will send no more. One that is dead says that too: send it
    something that it ignores, if it is waited for, so that it shows whether it is there."""


Event = (
    Received
    | Closed
    | TlsStarted
    | Found
    | Opened
    | Refused
    | Connected
    | Failed
    | Derived
    | Admitted
    | Interrupted
    | Ending
    | Warned
    | Pulsed
)


# -- effects out --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find how this name signs in. Answer: `Found` (also for unknown names) or `Refused`."""

    name: str


@dataclass(frozen=True, slots=True)
class Authorize:
    """The holder of this token wants this target. Answer: `Opened` or `Refused`."""

    token_id: str
    target: str
    role: str | None


@dataclass(frozen=True, slots=True)
class Connect:
    """Dial the target that `Opened` named. Answer: `Connected` or `Failed`."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """Wrap one side in TLS. On the client side we are the server; `pending` are bytes of the handshake that were
    read already. Answer: `TlsStarted` or `Failed`."""

    side: Side
    alpn: tuple[str, ...] = ()
    pending: bytes = b""
    verify: bool = False


@dataclass(frozen=True, slots=True)
class Derive:
    """PBKDF2-HMAC-SHA-256 of a secret, off the loop and cached. Answer: `Derived` or `Failed`."""

    password: str = field(repr=False)
    salt: bytes
    iterations: int


@mypyc_attr(free_list_len=1)
@final
class Send(Flat):
    """Send bytes to one side."""

    __match_args__ = ("side", "data")
    __slots__ = ("data", "side")

    def __init__(self, side: Side, data: bytes) -> None:
        self.side = side
        self.data = data


@mypyc_attr(free_list_len=1)
@final
class Record(Flat):
    """Make a fact durable before anything after it happens."""

    __match_args__ = ("fact",)
    __slots__ = ("fact",)

    def __init__(self, fact: Fact) -> None:
        self.fact = fact


@dataclass(frozen=True, slots=True)
class Ready:
    """The target let us in; `mark` identifies our work there. Answer: `Admitted` or `Refused`."""

    mark: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A client asked, on a connection of its own, to cancel the running work of the session with this key. Answer:
    `Interrupted`, after which nothing more is interrupted for it."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Cancel:
    """End this session's work at the target, by the ender. Effects after it do not wait for it."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close one side after what was sent. `reason` is an `EndReason` value; `note` is for the record; `missing` are the
    bytes that the peer has announced and not sent yet."""

    side: Side
    reason: str
    note: str = ""
    missing: int = 0


Effect = LookUp | Authorize | Connect | StartTls | Derive | Send | Record | Ready | Interrupt | Cancel | Close


class Session(Interface):
    """One client connection, from its first byte."""

    key: bytes
    """What `Interrupt` names this session by; empty until it has one."""
    cancel: bytes
    """What to send to the target on a connection of its own, to have the running work interrupted where no ender can
    be had; empty: there is no such thing, or not yet."""

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return what to do about it, in order. Never raises on what a peer sent."""

    def at_work(self) -> int:
        """The number of the oldest statement that the target is at work on; 0: none."""

    def owed(self) -> int:
        """How many answers the target still owes: 0 is none, so that it does nothing for this session and nothing is on
        its way there, or it said that it ends; with 1, interrupting what runs ends all of it."""

    def hush(self) -> None:
        """Forwarding is over: from here on what the target says is told to nobody, but for the rest of a message that
        the client has the beginning of, if that is short; what came of statements is still recorded. Whether what the
        client has got ends with a whole message decides whether it can be told of an `Ending`."""

    def wants(self, side: Side) -> bool:
        """Whether bytes from this side can be taken now (false: the driver stops reading there)."""


# -- the protocol -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectHelp:
    """How a person connects: what to run with which environment (no secret in either), and what to paste elsewhere.

    `passfile` is the content of a file, readable by its owner only, that `env` names as `{passfile}`.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    passfile: str
    url: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may hold in memory."""

    message_bytes: int = 64 * 1024 * 1024
    """The longest message that is decoded (a query, a parse, a bind). Longer ones end the session."""


class Protocol(Interface):
    """All that the other rooms know of a wire protocol."""

    name: str
    title: str
    port: int
    """The port that the gateway listens on unless configured."""
    target_port: int
    """The port that a target is expected on unless configured."""
    event: str
    """What `Analysis`-bearing facts are called in the ledger: `statement`."""

    def session(self, *, entropy: bytes, tls: bool, plain: bool, limits: Limits) -> Session:
        """A new session. `entropy` is 64 random bytes. `tls`: TLS can be started; `plain`: it need not be."""

    def ender(self) -> Ender:
        """A new ender."""

    def console(self, *, person: str, target: str, role: str | None, token: str, entropy: bytes) -> Console | None:
        """A client of our own for somebody who has none; None: there is no such thing. `entropy` is 18 bytes."""

    def check(self, target: Target) -> None:
        """Raise `Invalid` for a target whose settings this protocol cannot serve."""

    def scope(self, names: Sequence[str]) -> Scope:
        """The scope that these names mean, in their one spelling. Raise `Invalid` for what its sessions could not be
        limited to."""

    def analyse(self, text: str) -> Analysis:
        """What this text would do; `UNKNOWN` when it cannot be told. Never raises."""

    def shape(self, text: str) -> str:
        """The text without comments and literals, for an index that may not hold any; empty where it cannot be told.
        Never raises."""

    def values(self, packed: bytes) -> tuple[Value, ...]:
        """Unpack `Submitted.values`."""

    def rows(self, packed: bytes) -> tuple[tuple[str | None, ...], ...]:
        """Unpack `Rows.data` for showing: one tuple of column texts a row."""

    def connect(
        self, *, host: str, port: int, person: str, target: str, role: str | None, token: str, ca: str | None
    ) -> ConnectHelp:
        """How a native client connects through the gateway. `ca` is the path of our CA certificate, if TLS is on."""
