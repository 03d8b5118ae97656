"""What both databases' stores do alike: transactions, shipping, sequencing, migrating, telling that there is news."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from daypass.domain.errors import Conflict
from daypass.domain.events import Draft
from daypass.domain.session import LIVE
from daypass.store.errors import translated
from daypass.store.interface import Late, NodeSeen, Sequence_, Transaction
from daypass.store.migrating import upgrade
from daypass.store.news import News
from daypass.store.node_tables import shipped
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.scrubbing import SCRUBS
from daypass.store.sql.shipping import sequence, ship, ship_placed
from daypass.store.sql.transaction import SqlTransaction

_NOW: Mapping[str, str] = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}
"""Milliseconds since 1970 by the database's own clock, which is one for all nodes."""
_RENEW = (
    "INSERT INTO nodes (name, home, renewed_at) VALUES ({p}1, {p}2, {now}) ON CONFLICT (name) DO UPDATE "
    "SET home = excluded.home, renewed_at = excluded.renewed_at "
    "WHERE nodes.home = excluded.home OR nodes.renewed_at < excluded.renewed_at - {p}3 RETURNING name"
)
_SILENT = (
    "SELECT DISTINCT node FROM sessions WHERE state IN ({live}) "
    "AND node NOT IN (SELECT name FROM nodes WHERE renewed_at > {now} - {p}1)"
)
_NODES = "SELECT name, {now} - renewed_at FROM nodes ORDER BY name"
_LIVE = ", ".join(f"'{state.value}'" for state in LIVE)


class SqlStore:
    """Implements `store.interface.Store` over one engine that writes and one that only reads."""

    def __init__(self, writing: AsyncEngine, reading: AsyncEngine, news: News | None = None) -> None:
        """`news`: how other nodes are heard; None for a store of one node."""
        self.shared = news is not None
        self.scrubbing = False
        self._writing = writing
        self._reading = reading
        self._news = news
        self._listeners: list[Callable[[], None]] = []
        self._open = 0

    @property
    def busy(self) -> bool:
        return self._open > 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        with translated(), self._counted():
            async with self._writing.begin() as connection:
                transaction = SqlTransaction(connection)
                yield transaction
        if transaction.appended:
            self._tell()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        with translated(), self._counted():
            async with self._reading.begin() as connection:
                yield SqlTransaction(connection)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

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

    async def ship_placed(
        self,
        node: str,
        first: int,
        last: int,
        drafts: Sequence[Draft],
        number: Sequence_,
        late: Late | None = None,
    ) -> int:
        with translated():
            async with self._writing.begin() as connection:
                placed = await ship_placed(bulk_on(connection), node, first, last, drafts, number, late)
        if drafts and not placed:
            self._tell()
        return placed

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

    async def renew(self, node: str, home: str, lease_ms: int) -> None:
        with translated():
            async with self._writing.begin() as connection:
                found = await bulk_on(connection).ask(self._timed(_RENEW, connection), node, home, lease_ms)
        if not found:
            raise Conflict(f"another node of this store is called {node}", hint="give this one another node: name")

    async def nodes(self) -> Sequence[NodeSeen]:
        with translated():
            async with self._reading.begin() as connection:
                found = await bulk_on(connection).ask(self._timed(_NODES, connection))
        return [NodeSeen(name, max(silent, 0)) for name, silent in found]

    async def silent(self, ms: int) -> Sequence[str]:
        with translated():
            async with self._reading.begin() as connection:
                return [row[0] for row in await bulk_on(connection).ask(self._timed(_SILENT, connection), ms)]

    def _timed(self, statement: str, connection: AsyncConnection) -> str:
        return statement.replace("{now}", _NOW[connection.dialect.name]).replace("{live}", _LIVE)

    def on_news(self, call: Callable[[str], None]) -> None:
        if self._news is not None:
            self._news.on_news(call)

    async def hold(self, role: str) -> bool:
        return self._news is None or await self._news.hold(role)

    async def held(self, role: str) -> bool:
        return self._news is None or await self._news.held(role)

    async def listen(self) -> None:
        if self._news is not None:
            await self._news.start()

    async def scrub(self, *, thorough: bool) -> None:
        self.scrubbing = True
        try:
            with translated():
                await SCRUBS[self._writing.dialect.name](self._writing, thorough)
        finally:
            self.scrubbing = False

    def on_append(self, call: Callable[[], None]) -> None:
        self._listeners.append(call)

    async def close(self) -> None:
        if self._news is not None:
            await self._news.stop()
        # The writer last: who closes SQLite's last connection checkpoints.
        await self._reading.dispose()
        await self._writing.dispose()

    def _tell(self) -> None:
        for call in self._listeners:
            call()
