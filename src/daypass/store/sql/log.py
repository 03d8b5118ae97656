"""Entries and blobs as a transaction sees them: appending one draft, reading what is sequenced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from daypass.domain.events import Blob, Draft
from daypass.store import codec
from daypass.store.interface import StoredEntry
from daypass.store.schema import blobs, entries, pending, sessions
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.shipping import insert_drafts
from daypass.store.sql.statement import Part

ENTRY = (entries.c.idx, entries.c.id, entries.c.type, entries.c.t, entries.c.leaf, entries.c.entry)
_BYTES = "SELECT entry FROM entries WHERE idx >= {p}1 ORDER BY idx LIMIT {p}2"
_LEAVES = "SELECT leaf, entry FROM entries WHERE idx >= {p}1 ORDER BY idx LIMIT {p}2"
_BEGINNINGS = "SELECT row, substr(content, 1, {p}3) FROM blobs WHERE session = {p}1 AND media = {p}2 ORDER BY row"
_BLOB = (blobs.c.sha256, blobs.c.media, blobs.c.session, blobs.c.content)


class Log(Part):
    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.appended = False
        """Whether this transaction put anything into the ledger."""

    async def append(self, draft: Draft) -> None:
        self.appended = True
        await insert_drafts(bulk_on(self._connection), (draft,))

    async def entries(
        self,
        *,
        since: int = 0,
        types: Sequence[str] = (),
        request: str | None = None,
        grant: str | None = None,
        session: str | None = None,
        statements: tuple[int, int] | None = None,
        limit: int = 1000,
    ) -> Sequence[StoredEntry]:
        query = select(*ENTRY).where(entries.c.idx >= since).order_by(entries.c.idx).limit(limit)
        if types:
            query = query.where(entries.c.type.in_(types))
        if request is not None:
            query = query.where(with_sessions(entries.c.request == request, sessions.c.request == request))
        if grant is not None:
            query = query.where(with_sessions(entries.c.grant == grant, sessions.c.grant == grant))
        if session is not None:
            query = query.where(entries.c.session == session)
        if statements is not None:
            query = query.where(entries.c.statement.between(*statements))
        # By position: the publisher reads every entry through here, and names cost as much as the query.
        return [StoredEntry(*row) for row in await self._connection.execute(query)]

    async def entry(self, id: str) -> StoredEntry | None:
        row = await self._one(select(*ENTRY).where(entries.c.id == id))
        if row is not None:
            return codec.entry_of(row)
        row = await self._one(select(pending.c.type, pending.c.t, pending.c.entry).where(pending.c.id == id))
        return StoredEntry(-1, id, row["type"], row["t"], "", row["entry"]) if row else None

    async def newest_of(
        self, types: Sequence[str], *, request: str | None = None, session: str | None = None, actor: str | None = None
    ) -> str | None:
        about = {"request": request, "session": session, "actor": actor}
        for table in (pending, entries):  # what waits is newer than what has its place
            query = select(table.c.id).where(table.c.type.in_(types)).order_by(table.c.id.desc()).limit(1)
            if session is None:
                query = query.where(table.c.session.is_(None))
            for name, value in about.items():
                query = query if value is None else query.where(table.c[name] == value)
            if (row := await self._one(query)) is not None:
                return str(row["id"])
        return None

    async def newest_statements(self, of: Sequence[str]) -> Sequence[StoredEntry]:
        if not of:
            return []
        # For each session by itself: the index then has the answer at its end, however many statements there were.
        said = entries.alias()
        newest = select(func.max(said.c.statement)).where(said.c.session == sessions.c.id).scalar_subquery()
        joined = and_(entries.c.session == sessions.c.id, entries.c.statement == newest)
        query = select(*ENTRY).select_from(sessions.join(entries, joined))
        rows = await self._connection.execute(query.where(sessions.c.id.in_(of)).order_by(entries.c.idx))
        return [StoredEntry(*row) for row in rows]

    async def entry_bytes(self, *, since: int, limit: int) -> Sequence[bytes]:
        return [row[0] for row in await bulk_on(self._connection).ask(_BYTES, since, limit)]

    async def leaves_and_bytes(self, *, since: int, limit: int) -> Sequence[tuple[str, bytes]]:
        return [(row[0], row[1]) for row in await bulk_on(self._connection).ask(_LEAVES, since, limit)]

    async def placed(self) -> int:
        newest = (await self._connection.execute(select(func.max(entries.c.idx)))).scalar()
        return 0 if newest is None else int(newest) + 1

    async def newest_t(self) -> int:
        waiting = (await self._connection.execute(select(func.max(pending.c.t)))).scalar()
        placed = (await self._connection.execute(select(func.max(entries.c.t)))).scalar()
        return max(waiting or 0, placed or 0)

    async def blobs(self, *, session: str | None = None, sha256: Sequence[str] = ()) -> Sequence[Blob]:
        query = select(*_BLOB).order_by(blobs.c.row)
        if session is not None:
            query = query.where(blobs.c.session == session)
        if sha256:
            query = query.where(blobs.c.sha256.in_(sha256))
        return [codec.blob_of(row) for row in await self._all(query)]

    async def pieces(self, session: str, *, after: int = 0, limit: int = 200) -> Sequence[tuple[int, Blob]]:
        query = select(blobs.c.row, *_BLOB).where(blobs.c.session == session, blobs.c.row > after)
        return await self._pieces(query.order_by(blobs.c.row).limit(limit))

    async def pieces_at(self, session: str, places: Sequence[int]) -> Sequence[tuple[int, Blob]]:
        query = select(blobs.c.row, *_BLOB).where(blobs.c.session == session, blobs.c.row.in_(places))
        return await self._pieces(query.order_by(blobs.c.row))

    async def _pieces(self, query: Any) -> Sequence[tuple[int, Blob]]:
        return [(int(row["row"]), codec.blob_of(row)) for row in await self._all(query)]

    async def piece_beginnings(self, session: str, media: str, length: int) -> Sequence[tuple[int, bytes]]:
        rows = await bulk_on(self._connection).ask(_BEGINNINGS, session, media, length)
        return [(int(row), bytes(beginning)) for row, beginning in rows]


def with_sessions(own: Any, of_session: Any) -> Any:
    # Entries of a session are indexed by their session alone (see schema.py).
    theirs = select(sessions.c.id).where(of_session)
    return or_(and_(entries.c.session.is_(None), own), entries.c.session.in_(theirs))
