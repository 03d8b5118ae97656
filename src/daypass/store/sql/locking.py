"""Locks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from daypass.domain.lock import Lock
from daypass.store import standing_codec as codec
from daypass.store.interface import Page
from daypass.store.schema import locks
from daypass.store.sql.statement import Moment, Part, newest


class Locks(Part):
    async def locks(self, *, live_at: int | None = None, page: Page | None = None) -> Sequence[Lock]:
        query = newest(select(locks), locks, page)
        if live_at is not None:
            query = query.where(*shuts(live_at))
        return [codec.lock_of(row) for row in await self._all(query)]

    async def lock_for_change(self, id: str) -> Lock | None:
        row = await self._one(select(locks).where(locks.c.id == id).with_for_update())
        return None if row is None else codec.lock_of(row)

    async def save_lock(self, lock: Lock) -> None:
        await self._save(locks, codec.lock_row(lock))


def shuts(at: Moment) -> tuple[ColumnElement[bool], ...]:
    """What holds for a lock that shuts something then."""
    return locks.c.until > at, locks.c.lifted_at.is_(None)
