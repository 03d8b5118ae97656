"""What is read from the messages that say what a result is: its columns and its command tag.

Both repeat with every execution of a statement, so the last of each is kept and only compared the next time.
"""

from __future__ import annotations

from daypass.protocols.postgres.messages import read_row_description, shown


class Headings:
    """`tag` and `count` are those of the last call of `read_tag`."""

    __slots__ = ("_columns", "_described", "_tagged", "count", "tag")

    def __init__(self) -> None:
        self._described = b""
        self._columns: tuple[str, ...] = ()
        self._tagged = b""
        self.tag = ""
        self.count = 0

    def columns(self, body: bytes) -> tuple[str, ...]:
        """Column names of a RowDescription. Raises `Malformed`."""
        if body != self._described:
            self._columns = tuple(column.name for column in read_row_description(body))
            self._described = body
        return self._columns

    def read_tag(self, body: bytes) -> None:
        """Take the tag of a CommandComplete; its last word is the number of rows, if it is one. Who moves a cursor has
        none of them."""
        if body != self._tagged:
            tag = shown(body)
            count = tag.rpartition(" ")[2]
            self.tag, self.count = tag, int(count) if count.isdigit() and not tag.startswith("MOVE ") else 0
            self._tagged = body
