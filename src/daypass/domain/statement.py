"""A statement: what someone is about to do, in no protocol's terms, and what came of it.

These are the facts of the data path. A protocol makes them, the journal keeps them, the shipper turns them into
ledger entries and recordings. `n` numbers the statements of one session from 1.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import final

from mypy_extensions import mypyc_attr

from daypass.domain.flat import Flat
from daypass.domain.target import Effect


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a text would do. `kind` is the command in lower case (`select`, `create table`), `unknown` if unparsed."""

    kind: str
    effect: Effect
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    fingerprint: str = ""

    def over(self, behind: Analysis) -> Analysis:
        """What this does, as a name that it executes stands for a text that does that."""
        effects = tuple(Effect)
        effect = max(self.effect, behind.effect, key=effects.index)
        writes = tuple(dict.fromkeys((*self.writes, *behind.writes)))
        reads = tuple(one for one in dict.fromkeys((*self.reads, *behind.reads)) if one not in writes)
        return Analysis(self.kind, effect, reads, writes, self.fingerprint)


OUTLIVES = "prepared transaction "
"""What stands before a name among what is written, where it is work that is undecided when its session is over."""

ELSEWHERE = "elsewhere: "
"""What stands before the means among what is read, where the target goes on to another connection of its own, under a
login that is not the session's."""

UNKNOWN = Analysis("unknown", Effect.UNKNOWN)


@final
class Prepared(Flat):
    """A text was given a name (`""`: none) and is about to be sent for preparation only."""

    __match_args__ = ("name", "text")
    __slots__ = ("name", "text")

    def __init__(self, name: str, text: bytes) -> None:
        self.name = name
        self.text = text


@mypyc_attr(free_list_len=1)
@final
class Submitted(Flat):
    """A statement is about to be sent. Nothing of it may reach the target before this is durable.

    `via` is how it came (`query`, `bind`, `execute`, `call`; `parse`: it was only to be prepared, and the target turned
    it down, when this is recorded with what came of it); `values` are its bind values as the protocol packs
    them (its `values` function unpacks them); `same_as` is the statement whose text this one repeats when `text` has
    been cut for size (0: not cut); `verified` is false where a name's text can no longer be vouched for; `resolved` is
    the text behind the name that `text` itself executes (SQL's `EXECUTE name`).
    """

    __match_args__ = ("n", "via", "text", "name", "values", "same_as", "verified", "resolved")
    __slots__ = ("n", "name", "resolved", "same_as", "text", "values", "verified", "via")

    def __init__(
        self,
        n: int,
        via: str,
        text: bytes,
        name: str = "",
        values: bytes = b"",
        same_as: int = 0,
        verified: bool = True,
        resolved: bytes = b"",
    ) -> None:
        self.n = n
        self.via = via
        self.text = text
        self.name = name
        self.values = values
        self.same_as = same_as
        self.verified = verified
        self.resolved = resolved


@mypyc_attr(free_list_len=1)
@final
class Completed(Flat):
    """What came of statement `n`. `error` is the target's code (SQLSTATE) or empty; `columns` are names of results."""

    __match_args__ = (
        "n",
        "tags",
        "rows",
        "bytes",
        "duration_us",
        "error",
        "message",
        "columns",
        "copied_bytes",
        "copied_sha256",
    )
    __slots__ = (
        "bytes",
        "columns",
        "copied_bytes",
        "copied_sha256",
        "duration_us",
        "error",
        "message",
        "n",
        "rows",
        "tags",
    )

    def __init__(
        self,
        n: int,
        tags: tuple[str, ...],
        rows: int,
        bytes: int,
        duration_us: int,
        error: str = "",
        message: str = "",
        columns: tuple[str, ...] = (),
        copied_bytes: int = 0,
        copied_sha256: builtins.bytes = b"",
    ) -> None:
        self.n = n
        self.tags = tags
        self.rows = rows
        self.bytes = bytes
        self.duration_us = duration_us
        self.error = error
        self.message = message
        self.columns = columns
        self.copied_bytes = copied_bytes
        self.copied_sha256 = copied_sha256


@final
class Rows(Flat):
    """Result rows of statement `n` as the client saw them (`record: results`), packed by the protocol.

    `cut` marks that the limit was reached here and that what follows was not kept.
    """

    __match_args__ = ("n", "data", "cut")
    __slots__ = ("cut", "data", "n")

    def __init__(self, n: int, data: bytes, cut: bool = False) -> None:
        self.n = n
        self.data = data
        self.cut = cut


@final
class StatementRefused(Flat):
    """Statement `n` was not sent to the target, and why."""

    __match_args__ = ("n", "text", "reason")
    __slots__ = ("n", "reason", "text")

    def __init__(self, n: int, text: bytes, reason: str) -> None:
        self.n = n
        self.text = text
        self.reason = reason


Fact = Prepared | Submitted | Completed | Rows | StatementRefused


@dataclass(frozen=True, slots=True)
class Value:
    """One bind value. `text` where its type is text-like, otherwise `base64`; both None: NULL."""

    text: str | None = None
    base64: str | None = None
