"""What nodes that share a store leave for each other: sessions to be cut, and what was seen of their ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import func, select

from daypass.store import codec
from daypass.store.interface import Cut
from daypass.store.node_tables import cuts
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.statement import Part

NEWS = "daypass_news"
"""The channel that nodes tell each other on (PostgreSQL's LISTEN and NOTIFY)."""
FENCE_SECONDS = 0.5
FENCE_TRIES = 10
"""A node that is well and was shipping just now has the time to finish."""
NAME_BYTES_MAX = 63
"""PostgreSQL's NAMEDATALEN, without its NUL."""
_CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = {p}1 AND state <> 'idle'"
)
"""All that it has under way: the one that ships may wait for another that hangs."""


def called(node: str) -> str:
    """The name by which the database knows a node's connections."""
    return f"daypass store {node}".strip().encode()[:NAME_BYTES_MAX].decode(errors="ignore")


class Nodes(Part):
    async def cuts(
        self, *, node: str | None = None, sessions: Sequence[str] = (), unseen: bool = False
    ) -> Sequence[Cut]:
        query = select(cuts).order_by(cuts.c.session)
        if node is not None:
            query = query.where(cuts.c.node == node)
        if sessions:
            query = query.where(cuts.c.session.in_(sessions))
        if unseen:
            query = query.where(cuts.c.seen.is_(None))
        return [codec.cut_of(row) for row in await self._all(query)]

    async def save_cut(self, cut: Cut) -> None:
        await self._save(cuts, codec.cut_row(cut))

    async def tell(self, news: str) -> None:
        if self._connection.dialect.name == "postgresql":
            await self._connection.execute(select(func.pg_notify(NEWS, news)))

    async def shipped_for_change(self, node: str) -> int:
        """The last journal number of a node that is in the store; its row is held until the commit."""
        bulk = bulk_on(self._connection)
        if self._connection.dialect.name == "postgresql":
            await self._fence(node)
        begun = "INSERT INTO shipped (node, number) VALUES ({p}1, 0) ON CONFLICT (node) DO NOTHING"
        await bulk.ask(begun, node)
        held = "UPDATE shipped SET number = number WHERE node = {p}1 RETURNING number"
        ((number,),) = await bulk.ask(held, node)
        return int(number)

    async def _fence(self, node: str) -> None:
        """Whoever hangs in the middle of shipping holds its row until it is cut off: it may do that for as long as its
        last statement may take, and no idle time-out counts where it has prepared one and not run it."""
        bulk = bulk_on(self._connection)
        if not await bulk.ask("SELECT 1 FROM shipped WHERE node = {p}1", node):
            return
        for _ in range(FENCE_TRIES):
            if await bulk.ask("SELECT 1 FROM shipped WHERE node = {p}1 FOR UPDATE SKIP LOCKED", node):
                return
            await asyncio.sleep(FENCE_SECONDS / FENCE_TRIES)
        await bulk.ask(_CUT_OFF, called(node))
