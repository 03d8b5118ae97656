"""What of the journal is not shipped yet: how much it is, where it lies, and reading it in order.

The newest records stay in memory, as the shipper is mostly right behind; older ones are read back from their segments.
Part of `journal`, which alone writes; this only reads, and says what may be removed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from daypass.domain.errors import Unavailable
from daypass.ledger.files import Files
from daypass.ledger.segments import HEAD, Span, records

TAIL_BYTES: Final = 8 * 1024 * 1024
"""How much of the newest is kept in memory: seconds of a busy gateway."""

READ_BYTES: Final = 1024 * 1024
"""How much one `read` returns, about: what the shipper can build drafts of in a few slices."""

MARK_BYTES: Final = 64 * 1024
"""How fine the backlog is counted: one mark for each of these, as a number for each record would cost memory."""


@dataclass(slots=True)
class _Segment:
    path: Path
    first: int


class Backlog:
    """`full` while more than `limit_bytes` are not shipped; `last` is the newest number there is."""

    __slots__ = (
        "_at",
        "_bytes",
        "_files",
        "_marks",
        "_segments",
        "_shipped_bytes",
        "_tail",
        "_tail_bytes",
        "_tail_first",
        "forgotten",
        "last",
        "limit_bytes",
    )

    def __init__(self, files: Files, spans: Sequence[Span]) -> None:
        self._files = files
        self._segments = deque(_Segment(span.path, span.first) for span in spans)
        self._marks: deque[tuple[int, int]] = deque()
        self._bytes = 0
        for span in spans:
            self._bytes += span.end
            self._marks.append((span.last, self._bytes))
        self._shipped_bytes = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self.last = spans[-1].last if spans else 0
        self._tail_first = self.last + 1
        self._at: tuple[int, Path, int] | None = None
        self.forgotten = spans[0].first - 1 if spans else 0
        self.limit_bytes = 0

    @property
    def unshipped_bytes(self) -> int:
        """How much is not shipped, to the nearest mark."""
        return self._bytes - self._shipped_bytes

    @property
    def full(self) -> bool:
        return self._bytes - self._shipped_bytes > self.limit_bytes

    def begin(self, path: Path, first: int) -> None:
        """A new segment; its first number may leave a gap only while nothing was appended yet."""
        self._segments.append(_Segment(path, first))
        if first != self.last + 1:
            self.last = first - 1
            self._tail.clear()
            self._tail_first = first

    def add(self, payloads: Sequence[bytes], size: int) -> None:
        """More records, the next in number, and how much they are on disk."""
        self.last += len(payloads)
        self._tail.extend(payloads)
        self._count(size)

    def _count(self, size: int) -> None:
        self._tail_bytes += size
        before = self._bytes
        self._bytes = before + size
        if before // MARK_BYTES != self._bytes // MARK_BYTES:
            self._marks.append((self.last, self._bytes))

    def append(self, payload: bytes, size: int) -> None:
        """One more record, already written."""
        self.last += 1
        self._tail.append(payload)
        self._count(size)
        if self._tail_bytes > TAIL_BYTES:
            self._drop()

    def trim(self) -> None:
        """Let go of the oldest in memory, if there is too much. Only what is written may be trimmed."""
        while self._tail_bytes > TAIL_BYTES:
            self._drop()

    def _drop(self) -> None:
        self._tail_bytes -= HEAD.size + len(self._tail.popleft())
        self._tail_first += 1

    def forget(self, number: int) -> list[Path]:
        """Everything up to `number` is shipped. Returns the files that hold nothing else and are not written to."""
        if number < self.forgotten:
            return []
        self.forgotten = number
        while self._tail and self._tail_first <= number:
            self._drop()
        while self._marks and self._marks[0][0] <= number:
            self._shipped_bytes = self._marks.popleft()[1]
        if number >= self.last:
            self._shipped_bytes = self._bytes
        gone = []
        while len(self._segments) > 1 and self._segments[1].first <= number + 1:
            gone.append(self._segments.popleft().path)
        return gone

    def read(self, number: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Up to `limit` records from `number` on, about `READ_BYTES` of them, at least one if there is one."""
        if limit <= 0:
            return []
        return self._from_memory(number, limit) if number >= self._tail_first else self._from_disk(number, limit)

    def _from_memory(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        size = 0
        start = number - self._tail_first
        for payload in islice(self._tail, start, start + limit):
            found.append((number, payload))
            number += 1
            size += len(payload)
            if size > READ_BYTES:
                break
        return found

    def _from_disk(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        path, at, next_number = self._place(number)
        found: list[tuple[int, bytes]] = []
        while not found:
            start = at
            for one, payload, end in records(self._whole(path, at), next_number):
                next_number, at = one + 1, start + end
                if one >= number:
                    found.append((one, payload))
                    if len(found) == limit:
                        break
            if at == start:
                raise Unavailable(f"the journal has lost record {number}", hint=f"look at {path}")
        self._at = (next_number, path, at)
        return found

    def _whole(self, path: Path, at: int) -> bytes:
        """About `READ_BYTES` of a segment, but all of the first record."""
        data = self._files.read(path, at, READ_BYTES)
        if len(data) < HEAD.size:
            return data
        needed = HEAD.size + int(HEAD.unpack_from(data)[0])
        return data if needed <= len(data) else self._files.read(path, at, needed)

    def _place(self, number: int) -> tuple[Path, int, int]:
        """Where to read on for this record: a segment, a byte in it, and the number of the record there."""
        for segment in reversed(self._segments):
            if segment.first <= number:
                if self._at is not None and self._at[:2] == (number, segment.path):
                    return segment.path, self._at[2], number
                return segment.path, 0, segment.first
        raise Unavailable(f"the journal no longer holds record {number}")
