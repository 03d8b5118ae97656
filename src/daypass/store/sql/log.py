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

_ENTRY = (entries.c.idx, entries.c.id, entries.c.type, entries.c.t, entries.c.leaf, entries.c.entry)
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
        limit: int = 1000,
    ) -> Sequence[StoredEntry]:
        query = select(*_ENTRY).where(entries.c.idx >= since).order_by(entries.c.idx).limit(limit)
        if types:
            query = query.where(entries.c.type.in_(types))
        if request is not None:
            query = query.where(_with_sessions(entries.c.request == request, sessions.c.request == request))
        if grant is not None:
            query = query.where(_with_sessions(entries.c.grant == grant, sessions.c.grant == grant))
        if session is not None:
            query = query.where(entries.c.session == session)
        return [codec.entry_of(row) for row in await self._all(query)]

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


def _with_sessions(own: Any, of_session: Any) -> Any:
    # Entries of a session are indexed by their session alone (see schema.py).
    theirs = select(sessions.c.id).where(of_session)
    return or_(and_(entries.c.session.is_(None), own), entries.c.session.in_(theirs))
