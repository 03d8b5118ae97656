"""Result rows and bind values: packed as they came over the wire, unpacked when somebody looks.

Packing is on the data path and decodes nothing. Unpacking never raises: what does not read as its type is base64.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from struct import Struct, error
from typing import Any

from daypass.domain.statement import Rows, Value
from daypass.protocols.interface import Record
from daypass.protocols.postgres.frames import HEADER, Malformed, size_at, within
from daypass.protocols.postgres.messages import Column, cells, read_data_row, read_row_description, row_description, u16
from daypass.protocols.postgres.statements import Run

KEPT_BYTES_MAX = 1024 * 1024
"""Result rows kept of one statement, as bytes on the wire: a record is for reading, not a copy of the table."""
SESSION_KEPT_BYTES_MAX = 64 * 1024 * 1024
"""Result rows kept of one session."""
TEXT_LIKE = frozenset((18, 19, 25, 114, 142, 705, 1042, 1043))
"""char, name, text, json, xml, unknown, bpchar, varchar: their binary form is their text."""

_u32 = Struct(">I")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Keeper:
    """Keeps the rows of a session's statements, within limits."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = SESSION_KEPT_BYTES_MAX

    def fits(self, run: Run, size: int) -> bool:
        return 0 <= run.kept <= KEPT_BYTES_MAX - size and size <= self._left

    def keep(self, run: Run, rows: bytes, out: list[Any]) -> None:
        """Record complete DataRow messages, up to the first that does not fit; then nothing more of this statement."""
        if run.kept < 0:
            return
        end = len(rows)
        if not self.fits(run, end):
            end = 0
            while end < len(rows) and self.fits(run, end + size_at(rows, end)):
                end += size_at(rows, end)
        run.kept += end
        self._left -= end
        cut = end < len(rows)
        out.append(Record(Rows(run.n, pack_rows(run.layout, rows[:end]), cut)))
        if cut:
            run.kept = -1

    def keep_one(self, run: Run, data: bytes, pos: int, end: int, out: list[Any]) -> None:
        """Record the message at `pos`, if it is whole."""
        if end <= len(data):
            self.keep(run, data[pos:end], out)
        else:
            self.cut(run, out)

    def cut(self, run: Run, out: list[Any]) -> None:
        """Record that a row which does not fit went by."""
        if run.kept >= 0:
            out.append(Record(Rows(run.n, pack_rows(run.layout, b""), True)))
            run.kept = -1


def laid_out(layout: bytes, data: bytes, pos: int) -> bytes:
    """The body of the RowDescription of a portal: `layout` is its statement's, which cannot know formats; at `pos` of
    `data` are the formats, values and result formats of its Bind. Empty if it cannot be told. Never raises."""
    if not layout:
        return b""
    try:
        pos += 2 + 2 * u16(data, pos)
        _, pos = cells(data, pos + 2, u16(data, pos))
        formats = Struct(f">{u16(data, pos)}H").unpack_from(data, pos + 2)
        columns = read_row_description(layout)
    except (Malformed, error):
        return b""
    forms = formats * len(columns) if len(formats) == 1 else formats or (0,) * len(columns)
    if len(forms) != len(columns):
        return b""
    return row_description([Column(c.name, c.oid, form) for c, form in zip(columns, forms, strict=True)])[HEADER:]


def pack_rows(layout: bytes, rows: bytes) -> bytes:
    """`layout` is the body of a RowDescription, empty if unknown; `rows` are whole DataRow messages, or CopyData or a
    FunctionCallResponse."""
    return _u32.pack(len(layout)) + layout + rows


def unpack_rows(packed: bytes) -> tuple[tuple[str | None, ...], ...]:
    """Rows as texts: a binary value that is no text is shown as `\\x` and hex, as PostgreSQL shows bytea. What is
    copied out is a row of one cell a message."""
    try:
        length = _u32.unpack_from(packed)[0]
        layout = packed[4 : 4 + length]
        columns = read_row_description(layout) if layout else ()
        found = list(_messages(packed, 4 + length))
    except (Malformed, error):
        return (("\\x" + packed.hex(),),) if packed else ()
    formats = [column.format == 0 or column.oid in TEXT_LIKE for column in columns]
    return tuple(
        tuple(_cell(cell, formats[i] if i < len(formats) else None) for i, cell in enumerate(row)) for row in found
    )


def _messages(packed: bytes, pos: int) -> Iterator[tuple[bytes | None, ...]]:
    while pos < len(packed):
        within(pos + HEADER, len(packed))
        following = pos + size_at(packed, pos)
        body = packed[pos + HEADER : following]
        if packed[pos] == ord("d"):
            yield (body.removesuffix(b"\n"),)
        elif packed[pos] == ord("V"):
            yield cells(body, 0, 1)[0]
        else:
            yield read_data_row(body)
        pos = following


def _cell(cell: bytes | None, text_like: bool | None) -> str | None:
    """`text_like` None: it is not known, and what has a control character in it is taken for binary."""
    if cell is None:
        return None
    if text_like is not False and (text_like or not _CONTROLS.search(cell)):
        try:
            return cell.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return "\\x" + cell.hex()


def unpack_values(packed: bytes) -> tuple[Value, ...]:
    """Bind values. `packed` is a count and as many type OIDs, then the Bind message from its formats on."""
    if not packed:
        return ()
    try:
        return _values(packed)
    except (Malformed, error):
        return (Value(base64=b64encode(packed).decode()),)


def _values(packed: bytes) -> tuple[Value, ...]:
    count = u16(packed, 0)
    types = Struct(f">{count}I").unpack_from(packed, 2)
    pos = 2 + 4 * count
    formats = Struct(f">{u16(packed, pos)}H").unpack_from(packed, pos + 2)
    pos += 2 + 2 * len(formats)
    found, _ = cells(packed, pos + 2, u16(packed, pos))
    values: list[Value] = []
    for index, cell in enumerate(found):
        form = formats[0] if len(formats) == 1 else formats[index] if index < len(formats) else 0
        oid = types[index] if index < len(types) else 0
        values.append(_value(cell, form == 0 or oid in TEXT_LIKE))
    return tuple(values)


def _value(cell: bytes | None, text_like: bool) -> Value:
    if cell is None:
        return Value()
    if text_like:
        try:
            return Value(text=cell.decode("utf-8"))
        except UnicodeDecodeError:
            pass
    return Value(base64=b64encode(cell).decode())
