"""When what was appended to the journal is made durable, and who is told. Part of `journal`, which writes and syncs.

One write and one `fdatasync` cover everybody who holds by the end of the loop's turn; what nobody waits for goes along,
at the latest with a timer. A session that works alone has its sync at once, and the loop stays awake for what follows.
While several work, the loop first takes in who else is ready. Where the disk is slow somebody else syncs (`syncing`),
and the loop goes on with answers and with what the next sync will cover.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from os import cpu_count, strerror
from time import perf_counter
from typing import Final, NoReturn

from daypass.domain.errors import Unavailable
from daypass.ledger.syncing import GONE, Syncing

DIRTY_SECONDS: Final = 0.05
"""How long a fact that nobody waits for stays in memory only."""

GATHERED_MAX: Final = 3
"""How often the loop looks who else wants a sync before that is made: as long as that brings somebody, so often at
most. A look takes some microseconds, a sync ten times as long and more."""

SLOW_SECONDS: Final = 0.001
"""Syncs that take longer hold up everything else on the loop: they are made elsewhere, until they take half of it."""

AWAKE_SECONDS: Final = 0.0003 if (cpu_count() or 1) > 1 else 0.0
"""How long the loop looks for more without going to sleep, after the sync of one who works alone. While it waits for
the disk every core goes idle, and being woken takes a virtual machine longer than the answer to a short statement is
away: each statement of one client took 55 to 75 us more without it (docs/performance.md)."""

AVERAGED: Final = 16
"""Over about how many syncs that is judged."""

_clock: Final = perf_counter


class GroupCommit(ABC):
    """`flushes` counts the times that something was made durable, `flush_seconds` adds up how long that took.
    `slow_seconds`: from where on a sync is made elsewhere; `awake_seconds`: how long the loop stays awake after one."""

    def __init__(self) -> None:
        self.slow_seconds = SLOW_SECONDS
        self.awake_seconds = AWAKE_SECONDS
        self.syncs = True
        self.flushes = 0
        self.flush_seconds = 0.0
        self._last = 0
        self._durable = 0
        self._problem: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: list[bytes] = []
        self._dirty = False
        self._waiting: list[Callable[[], None]] = []
        self._turn_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._lone: Callable[[], None] | None = None
        self._syncing: Syncing | None = None
        self._behind: list[Callable[[], None]] | None = None
        """Who waits for the sync that somebody else is at; None: at none."""
        self._goal = 0
        self._began = 0.0
        self._looks = 0
        self._gathered = 0
        self._usual = 0.0
        """How many seconds a sync takes these days."""
        self._slow = False
        self._awake = False
        self._awake_until = 0.0

    # -- what the journal does --------------------------------------------------------------------------------------

    @abstractmethod
    def _write(self) -> None:
        """Write what is pending. Raises `Unavailable`, and the journal is broken then."""

    @abstractmethod
    def _sync(self) -> None:
        """Make what is written durable, now. Raises as `_write` does."""

    @abstractmethod
    def _trim(self) -> None:
        """More is durable, and need not be kept in memory."""

    @abstractmethod
    def _break(self, problem: OSError) -> NoReturn:
        """Be broken for good, and raise `Unavailable`."""

    # -- when -------------------------------------------------------------------------------------------------------

    def wait(self, waiter: Callable[[], None]) -> None:
        """Somebody waits for what was appended so far."""
        self._waiting.append(waiter)
        if not self._turn_due and self._loop is not None:
            self._turn_due = True
            self._loop.call_soon(self._turn)

    def see_to_it(self) -> None:
        """Something was appended: have it durable soon, even if nobody waits."""
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(DIRTY_SECONDS, self._tick)

    def flush(self) -> None:
        """Make everything appended so far durable, then call who waits. Failing, the journal is broken."""
        self._turn_due = False
        if self._problem is not None:
            return
        waiting, self._waiting = self._waiting, []
        if self._behind:
            # The sync that they wait for is under way elsewhere; this one is here sooner, and covers it.
            waiting, self._behind, self._dirty = self._behind + waiting, [], True
        if self._pending or self._dirty:
            began = _clock()
            try:
                self._write()
                self._sync()
            except Unavailable:
                return
            took = _clock() - began
            self._count(took, took)
        for waiter in waiting:
            waiter()

    def rest(self) -> None:
        """No timer from here on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        self._turn_due = False
        waiting = self._waiting
        lone = waiting[0] if len(waiting) == 1 else None
        alone = lone is not None and lone == self._lone and self._behind is None
        if self._gathers(alone, len(waiting)):
            return
        if waiting:
            self._lone = lone
        self._slow = self._usual >= (self.slow_seconds / 2 if self._slow else self.slow_seconds)
        if alone or not self._slow or self._syncing is None:
            self.flush()
            if alone and self.syncs:
                self._awake_until = _clock() + self.awake_seconds
                if not self._awake:
                    self._stay_awake()
        elif self._problem is None:
            try:
                self._write()
            except Unavailable:
                return
            if self._behind is None:
                self._sync_elsewhere(self._syncing)

    def _gathers(self, alone: bool, waiting: int) -> bool:
        """Whether another turn comes first, so that one sync serves more of them."""
        if self._loop is None or alone or not self.syncs or waiting == self._gathered or self._looks == GATHERED_MAX:
            self._looks = self._gathered = 0
            return False
        self._looks, self._gathered, self._turn_due = self._looks + 1, waiting, True
        self._loop.call_soon(self._turn)
        return True

    def _stay_awake(self) -> None:
        """Have the loop come back at once, so that it does not sleep in between."""
        self._awake = self._loop is not None and _clock() < self._awake_until
        if self._loop is not None and self._awake:
            self._loop.call_soon(self._stay_awake)

    def _tick(self) -> None:
        self._timer = None
        if self._durable != self._last:
            self._turn()

    # -- elsewhere --------------------------------------------------------------------------------------------------

    def _sync_elsewhere(self, syncing: Syncing) -> None:
        self._behind, self._waiting = self._waiting, []
        self._goal, self._dirty, self._began = self._last, False, _clock()
        syncing.sync(self._synced)

    def _synced(self, answer: int, took: float) -> None:
        """Whoever was at it says how it went. What the sync itself took decides who makes the next ones: on busy cores
        the way there and back takes longer than it, and would keep it there for good."""
        behind, self._behind = self._behind or [], None
        if self._problem is not None:
            return
        try:
            if answer not in (0, GONE):
                self._break(OSError(answer, strerror(answer)))
            self._write()
        except Unavailable:
            return
        if answer == GONE:
            self._syncing, self._dirty = None, True
            self._waiting = behind + self._waiting
            self.flush()
            return
        self._durable = max(self._durable, self._goal)
        self._trim()
        self._count(_clock() - self._began, took)
        if self._syncing is not None and (self._waiting or self._dirty):
            self._sync_elsewhere(self._syncing)  # first, so that it is under way while these go on
        for waiter in behind:
            waiter()

    def _count(self, waited: float, took: float) -> None:
        self.flushes += 1
        self.flush_seconds += waited
        self._usual += (took - self._usual) / AVERAGED
