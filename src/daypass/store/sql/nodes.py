"""What nodes that share a store leave for each other: sessions to be cut, and what was seen of their ends."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from daypass.store import codec
from daypass.store.interface import Cut
from daypass.store.schema import cuts
from daypass.store.sql.statement import Part

NEWS = "daypass_news"
"""The channel that nodes tell each other on (PostgreSQL's LISTEN and NOTIFY)."""


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
