"""An ender: the connection of our own to a target that ends other sessions' work there and reads back that it is gone.

Its events and effects, beside those that it shares with sessions. The gateway keeps one for each login that has open
sessions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

from daypass.domain.target import Credential, Target, TargetRole
from daypass.protocols.interface import (
    Close,
    Closed,
    Connect,
    Connected,
    Derive,
    Derived,
    Failed,
    Received,
    Send,
    StartTls,
    TlsStarted,
)


@dataclass(frozen=True, slots=True)
class Stop:
    """End the work with these marks: cancel and terminate, all at once."""

    marks: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Halt:
    """Interrupt whatever runs with these marks, and terminate at once those that say `hurried`: `yes`, as more waits
    behind what runs. `Stop` follows. The answer is that of `Stop`."""

    marks: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Say which of these marks are still at work. A mark may hold `work`, as the answer to `Stop` gave it."""

    marks: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Around:
    """Say what is at work on connections that the target itself opened since the work with these marks began: some of
    it may be theirs, under a login that is not."""

    marks: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Poke:
    """Interrupt the running work with this mark, and leave the session."""

    mark: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Enter:
    """Sign in to a target as this role (first event of an ender). `entropy` is 32 random bytes, new for each.

    With `order`, it is given behind our last word of the sign-in, without waiting for the target to say that it is
    ready: where somebody ends whatever connection of this login they see, the order is there first. Its answer follows
    `Entered`.
    """

    target: Target
    role: TargetRole
    credential: Credential
    label: str
    entropy: bytes = field(default=b"", repr=False)
    order: Stop | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """An ender is signed in and takes orders (effect)."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the oldest unanswered order (effect). To `Around`, one for each connection, with `what` it is.
    To the others, per mark what was seen, with at least `alive` (`yes` or `no`) and, for `Halt` and `Stop`, `was` (what
    it was doing, in words that nobody wrote), maybe `work` (names what it was changing) and `elsewhere` (`yes`: it
    waited for work under another login). For `Look` with `work`, `outcome` says what became of that: `rolled back`,
    `committed` or `unknown`."""

    seen: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The ender is of no more use (effect), and why. `pushed_out`: somebody at the target ended it."""

    why: str
    pushed_out: bool = False


EnderEvent = Enter | Connected | Failed | TlsStarted | Derived | Received | Closed | Halt | Stop | Look | Around | Poke
EnderEffect = Connect | StartTls | Derive | Send | Close | Entered | Answered | Lost


class Ender(Interface):
    """A connection of our own to a target, which ends other sessions' work and reads back that it is gone.

    Orders are answered in the order given. It has a target side only.
    """

    def handle(self, event: EnderEvent) -> Sequence[EnderEffect]: ...
