"""Finding what was said and done, as far as one person may see it; each hit is checked before it is shown.

The index only says where to look. Of a hit the entry is hashed again and compared with its leaf, in the store and in
the published log, and its body with what the entry commits to. What does not fit is shown, as damaged: hiding it would
help whoever did it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Literal

from daypass.domain.errors import NotFound
from daypass.domain.events import Blob
from daypass.domain.finding import Sought
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.ledger.bodies import Value, is_named, names_of, values_of
from daypass.ledger.entry import BodyDamaged, BodyLocked, open_blob
from daypass.ledger.published import PublishedLeaves
from daypass.services.office import Office
from daypass.services.recordings import Recordings
from daypass.services.sight import reads_of
from daypass.store.interface import StoredEntry, Transaction

PAGE_MAX = 100
"""Hits of one page; each is hashed, and its body opened."""
BATCH = 200
LOOKED_AT_MAX = 4000
"""Index hits judged for one page of somebody who does not see everything; the next page goes on behind them."""
BODY_BYTES_OPENED_MAX = 32 * 1024 * 1024
"""Bodies opened for one page; hits beyond it are shown without their text."""

State = Literal["SEALED", "DAMAGED"]
BodyState = Literal["KEPT", "ERASED", "ENCRYPTED", "DAMAGED", "NOT_OPENED", "NONE"]


@dataclass(frozen=True, slots=True)
class Hit:
    """`state`: whether the entry is the one in the log; `body`: what is there of what it commits to; `said`: that,
    field by field, where it is there and holds."""

    entry: StoredEntry
    state: State
    body: BodyState
    said: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits, the newest first. `next` is the `before` of the following page; None: there is none."""

    hits: Sequence[Hit]
    next: int | None


