"""Taking bodies out of the store: the blobs, what search has of them, and what was said beside them. Part of a
transaction; `scrubbing` then sees to it that nothing of them is left in the files.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select, update

from daypass.store import codec
from daypass.store.interface import StoredEntry
from daypass.store.schema import blobs, cuts, entries, obligations, outbox, pending, tokens
from daypass.store.schema import sessions as all_sessions
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.log import ENTRY, with_sessions
from daypass.store.sql.statement import Part
from daypass.store.visit_tables import visits


class Erasing(Part):
    async def entries_about(
        self,
        *,
        person: str | None = None,
        from_t: int = 0,
        before_t: int | None = None,
        since: int = 0,
        limit: int = 1000,
    ) -> Sequence[StoredEntry]:
        query = select(*ENTRY).where(entries.c.idx >= since).order_by(entries.c.idx).limit(limit)
        if person is not None:
            query = query.where(with_sessions(entries.c.actor == person, all_sessions.c.person == person))
        if before_t is not None:
            query = query.where(entries.c.t >= from_t, entries.c.t < before_t)
        return [codec.entry_of(row) for row in await self._all(query)]

    async def kept_bodies(self, sha256: Sequence[str]) -> frozenset[str]:
        query = select(blobs.c.sha256).where(blobs.c.sha256.in_(sha256))
        return frozenset(row["sha256"] for row in await self._all(query))

    async def erase_bodies(self, sha256: Sequence[str], indexes: Sequence[int]) -> None:
        await self._connection.execute(delete(blobs).where(blobs.c.sha256.in_(sha256)))
        bulk = bulk_on(self._connection)
        await bulk.write(
            "UPDATE entry_text SET text = '' WHERE text <> '' AND rowid IN ({source})",
            ("bigint",),
            [(index,) for index in indexes],
        )

    async def erase_notes(self, *, request: str, sessions: Sequence[str]) -> None:
        run = self._connection.execute
        await run(update(cuts).where(cuts.c.session.in_(sessions)).values(message="", hint=""))
        await run(update(all_sessions).where(all_sessions.c.id.in_(sessions)).values(client=""))
        await run(update(obligations).where(obligations.c.request == request).values(note="", settled_note=""))

    async def erase_tokens(self, person: str, now: int) -> None:
        of_theirs = tokens.c.person == person
        # What a mail server answered may quote their address.
        said = (outbox.c.person == person, outbox.c.problem != "")
        await self._connection.execute(update(outbox).where(*said).values(problem="(erased)"))
        await self._connection.execute(update(tokens).where(of_theirs).values(label="", last_used_from=""))
        await self._connection.execute(
            update(tokens).where(of_theirs, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
        )
        over = {"ended_at": now, "seen_from": "", "subject": "", "sid": "", "hint": ""}
        await self._connection.execute(update(visits).where(visits.c.person == person).values(over))

    async def unplaced(self) -> tuple[int, int]:
        found = (await self._connection.execute(select(func.min(pending.c.row), func.max(pending.c.row)))).one()
        return found[0] or 0, found[1] or 0
