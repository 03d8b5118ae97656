"""Many rows in few steps, as each database likes it best. The statements are SQL with `{source}` where the rows go.

SQLite takes them as `VALUES` with some hundreds of rows in one step. Measured on two cores, 17 columns: 8 µs a row
against 35 with `json_each`, and 8 with `executemany`, which, however, takes the interpreter's lock back after every
row, so that a busy event loop slows it (and is slowed by it) a hundredfold. PostgreSQL takes one array a column.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

Rows = Sequence[tuple[Any, ...]]
Bulk = Callable[[AsyncConnection, str, Sequence[str], Rows], Coroutine[Any, Any, None]]
"""connection, SQL template, PostgreSQL's type of each column, rows."""

_STEPS = (256, 64, 16, 4, 1)
# Rows a step: few different sizes, so that each statement is prepared once; 256 rows of 17 columns stay well below
# SQLite's limit of 32,766 parameters.


async def _values(connection: AsyncConnection, template: str, types: Sequence[str], rows: Rows) -> None:
    one = "(" + ",".join("?" * len(types)) + ")"
    at = 0
    for step in _STEPS:
        while len(rows) - at >= step:
            flat = tuple(value for row in rows[at : at + step] for value in row)
            source = "VALUES " + ",".join([one] * step)
            await connection.exec_driver_sql(template.format(source=source), flat)
            at += step


async def _unnest(connection: AsyncConnection, template: str, types: Sequence[str], rows: Rows) -> None:
    if not rows:
        return
    arrays = ",".join(f"${place}::{name}[]" for place, name in enumerate(types, 1))
    source = f"SELECT * FROM unnest({arrays})"
    await connection.exec_driver_sql(template.format(source=source), tuple(map(list, zip(*rows, strict=True))))


BULK: Mapping[str, Bulk] = {"sqlite": _values, "postgresql": _unnest}
