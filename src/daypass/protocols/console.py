"""A console: the client's end of a session, for people who have no client. Sans-I/O, as the session itself is.

It speaks to the gateway as any client does, signs in with a token and is let in, recorded, guarded and ended as any
other: nothing here knows a target. Bytes come in, what they say goes out; rows are texts as the server wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from typing import Protocol as Interface

from daypass.protocols.interface import Derive

Transaction = Literal["idle", "open", "failed"]
"""Whether statements that follow stand alone, in a transaction, or in one that can only be rolled back."""

Row = tuple[str | None, ...]
"""The cells of a row; None is NULL."""


@dataclass(frozen=True, slots=True)
class Put:
    """Send this to the gateway."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The session is open."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A result begins: the names of its columns and of their types."""

    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows, and how many bytes they had on the way."""

    rows: Sequence[Row]
    size: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is too long to be held was passed over."""

    size: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A statement is done, in the server's words; empty: there was nothing to do."""

    tag: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What the server or the gateway has to say. `position` counts characters of the text from 1 (0: none is meant);
    `fatal`: it is the last thing; `word` is that of `Refused.code` where the gateway did not let the client in."""

    error: bool
    severity: str
    code: str
    message: str
    detail: str = ""
    hint: str = ""
    position: int = 0
    fatal: bool = False
    word: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Everything that was asked is answered."""

    transaction: Transaction


Said = Put | Derive | SignedIn | Columns | Cells | Dropped | Finished | Remark | Waiting


class Broken(Exception):
    """The conversation makes no sense: the console is over."""


class Console(Interface):
    """One console, from its first byte."""

    schema: str
    """What to ask for the tables that can be read and their columns: schema, table, column, type; a row a column."""

    def hello(self) -> bytes:
        """The first bytes."""

    def feed(self, data: bytes) -> list[Said]:
        """What these bytes say, in order. Raises `Broken`."""

    def derived(self, salted_password: bytes) -> bytes:
        """The answer to `Derive`; what to send then."""

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where the statements of a text begin and end (in characters), to be run one after the other. A text that
        cannot be read is one piece: the server says what is wrong with it."""

    def ask(self, statement: str) -> bytes:
        """Run one piece. Ends with `Waiting`, or the connection does."""

    def interrupt(self) -> bytes:
        """What to send on a connection of its own to have the running statement stopped."""

    def leave(self) -> bytes:
        """The last bytes."""
