"""What both directions of a running session share: the replies that are owed, the names, and the book of statements.

The queue holds, in order, one expectation for each message the target has to answer. It is the theory of the relay:
whatever the target sends belongs to the first expectation, or is asynchronous, or is a violation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, final

from mypy_extensions import mypyc_attr

from daypass.domain.statement import Completed, Prepared, StatementRefused, Submitted
from daypass.protocols.interface import Limits, Record
from daypass.protocols.postgres.headings import Headings
from daypass.protocols.postgres.messages import shown
from daypass.protocols.postgres.scope_guard import ScopeGuard
from daypass.protocols.postgres.statements import (
    ALONE,
    NAMES_MAX,
    Ambiguous,
    Names,
    Overfull,
    Portal,
    Resolved,
    Run,
    Text,
)
from daypass.protocols.postgres.traits import NOTHING, Traits, traits, unsure

# Kinds of expectations: bits, so that several can be asked for at once.
QUERY: Final = 1 << 0
PARSE: Final = 1 << 1
BIND: Final = 1 << 2
DESCRIBE: Final = 1 << 3
EXECUTE: Final = 1 << 4
CLOSE: Final = 1 << 5
SYNC: Final = 1 << 6
CALL: Final = 1 << 7
REFUSED: Final = 1 << 9
REFUSED_QUERY: Final = 1 << 10
STEADY: Final = 1 << 11
"""All from Parse or Bind to Sync (`steady`). No half but that one ever sees it."""

RUNS: Final = QUERY | EXECUTE
"""Kinds that have results."""
ENDS: Final = QUERY | SYNC | CALL | REFUSED_QUERY | STEADY
"""Kinds that are answered by ReadyForQuery: a failure goes no further than to there."""
EXTENDED: Final = PARSE | BIND | DESCRIBE | EXECUTE | CLOSE | REFUSED
"""Kinds after whose failure the target ignores everything up to the next Sync."""


@mypyc_attr(free_list_len=1)
@final
class Expected:
    """An answer that the target owes: a kind from above, its statement, and what that kind needs besides."""

    __slots__ = ("extra", "kind", "run")

    def __init__(self, kind: int, run: Run | None, extra: Any) -> None:
        self.kind = kind
        self.run = run
        self.extra = extra


MIXED_ENCODINGS: Final = frozenset(("BIG5", "GB18030", "GBK", "JOHAB", "SHIFT_JIS_2004", "SJIS", "UHC"))
"""Encodings of clients, as the server spells them, in which ASCII bytes (a backslash) can be parts of characters."""

PIPELINE_MAX: Final = 10_000
"""Answers owed at which nothing more is read from the client: the queue is memory that a client can make grow."""


@dataclass(slots=True)
class Talk:
    """The shared state of one session."""

    limits: Limits
    names: Names
    headings: Headings
    results: bool = False
    queue: list[Expected] = field(default_factory=list)
    """A list, as it is compiled to plain calls and mostly holds one pipeline."""
    portals: dict[bytes, Portal] = field(default_factory=dict)
    held: int = 0
    """What portals hold, in bytes: no less than those that are known by their names do."""
    bound: dict[int, Portal] = field(default_factory=dict)
    """Portals of this pipeline that nobody has executed, by the number of their Bind's statement."""
    unsynced: list[Run] = field(default_factory=list)
    """Statements whose Sync fell into a COPY and was ignored: the next one completes them."""
    open: dict[int, Run] = field(default_factory=dict)
    n: int = 0
    swallowing: bool = False
    """The rest of a pipeline is not forwarded: the target would ignore it."""
    copying: Run | None = None
    """The target reads a COPY, and the client has not ended it yet."""
    odd_strings: bool = False
    """standard_conforming_strings is off: our parser may read a text differently from the target."""
    odd_bytes: bool = False
    """The target reads the client's bytes in an encoding in which a part of a character may look like ASCII."""
    ran_in: int = -1
    """The pipeline (`names.group`) in which something was executed last."""
    keeps: bool = False
    """Transactions may be prepared here, which outlive the session (option `allow_prepare_transaction`)."""
    guard: ScopeGuard | None = None
    """What holds each text against the scope that this access is limited to; None: it is not limited."""
    strange: bool = False
    """Code ran that could do anything unseen, so also open a cursor that runs it again with each FETCH."""

    def traits(self, text: bytes) -> Traits:
        """What a text does: the worst that it may, where the target may read it differently from our parser."""
        odd = self.odd_strings
        if not odd and (self.queue or self.ran_in == self.names.group):
            # What was sent before may be about to change that, and the target says so only at ReadyForQuery.
            odd = b"\\" in text
        if not odd and self.odd_bytes:
            odd = not text.isascii()
        found = traits(text)
        return unsure(text) if odd and (b"(" in text or found is not NOTHING) else found

    def told(self, name: str, value: str) -> None:
        """The target said what one of its settings is now."""
        if name == "standard_conforming_strings":
            self.odd_strings = value != "on"
        elif name == "client_encoding":
            self.odd_bytes = value in MIXED_ENCODINGS

    def expect(self, kind: int, run: Run | None, extra: Any) -> None:
        """Something is about to be sent that the target answers."""
        self.queue.append(Expected(kind, run, extra))

    def resolve(self, found: Traits) -> Resolved | None:
        """What the names that a text executes stand for, and those that these execute; None if one of them is unknown.
        Raises `Ambiguous`."""
        if not found.executes:
            return ALONE
        texts: list[Text] = []
        names = list(found.executes)
        for name in names:
            text = self.names.look_up(name)
            if text is None:
                return None
            texts.append(text)
            names += [other for other in text.traits.executes if other not in names]
        if found.opaque or any(text.traits.opaque for text in texts):
            self.doubt()
        return Resolved(tuple(texts), b";\n".join([text.kept for text in texts]), all(text.verified for text in texts))

    def submit(
        self,
        via: str,
        text: bytes,
        at: float,
        out: list[Any],
        *,
        name: str = "",
        resolved: bytes = b"",
        sure: bool = True,
    ) -> Run:
        """Record a statement that is sent as text."""
        self.n += 1
        run = self.open[self.n] = Run(self.n, at)
        out.append(Record(Submitted(self.n, via, text, name, verified=sure, resolved=resolved)))
        return run

    def submit_prepared(
        self,
        via: str,
        text: Text,
        name: bytes,
        values: bytes,
        at: float,
        out: list[Any],
        *,
        behind: Resolved = ALONE,
        sure: bool = True,
    ) -> Run:
        """Record a statement that is sent as a name and values."""
        n = self.n = self.n + 1
        run = self.open[n] = Run(n, at)
        if name != text.name:
            text.name, text.shown = name, shown(name)
        sure = sure and behind.sure and text.verified
        out.append(Record(Submitted(n, via, text.text, text.shown, values, text.same_as, sure, behind.text)))
        text.carried(n)
        run.columns = text.columns
        return run

    def refuse(self, text: bytes, reason: str, out: list[Any]) -> None:
        self.n += 1
        out.append(Record(StatementRefused(self.n, text, reason)))

    def prepared(self, name: bytes, text: Text, out: list[Any]) -> None:
        text.told = True
        out.append(Record(Prepared(shown(name), text.text)))

    def complete(self, run: Run, at: float, out: list[Any]) -> None:
        """Record what came of a statement, once. Of what broke off the client has the rows that went by."""
        if run.n not in self.open:
            return
        del self.open[run.n]
        digest = run.digest.digest() if run.digest is not None else b""
        rows = run.rows + run.seen
        took = max(0, int((at - run.at) * 1_000_000 + 0.5))
        out.append(
            Record(
                Completed(
                    run.n, tuple(run.tags), rows, run.size, took, run.error, run.message, run.columns, run.copied,
                    digest,
                )
            )
        )  # fmt: skip

    def complete_all(self, at: float, error: str, message: str, out: list[Any]) -> None:
        """Record of every statement still open that it came to nothing we know of."""
        for run in list(self.open.values()):
            if not run.error:
                run.error, run.message = error, message
            self.complete(run, at, out)

    def portal(self, name: bytes) -> Portal | None:
        """The portal that `name` will have when what is sent next arrives. Raises `Ambiguous`."""
        portal = self.portals.get(name)
        if portal is None:
            return None
        if not portal.confirmed and portal.group != self.names.group:
            raise Ambiguous
        return None if portal.closed else portal

    def hold_portal(self, portal: Portal, run: Run) -> None:
        """Put a portal that `run` binds in its place."""
        if len(self.portals) >= NAMES_MAX or len(self.bound) >= NAMES_MAX:
            raise Overfull
        portal.before = self.portals.get(portal.name)
        self.portals[portal.name] = portal
        self.bound[run.n] = portal
        self.held += portal.size
        if self.held > self.limits.message_bytes:
            self._let_go()

    def _let_go(self) -> None:
        """Portals hold much: let go of what only those hold whose names stand for others by now."""
        self.held = sum([portal.size for portal in self.portals.values()])
        if self.held > self.limits.message_bytes:
            raise Overfull
        for portal in self.portals.values():
            before = portal.before
            while before is not None:
                before.forget()
                before = before.before
        for portal in self.bound.values():
            if self.portals.get(portal.name) is not portal:
                portal.forget()

    def close_portal(self, name: bytes) -> Portal | None:
        """The name of a portal is about to be closed: what stands for it until that is answered."""
        before = self.portals.get(name)
        if before is None:
            return None
        portal = self.portals[name] = Portal(name, before.text, None, b"", self.names.group)
        portal.before, portal.closed = before, True
        return portal

    def closed(self, change: Any) -> None:
        """The target closed a name: of a prepared statement, or of a portal."""
        if not isinstance(change, Portal):
            self.names.accept(change)
            return
        change.accept()
        if self.portals.get(change.name) is change:
            del self.portals[change.name]

    def withdraw(self, run: Run) -> None:
        """Changes of names that this statement did not get to."""
        for _, change in run.changes:
            self.names.reject(change, tried=False)
        run.changes.clear()

    def unbind(self, portal: Portal) -> None:
        """A Bind or Close did not happen: what its portal's name stood for before is there again."""
        portal.rejected = True
        if self.portals.get(portal.name) is not portal:
            return
        before = portal.before
        while before is not None and before.rejected:
            before = before.before
        if before is None:
            del self.portals[portal.name]
        else:
            self.portals[portal.name] = before

    def doubt(self) -> None:
        """Code that could have changed names and portals ran, or is about to: none of them can be vouched for."""
        self.strange = True
        self.names.doubt()
        self._doubt_portals()

    def doubt_after(self, found: Traits) -> None:
        """A text with these traits is about to run."""
        if found.opaque or (found.fetches and self.strange):
            self.doubt()
        elif found.declares:
            self._doubt_portals()

    def _doubt_portals(self) -> None:
        """A cursor is about to be opened, maybe under the name of a portal that was closed. The one without a name is
        not to be had by SQL."""
        for known in self.portals.values():
            portal: Portal | None = known if known.name else None
            while portal is not None:
                portal.sure = False
                portal = portal.before

    def out_of_transaction(self) -> None:
        """The target is between two transactions: it has no portals but those that it has not come to yet."""
        portals = self.portals
        if not self.queue:
            portals.clear()
        elif len(portals) > 1 or b"" not in portals:
            answered = self.names.group - sum(1 for one in self.queue if one.kind & ENDS)
            for portal in [one for one in portals.values() if one.group < answered]:
                del portals[portal.name]

    def pop(self) -> None:
        """The first expectation is met."""
        self.queue.pop(0)

    @property
    def owed(self) -> int:
        """See `Session.owed`. A COPY that waits for its client is not interrupted: it counts as more than one."""
        queue = self.queue
        if self.copying is not None:
            return 2
        owed = 0
        for one in queue:
            if one.kind & ENDS:
                owed += 1
        return owed + (1 if queue and not queue[len(queue) - 1].kind & ENDS else 0)

    @property
    def early(self) -> bool:
        """Whether it depends on an answer still to come if a COPY takes the data that comes now, and which Syncs the
        target has passed over for it."""
        return self.copying is None and not self.swallowing and bool(self.queue)

    @property
    def working(self) -> bool:
        """Whether the target has, or may have, something to do for this session."""
        return bool(self.queue) or self.copying is not None
