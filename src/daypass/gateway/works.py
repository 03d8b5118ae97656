"""What every session of a gateway shares: the things a driver works with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daypass.domain.grant import EndReason
from daypass.gateway.bounds import Bounds
from daypass.gateway.derive import Deriver
from daypass.gateway.enders import Enders
from daypass.gateway.interface import Desk
from daypass.gateway.keys import Carrying
from daypass.gateway.lease import Lease
from daypass.gateway.timers import Deadlines
from daypass.gateway.tls import ServerTls
from daypass.ledger.journal import Journal

if TYPE_CHECKING:
    from daypass.gateway.driver import Driver


@dataclass(slots=True)
class Tally:
    """Running totals, for the metrics."""

    from_clients_bytes: int = 0
    from_targets_bytes: int = 0
    statements: int = 0
    refused: int = 0
    crowded_out: int = 0
    cut: int = 0
    unauthenticated: int = 0
    faults: int = 0


@dataclass(slots=True)
class Works:
    """Made once, by `Gateway`."""

    loop: asyncio.AbstractEventLoop
    node: str
    desk: Desk
    journal: Journal
    enders: Enders
    deriver: Deriver
    deadlines: Deadlines
    carrying: Carrying[Driver]
    bounds: Bounds
    tls: ServerTls | None
    now_us: Callable[[], int]
    cut: Callable[[Sequence[Driver], EndReason, str], None]
    """End these sessions by ourselves, for this reason and with this note."""
    lease: Lease
    """Whether this node may carry anything."""
    tally: Tally = field(default_factory=Tally)
    closed_for: str = ""
    """Why no new session opens (shutting down); empty: they do."""
    untold: int = 0
    """Ends that wait for their records to be shipped."""
    refusals: int = 0
    """Refusals that are being told."""
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while no sessions are being ended: what can wait does not hold that up."""
    ends: int = 0
    """Ends that are under way."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """What is under way apart from any session; draining waits for it."""

    def begin_end(self) -> None:
        """Sessions are about to be ended."""
        self.ends += 1
        self.calm.clear()

    def end_over(self) -> None:
        """They are."""
        self.ends -= 1
        if not self.ends:
            self.calm.set()

    def background(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Do this apart from any session."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task
