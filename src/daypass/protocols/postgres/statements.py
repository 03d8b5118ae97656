"""What stands behind a name, and what is still to be answered: the memory of a session's statements.

A name takes new text only when the target says so (ParseComplete, or the tag of an SQL-level PREPARE) and keeps the old
one on error. Until then a change is pending. A pending change of the same pipeline (up to Sync) can be relied on, since
if it fails, what follows it is skipped; one of an earlier pipeline cannot, and whoever needs the name waits.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from mypy_extensions import mypyc_attr

from daypass.protocols.postgres.traits import NAME_BYTES_MAX, NOTHING, Traits

NAMES_MAX: Final = 10_000
"""Prepared names and portals of one session; more is a leak in the client, and would be one here."""
COLUMNS_MAX: Final = 1664
"""Names of columns that are kept of several results: PostgreSQL has no more in one."""
REPEATED_BYTES_MAX: Final = 4096
"""Texts longer than this are recorded whole once, and then by the number of the statement that has them."""
REPEATED_BYTES_SHOWN: Final = 1024


class Text:
    """A prepared text. `carrier` is the statement whose record holds it whole, 0 while there is none; `told`, that some
    record does."""

    __slots__ = (
        "carrier", "columns", "layout", "length", "name", "shown", "text", "told", "traits", "types", "verified",
    )  # fmt: skip

    def __init__(self, text: bytes, types: bytes = b"\0\0", traits: Traits = NOTHING) -> None:
        self.text = text
        self.length = len(text)
        self.types = types
        self.traits = traits
        self.columns: tuple[str, ...] = ()
        self.layout = b""
        """Its RowDescription, where results are kept."""
        self.name = b""
        self.shown = ""
        """The name that it was run by last, and how a record shows that."""
        self.carrier = 0
        self.told = False
        self.verified = True

    def carried(self, n: int) -> None:
        """Statement `n` was recorded with the whole text: a long one need not be kept any more."""
        self.told = True
        if self.carrier == 0:
            self.carrier = n
            if self.length > REPEATED_BYTES_MAX:
                self.text = self.text[:REPEATED_BYTES_SHOWN]

    @property
    def kept(self) -> bytes:
        """What is kept of it, and where the rest is on record."""
        if len(self.text) == self.length:
            return self.text
        return self.text + b" ... (%d bytes, all of which statement %d has)" % (self.length, self.carrier)

    def describe(self, columns: tuple[str, ...], layout: bytes) -> None:
        """The target said what its rows look like; runs of it that come later do not ask."""
        self.columns, self.layout = columns, layout

    @property
    def same_as(self) -> int:
        return self.carrier if self.length > REPEATED_BYTES_MAX else 0


@mypyc_attr(free_list_len=1)
class Run:
    """A statement that was submitted and has not been completed."""

    __slots__ = (
        "at", "changes", "columns", "copied", "digest", "error", "kept", "layout", "message", "n", "rows", "seen",
        "size", "tags",
    )  # fmt: skip

    def __init__(self, n: int, at: float) -> None:
        self.n = n
        self.at = at
        self.changes: list[tuple[str, Pending]] = []
        self.tags: list[str] = []
        self.rows = 0
        self.seen = 0
        self.size = 0
        self.columns: tuple[str, ...] = ()
        self.error = ""
        self.message = ""
        self.copied = 0
        self.digest: Any = None
        self.layout = b""
        self.kept = 0

    def describe(self, columns: tuple[str, ...], layout: bytes, *, more: bool) -> None:
        """The target said what the rows to come look like; `more`: they may be those of another result."""
        self.layout = layout
        if not more or not self.columns:
            self.columns = columns
        elif len(self.columns) < COLUMNS_MAX:
            self.columns = (self.columns + columns)[:COLUMNS_MAX]

    def copy(self, payload: bytes) -> None:
        """Digest and count what the client copies in."""
        if self.digest is None:
            self.digest = hashlib.sha256()
        self.digest.update(payload)
        self.copied += len(payload)


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the names that a text executes stand for. Not `sure`: something else may, by the time that it gets there."""

    texts: tuple[Text, ...] = ()
    text: bytes = b""
    sure: bool = True


ALONE: Final = Resolved()
"""Of a text that executes no names."""


