"""Reading what was said and done. That somebody read it is an event itself, committed before anything is shown.

Whoever watches asks again every moment: of one person and one session there is one event in `AGAIN_MS`. With a store
that takes no event nothing is shown.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from daypass.domain.durations import MINUTE_MS
from daypass.domain.errors import Unavailable
from daypass.domain.events import Blob, Event
from daypass.domain.people import Person
from daypass.domain.session import LIVE, Session
from daypass.ledger.bodies import Entry, names_of
from daypass.ledger.entry import BodyDamaged, open_blob
from daypass.ledger.parts import BEGINNING_BYTES, PART_BYTES, begins_with, parts_of, questions_in, unpacked_bytes
from daypass.ledger.recording import MEDIA, payloads
from daypass.services.office import Office, acting
from daypass.services.sight import reads_of, see_session, unknown
from daypass.store.interface import Transaction

AGAIN_MS = 10 * MINUTE_MS
"""Reading on for longer than this is reading again."""
KEPT_MAX = 10_000
"""Readings remembered for that; whoever falls out of it is on record once more."""
PIECES_AT_ONCE = 100
"""Bodies that are read at once for a part; some of them may belong to the next."""
SESSIONS_MAX = 100
"""Sessions that one event names."""
STATEMENTS_MAX = 1000
"""Statements of one page."""
STATEMENTS_BYTES_MAX = 16 << 20
"""Of the bodies that one page of statements is read from: a client reads a page as a whole, and a statement alone may
have 64 MiB."""
STATEMENTS_AT_ONCE = 20
"""Statements whose bodies are read at once; some of them may be for the next page."""
ASKED = ("statement.submitted", "statement.refused")
COMPLETED = "statement.completed"
"""What statements stand in the ledger as."""
INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a part of a recording begins: behind which place, with which statement, and when (ms); None: it does not
    say, as rows of an earlier statement fill it, or it is encrypted."""

    place: int
    statement: int | None
    t: int | None


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement: its entry, that of its outcome (None while it runs), and what the recording says of it; None where
    its body is gone, encrypted or damaged."""

    submitted: Entry
    completed: Entry | None
    said: Mapping[str, Any] | None


class Recordings:
    """Shows recordings and statements to who may read them."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._noted: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    async def open(self, by: Person, part: str) -> tuple[Session, Sequence[Blob]]:
        """A session and the bodies of its record, in order. Raise `NotFound`, also for who may see that there is one
        and not what is in it."""
        async with self._office.reading() as tx:
            session, request = await see_session(self._office, tx, by, part)
            if not reads_of(self._office, by, request):
                raise unknown("session", part)
            blobs = await tx.blobs(session=session.id)
        await self.note(by, [session.id], request=request.id)
        return session, blobs

    async def follow(
        self, by: Person, part: str, *, after: int, limit: int
    ) -> tuple[Session, Sequence[tuple[int, Blob]]]:
        """The same, of so many bodies behind place `after`, each with its place."""
        async with self._office.reading() as tx:
            session, request = await see_session(self._office, tx, by, part)
            if not reads_of(self._office, by, request):
                raise unknown("session", part)
            pieces = await tx.pieces(session.id, after=after, limit=limit)
        await self.note(by, [session.id], request=request.id)
        return session, pieces

    async def parts(self, by: Person, part: str) -> tuple[Session, Sequence[Beginning]]:
        """A session, and where the parts of its recording begin, as `open`."""
        async with self._office.reading() as tx:
            session, request = await see_session(self._office, tx, by, part)
            if not reads_of(self._office, by, request):
                raise unknown("session", part)
            beginnings = await tx.piece_beginnings(session.id, MEDIA, BEGINNING_BYTES)
            behind = [after for after, _ in parts_of((place, unpacked_bytes(raw)) for place, raw in beginnings)]
            places = [place for place, _ in beginnings]
            firsts = [places[bisect_right(places, after)] for after in behind] if places else [0]
            pieces: dict[int, Blob] = {}
            for n in range(0, len(firsts), PIECES_AT_ONCE):
                pieces.update(await tx.pieces_at(session.id, firsts[n : n + PIECES_AT_ONCE]))
        await self.note(by, [session.id], request=request.id)
        # Unpacking a chunk of each part takes a tenth of a second of a long recording: nobody else waits for it.
        begun = await asyncio.to_thread(lambda: [_begins(pieces.get(place)) for place in firsts])
        return session, [Beginning(after, *told) for after, told in zip(behind, begun, strict=True)]

    async def part(self, by: Person, part: str, after: int) -> tuple[Session, Sequence[Blob], int | None]:
        """A session, the bodies of the part of its recording that begins behind `after`, and where the next one
        begins; None: this is the last."""
        session, pieces = await self.follow(by, part, after=after, limit=PIECES_AT_ONCE)
        blobs: list[Blob] = []
        size = 0
        while pieces:
            for place, blob in pieces:
                if blob.media != MEDIA:
                    continue
                blobs.append(blob)
                size += unpacked_bytes(blob.content[:BEGINNING_BYTES])
                if size >= PART_BYTES:
                    return session, blobs, await self._behind(session, place)
            _, pieces = await self.follow(by, part, after=pieces[-1][0], limit=PIECES_AT_ONCE)
        return session, blobs, None

    async def _behind(self, session: Session, place: int) -> int | None:
        async with self._office.reading() as tx:
            return place if await tx.pieces(session.id, after=place, limit=1) else None

    async def statements(
        self, by: Person, part: str, *, since: int, first: int | None, last: int | None
    ) -> tuple[Sequence[Stated], int | None]:
        """Statements of a session in order, from ledger index `since` on, and the next `since`; only those from number
        `first` to `last`, where they are given. As many as a page has room for, and at least one."""
        async with self._office.reading() as tx:
            session, request = await see_session(self._office, tx, by, part)
            if not reads_of(self._office, by, request):
                raise unknown("session", part)
            numbers = (first or 0, INT64_MAX if last is None else last)
            limit = STATEMENTS_MAX
            found = await tx.entries(since=since, types=ASKED, session=session.id, statements=numbers, limit=limit)
            asked, blobs = await _fitting(tx, [json.loads(one.entry) for one in found])
            named = [one["body"]["statement"] for one in asked]
            numbers = (min(named, default=0), max(named, default=0))
            came = await tx.entries(types=(COMPLETED,), session=session.id, statements=numbers, limit=limit)
        await self.note(by, [session.id], request=request.id)
        outcomes = {(one := json.loads(each.entry))["body"]["statement"]: one for each in came}
        said = await asyncio.to_thread(_said, blobs)
        stated = [Stated(one, outcomes.get(n), said.get((session.id, n))) for one, n in zip(asked, named, strict=True)]
        more = len(asked) < len(found) or len(found) == STATEMENTS_MAX
        return stated, found[len(asked) - 1].index + 1 if more else None

    async def current(self, by: Person, sessions: Sequence[Session]) -> Mapping[str, Stated]:
        """What the open ones among these sessions are doing or did last, by session, as far as this person may read it.
        With a store that takes no event: nothing."""
        live = [one for one in sessions if one.state in LIVE]
        async with self._office.reading() as tx:
            requests = await tx.requests(ids=sorted({one.request for one in live})) if live else ()
            read = {one.id for one in requests if reads_of(self._office, by, one)}
            found = await tx.newest_statements([one.id for one in live if one.request in read])
            entries = [json.loads(one.entry) for one in found]
            asked = {one["session"]: one for one in entries if one["type"] in ASKED}
            blobs = await _bodies(tx, asked.values())
        try:
            for request in read:
                said_in = [one.id for one in live if one.request == request and one.id in asked]
                await self.note(by, said_in, request=request)
        except Unavailable:
            return {}
        outcomes = {one["session"]: one for one in entries if one["type"] == COMPLETED}
        said = await asyncio.to_thread(_said, blobs)
        return {
            id: Stated(one, outcomes.get(id), said.get((id, one["body"]["statement"]))) for id, one in asked.items()
        }

    async def note(self, by: Person, sessions: Sequence[str], *, request: str | None = None) -> None:
        """Put on record that this person reads of these sessions."""
        now, of = self._office.now(), request or ""
        fresh = [one for one in sessions if now - self._noted.get((by.id, of, one), now - AGAIN_MS) >= AGAIN_MS]
        for at in range(0, len(fresh), SESSIONS_MAX):
            body = {"sessions": fresh[at : at + SESSIONS_MAX]}
            async with self._office.change() as change:
                await change.record(Event("recording.read", now, acting(by), request=request, body=body))
        for one in fresh:
            self._noted[by.id, of, one] = now
        while len(self._noted) > KEPT_MAX:
            self._noted.popitem(last=False)


