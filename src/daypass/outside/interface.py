"""What other systems know and conditions of policy may ask: tickets, and who is on call. One file each implements it.

An adapter answers or raises; it never guesses. `Unavailable` is what refuses: its message says which system did not
answer, and why, in words that a requester may read (no address of ours, no secret).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol as Interface


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket's own system says of it. `assignee` is an address (empty: nobody, or nobody we know)."""

    key: str
    open: bool
    status: str
    assignee: str
    title: str
    system: str

    def facts(self) -> Mapping[str, object]:
        """As conditions find it."""
        return {
            "key": self.key,
            "open": self.open,
            "status": self.status,
            "assignee": self.assignee,
            "title": self.title,
            "system": self.system,
        }


class TicketSystem(Interface):
    """One system that knows tickets."""

    name: str

    def key_of(self, written: str) -> str | None:
        """The key of the ticket that somebody wrote down (`INC-7`, a link); None: it is not one of this system's."""

    async def ask(self, key: str) -> Ticket:
        """Raise `NotFound` where there is no such ticket, `Unavailable` where the system cannot be asked."""

    def told(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """The key of the ticket that a webhook tells of; None: of none. Raise `Unauthenticated` if it is not signed
        by the system. What it says beside that is not believed: the system is asked."""

    async def close(self) -> None: ...


class OnCall(Interface):
    """One on-call schedule: a file, a calendar, PagerDuty's; Opsgenie's would be one more of these."""

    async def on_duty(self, now: int) -> Sequence[str]:
        """The addresses of those who are on call at this instant. Raise `Unavailable` if that cannot be known."""

    async def close(self) -> None: ...
