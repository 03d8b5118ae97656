"""The outbox: what people are told, who sends it now, and what came of it; and what is to happen once only.

A claim is a lease: `next_at` is moved to when it runs out, and `attempts` counts it, so that whoever lost their lease
meanwhile settles nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import and_, delete, exists, func, select, update

from daypass.domain.standing import Notice
from daypass.store import standing_codec as codec
from daypass.store.interface import Page
from daypass.store.schema import once, outbox
from daypass.store.sql.statement import Part, newest

_earlier = outbox.alias("earlier")


class Outbox(Part):
    async def notices(self, *, due_until: int | None = None, person: str | None = None, limit: int) -> Sequence[Notice]:
        query = select(outbox).order_by(outbox.c.id).limit(limit)
        if due_until is not None:
            query = query.where(outbox.c.next_at > 0, outbox.c.next_at <= due_until)
        if person is not None:
            query = query.where(outbox.c.person == person)
        return [codec.notice_of(row) for row in await self._all(query)]

    async def notice(self, id: str) -> Notice | None:
        row = await self._one(select(outbox).where(outbox.c.id == id))
        return None if row is None else codec.notice_of(row)

    async def save_notice(self, notice: Notice) -> None:
        await self._save(outbox, codec.notice_row(notice))

    async def claim_notices(self, channel: str, *, now: int, until: int, limit: int) -> Sequence[Notice]:
        before = and_(
            _earlier.c.thread == outbox.c.thread,
            _earlier.c.channel == outbox.c.channel,
            _earlier.c.person == outbox.c.person,
            _earlier.c.id < outbox.c.id,
            _earlier.c.next_at > 0,
        )
        due = (
            select(outbox)
            .where(outbox.c.channel == channel, outbox.c.next_at > 0, outbox.c.next_at <= now)
            .where((outbox.c.thread == "") | ~exists(select(_earlier.c.id).where(before)))
            .order_by(outbox.c.next_at, outbox.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=outbox)
        )
        found = [codec.notice_of(row) for row in await self._all(due)]
        taken = [replace(one, next_at=until, attempts=one.attempts + 1) for one in found]
        for one in taken:
            values = {"next_at": one.next_at, "attempts": one.attempts}
            await self._connection.execute(update(outbox).where(outbox.c.id == one.id).values(values))
        return taken

    async def settle_notice(self, claimed: Notice, after: Notice) -> bool:
        still = (
            outbox.c.id == claimed.id,
            outbox.c.attempts == claimed.attempts,
            outbox.c.next_at == claimed.next_at,
        )
        done = await self._connection.execute(update(outbox).where(*still).values(codec.notice_row(after)))
        return done.rowcount == 1

    async def release_notices(self, now: int) -> int:
        tried = update(outbox).where(outbox.c.next_at > now, outbox.c.attempts > 0).values(next_at=now)
        return (await self._connection.execute(tried)).rowcount

    async def sent_notice(self, channel: str, person: str, thread: str, kinds: Sequence[str] = ()) -> Notice | None:
        query = (
            newest(select(outbox), outbox, None)
            .where(outbox.c.thread == thread, outbox.c.channel == channel, outbox.c.person == person)
            .where(outbox.c.sent_at.is_not(None))
        )
        if kinds:
            query = query.where(outbox.c.kind.in_(kinds))
        found = [codec.notice_of(row) for row in await self._all(query)]
        return next((one for one in found if one.receipt), None)

    async def inbox(self, person: str, channel: str, page: Page) -> Sequence[Notice]:
        query = newest(select(outbox), outbox, page).where(outbox.c.person == person, outbox.c.channel == channel)
        return [codec.notice_of(row) for row in await self._all(query)]

    async def failed_notices(self, page: Page) -> Sequence[Notice]:
        query = newest(select(outbox), outbox, page)
        query = query.where(outbox.c.next_at == 0, outbox.c.sent_at.is_(None), outbox.c.problem != "")
        return [codec.notice_of(row) for row in await self._all(query)]

    async def waiting_notices(self) -> Mapping[str, int]:
        query = select(outbox.c.channel, func.count().label("n")).where(outbox.c.next_at > 0)
        return {row["channel"]: row["n"] for row in await self._all(query.group_by(outbox.c.channel))}

    async def prune_notices(self, before: int) -> int:
        old = delete(outbox).where(outbox.c.next_at == 0, outbox.c.made_at < before)
        return (await self._connection.execute(old)).rowcount

    async def once(self, key: str, *, now: int, until: int) -> bool:
        await self._connection.execute(delete(once).where(once.c.until <= now))
        insert = self._insert(once).values(key=key, until=until)
        done = await self._connection.execute(insert.on_conflict_do_nothing(index_elements=["key"]))
        return bool(done.rowcount == 1)