def _begins(blob: Blob | None) -> tuple[int | None, int | None]:
    """See `begins_with`; a body that is gone, or cannot be opened, does not say."""
    try:
        return begins_with(open_blob(blob.content)) if blob is not None else (None, None)
    except BodyDamaged:
        return None, None


async def _bodies(tx: Transaction, entries: Iterable[Entry]) -> Sequence[Blob]:
    names = sorted({name for one in entries for name in names_of(one)})
    return await tx.blobs(sha256=names) if names else ()


async def _fitting(tx: Transaction, asked: Sequence[Entry]) -> tuple[Sequence[Entry], Sequence[Blob]]:
    """The first of these statements that one page has room for, at least one of them, and their bodies."""
    taken: dict[str, Blob] = {}
    size = 0
    for first in range(0, len(asked), STATEMENTS_AT_ONCE):
        some = asked[first : first + STATEMENTS_AT_ONCE]
        found = {blob.sha256: blob for blob in await _bodies(tx, some)}
        for n, one in enumerate(some, first):
            fresh = {name: found[name] for name in names_of(one) if name in found and name not in taken}
            size += sum(unpacked_bytes(blob.content[:BEGINNING_BYTES]) for blob in fresh.values())
            if n and size > STATEMENTS_BYTES_MAX:
                return asked[:n], list(taken.values())
            taken |= fresh
    return asked, list(taken.values())


Said = Mapping[tuple[str | None, int], Mapping[str, Any]]
"""What recordings say of statements, by session and number."""


def _said(blobs: Iterable[Blob]) -> Said:
    said: dict[tuple[str | None, int], Mapping[str, Any]] = {}
    for blob in blobs:
        with suppress(ValueError):
            for _, payload in payloads(questions_in(open_blob(blob.content))):
                said[blob.session, payload.get("n", 0)] = payload
    return said