class Searching:
    """Over one office and its published log."""

    def __init__(self, office: Office, published: PublishedLeaves, recordings: Recordings) -> None:
        self._office = office
        self._published = published
        self._recordings = recordings

    async def search(
        self, by: Person, sought: Sought, *, person: str | None = None, before: int | None = None, limit: int = PAGE_MAX
    ) -> Found:
        """`person`: an address or an id. Raise `NotFound` for nobody's."""
        async with self._office.reading() as tx:
            if person is not None:
                sought = await by_person(tx, sought, person)
            entries, next = await self._seen(tx, by, sought, before, limit)
            names = [name for one in entries for name in _names(one)]
            blobs = {blob.sha256: blob for blob in await tx.blobs(sha256=names)} if names else {}
        await self._recordings.note(by, _sessions(entries))
        leaves = await asyncio.to_thread(self._published.leaves, [one.index for one in entries])
        return Found(await asyncio.to_thread(_checked, entries, blobs, leaves), next)

    async def one(self, by: Person, index: int) -> tuple[Hit, Sequence[Blob]]:
        """The entry with this index and its bodies, as `search` would show it. Raise `NotFound`."""
        async with self._office.reading() as tx:
            found = [one for one in await tx.entries(since=index, limit=1) if one.index == index]
            if not found or not self._sees(by, found[0], await self._read(tx, by, found)):
                raise NotFound(f"there is no entry {index} that you may see", hint="daypass search finds entries")
            names = _names(found[0])
            blobs = await tx.blobs(sha256=names) if names else ()
        await self._recordings.note(by, _sessions(found))
        leaves = await asyncio.to_thread(self._published.leaves, [index])
        (hit,) = _checked(found, {blob.sha256: blob for blob in blobs}, leaves)
        return hit, blobs

    async def said(self, by: Person, entries: Sequence[StoredEntry]) -> Mapping[str, Mapping[str, str]]:
        """What was said in each of these entries, by its id, as far as this person may read it and it holds."""
        async with self._office.reading() as tx:
            known = await self._read(tx, by, entries)
            read = [one for one in entries if self._sees(by, one, known)]
            names = [name for one in read for name in _names(one)]
            blobs = {blob.sha256: blob for blob in await tx.blobs(sha256=names)} if names else {}
        await self._recordings.note(by, _sessions([one for one in read if one.type.startswith("statement.")]))
        return {hit.entry.id: hit.said for hit in await asyncio.to_thread(_checked, read, blobs, {})}

    async def _seen(
        self, tx: Transaction, by: Person, sought: Sought, before: int | None, limit: int
    ) -> tuple[list[StoredEntry], int | None]:
        seen: list[StoredEntry] = []
        known: Mapping[str, bool] = {}
        for _ in range(LOOKED_AT_MAX // BATCH):
            found = await tx.search(sought, before=before, limit=BATCH)
            known = await self._read(tx, by, found, known)
            for one in found:
                before = one.index
                if _about(one, sought.table) and self._sees(by, one, known):
                    seen.append(one)
                    if len(seen) == limit:
                        return seen, before
            if len(found) < BATCH:
                return seen, None
        return seen, before

    async def _read(
        self,
        tx: Transaction,
        by: Person,
        entries: Sequence[StoredEntry],
        known: Mapping[str, bool] = MappingProxyType({}),
    ) -> Mapping[str, bool]:
        """Of which requests of these entries, and of those known already, this person may read what was said."""
        if self._office.may(by, Verb.READ):
            return known
        named = {request for one in entries if isinstance(request := _json(one).get("request"), str)}
        fresh, read = sorted(named - known.keys()), set[str]()
        for n in range(0, len(fresh), BATCH):
            found = await tx.requests(ids=fresh[n : n + BATCH])
            read |= {one.id for one in found if reads_of(self._office, by, one)}
        return {**known, **{id: id in read for id in fresh}}

    def _sees(self, by: Person, one: StoredEntry, known: Mapping[str, bool]) -> bool:
        if self._office.may(by, Verb.READ):
            return True
        entry = _json(one)
        request = entry.get("request")
        if isinstance(request, str):
            return known[request]
        return bool(entry) and entry["actor"]["id"] == by.id and not by.disabled


def _sessions(entries: Sequence[StoredEntry]) -> list[str]:
    """The sessions of which something that was said is among these."""
    named = [one for one in map(_json, entries) if one.get("session") and one.get("commit")]
    return sorted({str(one["session"]) for one in named})


async def by_person(tx: Transaction, sought: Sought, who: str) -> Sought:
    """The same, of this person: an address or an id. Raise `NotFound` for nobody's."""
    person = await tx.person_by_email(who.strip().lower()) or await tx.person(who.strip().lower())
    if person is None:
        raise NotFound(f"there is nobody with the address {who}", hint="an erased person is found by their id")
    return replace(sought, person=person.id)


def _checked(entries: Sequence[StoredEntry], blobs: Mapping[str, Blob], leaves: Mapping[int, str]) -> list[Hit]:
    opened: dict[str, bytes | BodyState] = {}
    room = BODY_BYTES_OPENED_MAX
    hits = []
    for one in entries:
        leaf = sha256(b"\x00" + one.entry).hexdigest()
        state: State = "SEALED" if leaf == one.leaf == leaves.get(one.index, leaf) else "DAMAGED"
        for name in _names(one):
            if name not in opened:
                opened[name] = _opened(blobs.get(name), one) if room > 0 else "NOT_OPENED"
                content = opened[name]
                room -= len(content) if isinstance(content, bytes) else 0
        body, said = _said(one, opened, blobs)
        hits.append(Hit(one, state, body, said))
    return hits


def _opened(blob: Blob | None, one: StoredEntry) -> bytes | BodyState:
    if blob is None:
        return "ERASED"
    if not is_named(_json(one), blob.content):
        return "DAMAGED"
    try:
        return open_blob(blob.content)
    except BodyLocked:
        return "ENCRYPTED"
    except BodyDamaged:
        return "DAMAGED"


def _said(
    one: StoredEntry, opened: Mapping[str, bytes | BodyState], blobs: Mapping[str, Blob]
) -> tuple[BodyState, Mapping[str, str]]:
    entry = _json(one)
    if not entry or not entry.get("commit"):
        return "NONE", {}
    found: list[Value] = []
    for name in _names(one):
        content = opened[name]
        if not isinstance(content, bytes):
            return content, {}
        try:
            found += values_of(entry, content, blobs[name].media)
        except ValueError:
            return "DAMAGED", {}
    held = {value.field: value.text for value in found if value.holds}
    return ("KEPT" if held.keys() == entry["commit"].keys() else "DAMAGED"), held


def _about(one: StoredEntry, table: str | None) -> bool:
    """Whether an entry names exactly this table: the index takes `items` for a part of `order_items`."""
    if table is None:
        return True
    body = _json(one).get("body", {})
    if "reads_more" in body or "writes_more" in body:
        return True
    return is_among(table, [str(name) for name in (*body.get("reads", ()), *body.get("writes", ()))])


def is_among(table: str, names: Iterable[str]) -> bool:
    """Whether one of these is the table: with or without its schema, in whatever case."""
    wanted = table.lower()
    return any(
        name == wanted or name.endswith(f".{wanted}") or wanted.endswith(f".{name}") for name in map(str.lower, names)
    )


def _json(one: StoredEntry) -> Mapping[str, Any]:
    """An entry; empty if it is none, as one that was tampered with may be."""
    try:
        found = json.loads(one.entry)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("actor"), dict) else {}


def _names(one: StoredEntry) -> list[str]:
    return names_of(_json(one))