@mypyc_attr(free_list_len=1)
class Portal:
    """A bound statement. `run` is its Bind's, until its first Execute has taken it; `layout` says how its rows come.
    Not `sure`: another may have been put in its place by SQL (CLOSE and DECLARE), which does not tell. `behind`: what
    its text's names stood for at Bind. `before`: what its own name stands for again if it is `rejected`. `closed`: it
    says that its name was closed."""

    __slots__ = (
        "before", "behind", "closed", "confirmed", "group", "layout", "name", "rejected", "run", "sure", "text",
        "values",
    )  # fmt: skip

    def __init__(self, name: bytes, text: Text, run: Run | None, values: bytes, group: int) -> None:
        self.name = name
        self.text = text
        self.group = group
        self.before: Portal | None = None
        self.behind = ALONE
        self.closed = False
        self.confirmed = False
        self.layout = b""
        self.rejected = False
        self.run = run
        self.sure = True
        self.values = values

    @property
    def size(self) -> int:
        return len(self.values) + len(self.behind.text) + len(self.layout)

    def accept(self) -> None:
        """The target has it: nothing that was before comes back."""
        self.confirmed = True
        self.before = None

    def forget(self) -> None:
        """It takes too much to be kept for the case that what came after it is turned down."""
        self.values = self.layout = b""
        self.behind, self.sure = ALONE, False

    def describe(self, columns: tuple[str, ...], layout: bytes) -> None:
        """See `Text.describe`."""
        self.layout = layout
        self.text.describe(columns, layout)


class Ambiguous(Exception):
    """What stands behind a name depends on an answer that has not come yet."""


class Overfull(Exception):
    """More names than a session may hold."""


@dataclass(slots=True)
class Pending:
    """A change of a name that was sent and not answered. `text` None: the name goes away."""

    group: int
    name: bytes | None
    text: Text | None


@dataclass(slots=True)
class Names:
    """Which text stands behind which name. `group` counts pipelines: it grows at each Sync and each simple query."""

    bytes_max: int
    known: dict[bytes, Text] = field(default_factory=dict)
    pending: deque[Pending] = field(default_factory=deque)
    group: int = 0
    held: int = 0

    def look_up(self, name: bytes) -> Text | None:
        """The text that `name` will have when what is sent next arrives. Raises `Ambiguous`."""
        name = name[:NAME_BYTES_MAX]
        if not self.pending:
            return self.known.get(name)
        for change in reversed(self.pending):
            if change.name == name or (change.name is None and name):
                if change.group != self.group:
                    raise Ambiguous
                return change.text
        return self.known.get(name)

    def propose(self, name: bytes | None, text: Text | None) -> Pending:
        """A change is about to be sent. `name` None: every name but the unnamed."""
        if len(self.known) + len(self.pending) >= NAMES_MAX:
            raise Overfull
        if self.held > self.bytes_max:
            self.held = sum(len(text.text) for text in self.known.values())
            self.held += sum(len(other.text.text) for other in self.pending if other.text is not None)
            if self.held > self.bytes_max:
                raise Overfull
        change = Pending(self.group, None if name is None else name[:NAME_BYTES_MAX], text)
        if text is not None:
            self.held += len(text.text)
        self.pending.append(change)
        return change

    def accept(self, change: Pending) -> None:
        """The target made the change."""
        self._drop(change)
        if change.name is None:
            unnamed = self.known.get(b"")
            self.known.clear()
            if unnamed is not None:
                self.known[b""] = unnamed
        elif change.text is None:
            self.known.pop(change.name, None)
        else:
            self.known[change.name] = change.text

    def reject(self, change: Pending, *, tried: bool) -> None:
        """The target did not make the change. A Parse without a name that was tried has thrown the old one away."""
        self._drop(change)
        if tried and change.name == b"" and change.text is not None:
            self.known.pop(b"", None)

    def _drop(self, change: Pending) -> None:
        if self.pending and self.pending[0] is change:
            self.pending.popleft()
            return
        for index, other in enumerate(self.pending):
            if other is change:
                del self.pending[index]
                return

    def doubt(self) -> None:
        """Code that could have changed the names ran, or is about to: none of them can be vouched for."""
        for text in self.known.values():
            text.verified = False
        for change in self.pending:
            if change.text is not None:
                change.text.verified = False
