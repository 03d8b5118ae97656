"""What services need of the rooms above them, given to them by app.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

from daypass.domain.crowd import Crowd
from daypass.domain.grant import EndReason
from daypass.domain.session import Session
from daypass.domain.target import Credential, Target, TargetRole


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """How one session was ended. `steps` maps step names to milliseconds since the end began; `was` is what its work
    at the target was doing, `statement` the number of the statement that it was on (0: none), `outcome` what became
    of the changes it had under way (`rolled back`; `committed`, if its commit was quicker; `unknown`; empty: none
    were seen); `confirmed` says that the read-back saw nothing of it left."""

    session: str
    steps: Mapping[str, float] = field(default_factory=dict)
    was: str = ""
    how: str = ""
    confirmed: bool = True
    problem: str = ""
    statement: int = 0
    outcome: str = ""
    began_at: int = 0
    """When this end began, in ms since 1970 (0: not known): what `steps` count from."""
    elsewhere: bool = False
    """Whether its work was waiting for another one, under another login, when it was stopped."""


class Carrier(Interface):
    """The gateway, as services see it: it carries the live sessions of this node."""

    async def cut(self, sessions: Sequence[str], reason: EndReason, message: str, hint: str) -> Sequence[SessionEnd]:
        """End these sessions now (those of them that are here): stop forwarding, end the work at the target, tell the
        client, close both sides, read back. Returns when each is confirmed, or 10 s have passed."""

    async def sweep(
        self, target: Target, role: TargetRole, credential: Credential, sessions: Sequence[Session]
    ) -> Sequence[SessionEnd]:
        """End at the target what sessions of a dead node left running, by their marks."""

    async def around(
        self, target: Target, role: TargetRole, credential: Credential, sessions: Sequence[Session]
    ) -> Sequence[str]:
        """What is at work at the target on connections that it opened itself since these sessions began: some of it
        may be theirs, under another login. Raises `Unavailable`."""

    def carrying(self) -> Mapping[str, Sequence[str]]:
        """The sessions that are open here, by grant."""

    def reschedule(self, grant: str, expires_at: int, extend_ms: int | None) -> None:
        """A grant's deadline moved: re-arm the timers of its sessions. `extend_ms`: by how much it may move once more;
        None: not at all."""


class Tickets(Interface):
    """The systems that know tickets."""

    async def facts(self, ticket: str, *, fresh: bool = False) -> Mapping[str, object]:
        """What its system says of a ticket: `key`, `open`, `status`, `assignee` (an address, perhaps empty), `title`.
        `fresh`: now, and not a moment ago. Raise `Unavailable` if it does not answer, `NotFound` if there is none."""

    def same(self, one: str, other: str) -> bool:
        """Whether two ways of writing mean one ticket."""

    def told(self, name: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """The ticket that a webhook of the system of this name tells of; None: of none. Raise `Unauthenticated` for
        one that is not signed, `NotFound` for a system that there is not."""

    async def close(self) -> None: ...


class PolicyFiles(Interface):
    """The policy files of the settings."""

    async def present(self, policy: str) -> str:
        """The text of the file in which this policy stands. Raise `NotFound` if there is none."""

    async def judged(self, text: str) -> str:
        """The name of the policy in this text, judged together with the other files as loading would. Raise `Invalid`
        with the one line that loading would say."""

    async def texts(self) -> Sequence[tuple[str, str]]:
        """All policy files: how complaints name each, and its text."""

    def crowd(self) -> Crowd:
        """Everybody whom the `expect` cases of a file may name, as loading has them."""

    async def write(self, policy: str, text: str) -> None:
        """Put this text in the place of the policy's file, and have it read. Raise `Unavailable` if it cannot be."""


class OnCall(Interface):
    """One on-call schedule."""

    async def on_duty(self, now: int) -> Sequence[str]:
        """The addresses of those who are on call. Raise `Unavailable` if that cannot be known."""

    async def close(self) -> None: ...


@dataclass(slots=True)
class Live:
    """What carries sessions; app.py puts the gateway here once it is there, and what its node is called. None: nothing
    is carried."""

    carrier: Carrier | None = None
    node: str = ""
