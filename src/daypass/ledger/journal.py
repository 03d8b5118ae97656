"""The journal of one gateway: data-path facts, made durable before what they tell of may happen.

One event loop appends, one turn at a time: records collect in memory, `hold` says that somebody waits for them, and
`group_commit` makes them durable, once for everybody. Where the operating system's memory is enough (`written`), the
file is mapped and a record is where it has to be as soon as `append` returns (`at_once`). The file written to is made
ahead, in a thread.

Fails closed, once and for good: after the first error nothing is appended and nobody who waits is called again. An
`fsync` that failed is never asked a second time, as the kernel may have dropped the pages it could not write.
It knows numbers and bytes only: what a payload means is `facts`, and who ships it is `shipper`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count
from mmap import mmap
from pathlib import Path
from time import monotonic
from typing import Final, NoReturn

from daypass.domain.errors import Unavailable
from daypass.ledger.ahead import Ahead
from daypass.ledger.backlog import Backlog
from daypass.ledger.files import Disk, Files
from daypass.ledger.group_commit import GroupCommit
from daypass.ledger.segments import HEAD, PAYLOAD_BYTES_MAX, Recovery, Span, all_framed, framed, name, recover
from daypass.ledger.syncing import Syncing

SEGMENT_BYTES: Final = 16 * 1024 * 1024
"""How much is made ahead: some ten seconds of a busy gateway, and what stays at most on disk once it is shipped."""

RESERVE_BYTES: Final = 64 * 1024 * 1024
"""Below this much free disk no new session opens, so that open ones can still record how they end."""

BACKLOG_BYTES: Final = 256 * 1024 * 1024
"""Unshipped records above this pause the clients: minutes of work, while the store is away, on any disk."""

PENDING_BYTES: Final = 1024 * 1024
"""What one turn collects in memory before it is written (not yet synced)."""

ROLL_SECONDS: Final = 60.0
"""A shipped segment that is older than this is closed and removed even if it is not full: what was erased in the
store must not live on in the journal."""

AHEAD: Final = "ahead.new"

HEAD_BYTES: Final = HEAD.size


class Durability(StrEnum):
    """When a record counts: in the operating system, on disk, or in the store as well."""

    WRITTEN = "written"
    SYNCED = "synced"
    LEDGER = "ledger"


class Journal(GroupCommit):
    """See `open`. `recovery` says what was found; `waits_for_store`: what is held is called when it is shipped, not at
    the end of the turn; `syncs`: whether records are synced to the disk."""

    def __init__(
        self, directory: Path, durability: Durability, files: Files, spans: list[Span], recovery: Recovery
    ) -> None:
        """Not for use: `open` makes one."""
        super().__init__()
        self.recovery = recovery
        self.at_once = False
        """Whether a record counts as soon as `append` has returned, without a `hold`: always or never."""
        self.segment_bytes = SEGMENT_BYTES
        self.reserve_bytes = RESERVE_BYTES
        self.roll_seconds = ROLL_SECONDS
        self.on_failure: Callable[[OSError], None] | None = None
        self._directory = directory
        self._files = files
        self.syncs = durability is not Durability.WRITTEN
        self.waits_for_store = durability is Durability.LEDGER
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._shipping: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._ahead = Ahead(files, directory / AHEAD)
        self.backlog = Backlog(files, spans)
        self._last = self._durable = self.backlog.last
        self._handle = -1
        self._map: mmap | None = None
        self._size = 0
        self._offset = 0
        self._begun = monotonic()

    @classmethod
    def open(
        cls,
        directory: Path,
        durability: Durability,
        *,
        after: int = 0,
        files: Files | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        reserve_bytes: int = RESERVE_BYTES,
        backlog_bytes: int = BACKLOG_BYTES,
    ) -> Journal:
        """Recover what is in `directory` and be ready to append. `after` is the last number that the store holds of
        this node: numbering never falls behind it. Raises `OSError`."""
        files = files or Disk()
        spans, recovery = recover(files, directory)
        journal = cls(directory, durability, files, spans, recovery)
        journal.segment_bytes, journal.reserve_bytes = segment_bytes, reserve_bytes
        journal.backlog.limit_bytes = backlog_bytes
        files.remove(directory / AHEAD)
        journal._last = journal._durable = max(journal._last, after)
        if spans and spans[-1].last == journal._last:
            journal._continue(spans[-1])
        else:
            journal._begin_segment(0)
        journal.forget_up_to(after)
        return journal

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From here on turns and timers run on this loop, and segments are made ahead in its threads. Without it
        (recovery, tools) whoever appends calls `flush`."""
        self._loop = loop
        self._make_ahead()

    def sync_by(self, syncing: Syncing) -> None:
        """Have this one sync while several sessions wait. Only where `syncs`."""
        self._syncing = syncing
        syncing.follow(self._handle)

    # -- appending ------------------------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """The number of the newest record, durable or not (0: there never was one)."""
        return self._last

    @property
    def durable(self) -> int:
        """The number up to which records are as durable as this journal makes them."""
        return self._durable

    @property
    def broken(self) -> bool:
        """Whether a write has failed, so that nothing is taken any more."""
        return self._problem is not None

    def append(self, payload: bytes) -> int:
        """Take a record; return its number. It is durable when a `hold` that came after it is called, or `at_once`.
        Raises `Unavailable` if the journal is broken or breaks now."""
        if self._problem is not None:
            raise Unavailable("the journal cannot be written", hint="nothing is forwarded that cannot be recorded")
        size = HEAD_BYTES + len(payload)
        if self._offset + self._pending_bytes + size > self._size:
            self._roll(size)
        number = self._last = self._last + 1
        mapped = self._map
        if mapped is not None:
            end = self._offset + size
            mapped[self._offset : end] = framed(payload, number)
            self._offset, self._durable = end, number
            self.backlog.append(payload, size)
            return number
        self._pending.append(payload)
        self._pending_bytes += size
        if self._pending_bytes > PENDING_BYTES:
            self._write()
        self.see_to_it()
        return number

    def hold(self, waiter: Callable[[], None]) -> None:
        """Call this, soon, when everything appended so far is durable; never if that fails. It must not raise."""
        if self.waits_for_store:
            self.when_shipped(self._last, waiter)
            waiter = _nobody
        self.wait(waiter)

    def _write(self) -> None:
        pending = self._pending
        if not pending or self._problem is not None:
            return
        try:
            self._files.write(self._handle, all_framed(pending, self._last - len(pending) + 1), self._offset)
        except OSError as problem:
            self._break(problem)
        self._offset += self._pending_bytes
        self.backlog.add(pending, self._pending_bytes)
        self._pending = []
        self._pending_bytes = 0
        self._dirty = True

    def _sync(self) -> None:
        if self.syncs:
            try:
                self._files.sync(self._handle)
            except OSError as problem:
                self._break(problem)
        self._dirty = False
        self._durable = self._last
        self.backlog.trim()

    def _trim(self) -> None:
        self.backlog.trim()

    def _break(self, problem: OSError) -> NoReturn:
        """Be broken for good, tell once, and raise `Unavailable`."""
        if self._problem is None:
            self._problem = problem
            self._pending, self._waiting, self._shipping = [], [], []
            if self.on_failure is not None:
                self.on_failure(problem)
        raise Unavailable(f"the journal cannot be written: {problem}") from problem

    # -- segments -------------------------------------------------------------------------------------------------

    def _continue(self, span: Span) -> None:
        size = self._files.size(span.path)
        self._handle = self._files.open(span.path)
        if size < self.segment_bytes:  # it was cut short: give it back the zeros that the end is known by
            self._files.write(self._handle, bytes(self.segment_bytes - size), size)
            self._files.sync(self._handle)
        self._size, self._offset = max(size, self.segment_bytes), span.end
        self._take_hold()

    def _roll(self, needed: int) -> None:
        """Close the full segment (synced, so that only a last one is ever torn) and go on in a new one."""
        if needed - HEAD_BYTES > PAYLOAD_BYTES_MAX:
            raise Unavailable(f"a record of {needed} bytes is longer than the journal takes")
        try:
            self._write()
            self._files.sync(self._handle)
            self._let_go()
            self._dirty = False
            self._durable = self._last
            self._begin_segment(needed)
        except OSError as problem:
            self._break(problem)
        self._make_ahead()

    def _begin_segment(self, needed: int) -> None:
        size = max(self.segment_bytes, needed)
        path = self._directory / name(self._last + 1)
        if size == self.segment_bytes and self._ahead.ready:
            self._ahead.take(path)
        else:
            # One that is made for a single large record is not zeroed first: that would write all of it twice.
            self._files.create(path, size if size == self.segment_bytes else 0)
        self._handle = self._files.open(path)
        self._size, self._offset, self._begun = size, 0, monotonic()
        self._take_hold()
        if self._syncing is not None:
            self._syncing.follow(self._handle)
        self.backlog.begin(path, self._last + 1)

    def _take_hold(self) -> None:
        if not self.syncs:
            self._map = self._files.map(self._handle, self._size)
            if self._map is None and self.at_once:
                raise OSError("the journal's file cannot be mapped any more")
            self.at_once = self._map is not None

    def _let_go(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None
        self._files.close(self._handle)
        self._handle = -1

    def _make_ahead(self) -> None:
        if self._loop is not None:
            self._ahead.make(self._loop, self.segment_bytes)

    @property
    def crowded(self) -> bool:
        """Whether so much is unshipped that shipping should not be kept waiting."""
        return self.backlog.unshipped_bytes > self.backlog.limit_bytes // 2

    # -- room, shipping, forgetting -------------------------------------------------------------------------------

    def has_room(self) -> bool:
        """Whether a new session may open: the journal works and the disk has more than its reserve."""
        if self._ahead.problem is not None:  # nothing of anybody's was in that file: this may be tried again
            self._make_ahead()
            return False
        try:
            return self._problem is None and self._files.free_bytes(self._directory) >= self.reserve_bytes
        except OSError:
            return False

    def read_from(self, number: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Up to `limit` durable records from this number on (and not more than about a mebibyte), in order."""
        return self.backlog.read(number, min(limit, self._durable - number + 1))

    def shipped(self, number: int) -> None:
        """Everything up to this number is in the store: call who waited for that, and forget it."""
        while self._shipping and self._shipping[0][0] <= number:
            heappop(self._shipping)[2]()
        self.forget_up_to(number)

    def when_shipped(self, number: int, waiter: Callable[[], None]) -> None:
        """Call this when everything up to `number` is in the store (at once, if it is). It must not raise."""
        if number <= self.backlog.forgotten:
            waiter()
        elif self._problem is None:
            heappush(self._shipping, (number, next(self._order), waiter))

    def forget_up_to(self, number: int) -> None:
        """Everything up to this number is kept elsewhere: remove the segments that hold nothing else."""
        idle = number >= self._last == self._durable and self._offset > 0
        if idle and self._problem is None and monotonic() - self._begun > self.roll_seconds:
            self._roll(0)
        for path in self.backlog.forget(number):
            if self._loop is None:
                self._files.remove(path)
            else:
                self._loop.run_in_executor(None, self._files.remove, path)

    def expel(self) -> None:
        """Go on in a new segment, so that what is shipped leaves the disk now and not when its segment is full."""
        if self._problem is None and self._offset > 0:
            self._roll(0)
            self.forget_up_to(self.backlog.forgotten)

    def close(self) -> None:
        """Make the rest durable and let go of the files."""
        self.flush()
        self.rest()
        if self._handle >= 0:
            self._let_go()


def _nobody() -> None:
    """Stands for a waiter who waits for the store instead of the disk."""
