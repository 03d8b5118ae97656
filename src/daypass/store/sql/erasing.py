"""Taking bodies out of the store: the blobs, what search has of them, and what was said beside them. Part of a
transaction; `scrubbing` then sees to it that nothing of them is left in the files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from sqlalchemy import Column, delete, func, literal, select, update

from daypass.store import codec
from daypass.store.interface import StoredEntry
from daypass.store.node_tables import cuts
from daypass.store.schema import (
    blobs,
    entries,
    favourites,
    locks,
    obligations,
    outbox,
    pending,
    proposals,
    tokens,
)
from daypass.store.schema import sessions as all_sessions
from daypass.store.snippet_tables import snippets
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.log import ENTRY, with_sessions
from daypass.store.sql.statement import Part
from daypass.store.visit_tables import flows, passkeys, passwords, visits

WRITTEN: Sequence[tuple[Column[str] | None, Column[str]]] = (
    (obligations.c.done_by, obligations.c.note),
    (obligations.c.settled_by, obligations.c.settled_note),
    (proposals.c.made_by, proposals.c.note),
    (proposals.c.decided_by, proposals.c.decided_note),
    (locks.c.made_by, locks.c.reason),
    (locks.c.lifted_by, locks.c.lifted_reason),
    (None, cuts.c.message),
    (None, cuts.c.hint),
)
"""Who wrote which words, besides those of requests and grants. What a client was told when it was cut quotes them."""


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

    async def erase_words(self, person: str, names: Callable[[str], bool]) -> None:
        for who, words in WRITTEN:
            table = words.table
            (key,) = table.primary_key
            wrote = who if who is not None else literal(None)
            query = select(key.label("key"), words.label("words"), wrote.label("who")).where(words != "")
            for row in await self._all(query):
                if row["who"] == person or names(row["words"]):
                    await self._connection.execute(update(table).where(key == row["key"]).values({words: ""}))
        for row in await self._all(select(favourites)):
            if row["person"] == person or names(json.dumps(row["wish"], ensure_ascii=False)):
                one = (favourites.c.person == row["person"], favourites.c.name == row["name"])
                await self._connection.execute(delete(favourites).where(*one))

    async def erase_old_words(self, before: int) -> None:
        run = self._connection.execute
        over = func.coalesce(locks.c.lifted_at, locks.c.until) < before
        await run(update(locks).where(over).values(reason="", lifted_reason=""))
        await run(update(proposals).where(proposals.c.decided_at < before).values(note="", decided_note=""))

    async def erase_tokens(self, person: str, now: int) -> None:
        of_theirs = tokens.c.person == person
        # What a mail server answered may quote their address.
        said = (outbox.c.person == person, outbox.c.problem != "")
        await self._connection.execute(update(outbox).where(*said).values(problem="(erased)"))
        await self._connection.execute(update(tokens).where(of_theirs).values(label="", last_used_from=""))
        await self._connection.execute(
            update(tokens).where(of_theirs, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
        )
        await self._connection.execute(delete(snippets).where(snippets.c.person == person))
        over = {"ended_at": now, "seen_from": "", "subject": "", "sid": "", "hint": ""}
        await self._connection.execute(update(visits).where(visits.c.person == person).values(over))
        gone = {"removed_at": func.coalesce(passkeys.c.removed_at, now), "name": ""}
        await self._connection.execute(update(passkeys).where(passkeys.c.person == person).values(gone))
        await self._connection.execute(delete(passwords).where(passwords.c.person == person))
        await self._connection.execute(delete(flows).where(flows.c.person == person))

    async def unplaced(self) -> tuple[int, int]:
        found = (await self._connection.execute(select(func.min(pending.c.row), func.max(pending.c.row)))).one()
        return found[0] or 0, found[1] or 0
