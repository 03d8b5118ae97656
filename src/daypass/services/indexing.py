"""Making the search index anew, from the entries and the bodies that are left. Decides nothing about either.

With bodies encrypted it needs what opens them; of texts it then indexes shapes without literals, as shipping does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daypass.domain.errors import Refused
from daypass.domain.events import Blob, IndexRow
from daypass.ledger.bodies import names_of, values_of
from daypass.ledger.entry import BodyDamaged, is_locked, open_blob
from daypass.protocols import PROTOCOLS
from daypass.services.office import Office
from daypass.store.interface import StoredEntry

BATCH = 500
"""Entries of one transaction: some tens of milliseconds, so that shipping gets its turn between two."""
SEARCHED_CHARACTERS = 64 * 1024

Unlock = Callable[[bytes], bytes]


class Indexing:
    """Over one office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def rebuild(self, unlock: Unlock | None = None, *, pass_locked: bool = False) -> dict[str, int]:
        """Go through the whole log. Raise `Refused` at the first body that `unlock` is missing for, unless these are to
        be passed over: their entries are then found by everything but text."""
        at, erased, damaged, locked = 0, 0, 0, 0
        while True:
            async with self._office.store.begin() as tx:
                await tx.unhurried()
                found = await tx.entries(since=at, limit=BATCH)
                if not found:
                    return {"entries": at, "without_body": erased, "damaged": damaged, "locked": locked}
                names = list({name for one in found for name in names_of(json.loads(one.entry))})
                blobs = {blob.sha256: blob for blob in await tx.blobs(sha256=names)} if names else {}
                shut = {name for name, blob in blobs.items() if unlock is None and is_locked(blob.content)}
                if shut and not pass_locked:
                    raise Refused("bodies are encrypted", hint="daypass ledger reindex --identity FILE")
                contents = {name: _content(blob, unlock) for name, blob in blobs.items() if name not in shut}
                rows = {one.index: self._row(one, blobs, contents) for one in found}
                await tx.reindex(found[0].index, found[-1].index, rows)
            at = found[-1].index + 1
            erased += sum(name not in blobs for name in names)
            locked += len(shut)
            damaged += sum(content is None for content in contents.values())

    def _row(self, one: StoredEntry, blobs: Mapping[str, Blob], contents: Mapping[str, bytes | None]) -> IndexRow:
        entry: Mapping[str, Any] = json.loads(one.entry)
        body = entry["body"]
        said: dict[str, str] = {}
        for name in names_of(entry):
            content = contents.get(name)
            if content is not None:
                said |= {value.field: value.text for value in values_of(entry, content, blobs[name].media)}
        tables = "\n".join(dict.fromkeys((*body.get("reads", ()), *body.get("writes", ()))))
        kind, effect = (str(body.get(key, "")) for key in ("kind", "effect"))
        if not entry["type"].startswith("statement."):
            kind = effect = tables = ""
        text = self._text(entry, said)[:SEARCHED_CHARACTERS]
        return IndexRow(text, tables, kind, effect, str(body.get("fingerprint", "")))

    def _text(self, entry: Mapping[str, Any], said: Mapping[str, str]) -> str:
        if self._office.lock is None:
            order: Sequence[str] = sorted(said, key=lambda name: (name != "text", name))
            return "\n".join(said[name] for name in order if name != "copied")
        protocol = PROTOCOLS.get(entry.get("target", {}).get("protocol", ""))
        statement = entry["type"].startswith("statement.") and "text" in said
        return protocol.shape(said["text"]) if protocol and statement else ""


def _content(blob: Blob, unlock: Unlock | None) -> bytes | None:
    """None: damaged."""
    try:
        return open_blob(blob.content, unlock)
    except BodyDamaged:
        return None
