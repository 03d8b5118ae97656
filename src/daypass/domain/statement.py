"""A statement: what someone is about to do, in no protocol's terms, and what came of it.

These are the facts of the data path. A protocol makes them, the journal keeps them, the shipper turns them into
ledger entries and recordings. `n` numbers the statements of one session from 1.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass

from daypass.domain.target import Effect


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a text would do. `kind` is the command in lower case (`select`, `create table`), `unknown` if unparsed."""

    kind: str
    effect: Effect
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    fingerprint: str = ""


UNKNOWN = Analysis("unknown", Effect.UNKNOWN)


@dataclass(slots=True)
class Prepared:
    """A text was given a name (`""`: none) and is about to be sent for preparation only."""

    name: str
    text: bytes


@dataclass(slots=True)
class Submitted:
    """A statement is about to be sent. Nothing of it may reach the target before this is durable.

    `via` is how it came (`query`, `bind`, `execute`, `call`); `values` are its bind values as the protocol packs
    them (its `values` function unpacks them); `same_as` is the statement whose text this one repeats when `text` has
    been cut for size (0: not cut); `verified` is false where a name's text can no longer be vouched for.
    """

    n: int
    via: str
    text: bytes
    name: str = ""
    values: bytes = b""
    same_as: int = 0
    verified: bool = True
    resolved: bytes = b""
    """The text behind the name that `text` itself executes (SQL's `EXECUTE name`)."""


@dataclass(slots=True)
class Completed:
    """What came of statement `n`. `error` is the target's code (SQLSTATE) or empty; `columns` are names of results."""

    n: int
    tags: tuple[str, ...]
    rows: int
    bytes: int
    duration_us: int
    error: str = ""
    message: str = ""
    columns: tuple[str, ...] = ()
    copied_bytes: int = 0
    copied_sha256: builtins.bytes = b""


@dataclass(slots=True)
class Rows:
    """Result rows of statement `n` as the client saw them (`record: results`), packed by the protocol.

    `cut` marks that the limit was reached here and that what follows was not kept.
    """

    n: int
    data: bytes
    cut: bool = False


@dataclass(slots=True)
class StatementRefused:
    """Statement `n` was not sent to the target, and why."""

    n: int
    text: bytes
    reason: str


Fact = Prepared | Submitted | Completed | Rows | StatementRefused


@dataclass(frozen=True, slots=True)
class Value:
    """One bind value. `text` where its type is text-like, otherwise `base64`; both None: NULL."""

    text: str | None = None
    base64: str | None = None
