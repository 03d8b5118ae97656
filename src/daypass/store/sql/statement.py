"""What every part of a transaction needs: a connection, and the few statements that all tables share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, Table, bindparam, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from daypass.store.interface import Page

Moment = int | ColumnElement[int]
"""Milliseconds since 1970, or where they go in a statement."""


class Part:
    """One subject's statements on one open connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._insert = _INSERTS[connection.dialect.name]

    async def _one(self, query: Select[Any]) -> Mapping[str, Any] | None:
        found = (await self._connection.execute(query)).mappings().first()
        return None if found is None else dict(found)

    async def _all(self, query: Select[Any]) -> Sequence[Mapping[str, Any]]:
        return [dict(row) for row in (await self._connection.execute(query)).mappings()]

    async def unhurried(self) -> None:
        if self._connection.dialect.name == postgresql.dialect.name:
            await self._connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))

    async def _save(self, table: Table, row: Mapping[str, Any]) -> None:
        """Insert the row, or replace the one with the same primary key."""
        await self._connection.execute(_saving(self._insert, table, tuple(row)), dict(row))


@cache
def _saving(insert: Callable[[Table], Any], table: Table, names: tuple[str, ...]) -> Executable:
    """The statement that saves a row of these columns. Building it takes longer than running it."""
    keys = [column.name for column in table.primary_key]
    statement = insert(table).values({name: bindparam(name) for name in names})
    rest = {name: statement.excluded[name] for name in names if name not in keys}
    found: Executable = statement.on_conflict_do_update(index_elements=keys, set_=rest)
    return found


def newest(query: Select[Any], table: Table, page: Page | None) -> Select[Any]:
    """The newest first, as ids are UUIDv7; all of them when no page is named."""
    query = query.order_by(table.c.id.desc())
    if page is None:
        return query
    if page.before is not None:
        query = query.where(table.c.id < page.before)
    return query.limit(page.limit)


_INSERTS: Mapping[str, Callable[[Table], Any]] = {
    dialect.name: insert
    for dialect, insert in ((sqlite.dialect, sqlite.insert), (postgresql.dialect, postgresql.insert))
}
