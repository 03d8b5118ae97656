"""What both databases' stores do alike: transactions, shipping, sequencing, migrating, telling that there is news."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from daypass.domain.events import Draft
from daypass.store.errors import translated
from daypass.store.interface import Sequence_, Transaction
from daypass.store.migrating import upgrade
from daypass.store.schema import shipped
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.shipping import sequence, ship
from daypass.store.sql.transaction import SqlTransaction


class SqlStore:
    """Implements `store.interface.Store` over one engine that writes and one that only reads."""

    def __init__(self, writing: AsyncEngine, reading: AsyncEngine) -> None:
        self._writing = writing
        self._reading = reading
        self._listeners: list[Callable[[], None]] = []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        with translated():
            async with self._writing.begin() as connection:
                transaction = SqlTransaction(connection)
                yield transaction
        if transaction.appended:
            self._tell()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        with translated():
            async with self._reading.begin() as connection:
                yield SqlTransaction(connection)

    async def migrate(self) -> None:
        with translated():
            async with self._writing.begin() as connection:
                await connection.run_sync(upgrade)

    async def ship(self, node: str, first: int, last: int, drafts: Sequence[Draft]) -> None:
        with translated():
            async with self._writing.begin() as connection:
                await ship(bulk_on(connection), node, first, last, drafts)
        if drafts:
            self._tell()

    async def shipped(self, node: str) -> int:
        with translated():
            async with self._reading.begin() as connection:
                number = await connection.scalar(
                    shipped.select().with_only_columns(shipped.c.number).filter_by(node=node)
                )
        return number or 0

    async def sequence(self, limit: int, number: Sequence_) -> int:
        with translated():
            async with self._writing.begin() as connection:
                return await sequence(bulk_on(connection), limit, number)

    def on_append(self, call: Callable[[], None]) -> None:
        self._listeners.append(call)

    async def close(self) -> None:
        # The writer last: who closes SQLite's last connection checkpoints.
        await self._reading.dispose()
        await self._writing.dispose()

    def _tell(self) -> None:
        for call in self._listeners:
            call()
