"""What was asked of policy, as the store has it: for asking it again of other policies. Reads, and writes nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from daypass.domain.request import Request, RequestState
from daypass.domain.simulating import Recorded
from daypass.ledger.entry import open_blob
from daypass.store.interface import Page, Store, StoredEntry, Transaction

BATCH = 1000
REFUSED = "request.refused"


async def recorded_since(store: Store, since: int) -> AsyncIterator[Recorded]:
    """What was asked since, decided and refused alike."""
    before: str | None = None
    while True:
        async with store.reading() as tx:
            page = await tx.requests(page=Page(BATCH, before))
        for request in page:
            if request.created_at < since:
                return_now = True
                break
            if request.extends is None:
                yield recorded_of(request)
        else:
            return_now = len(page) < BATCH
        if return_now:
            break
        before = page[-1].id
    index = 0
    while True:
        async with store.reading() as tx:
            entries = await tx.entries(since=index, types=(REFUSED,), limit=BATCH)
            wanted = [entry for entry in entries if entry.t >= since and not _of_glass(entry)]
            found = [(entry, await _fields(tx, entry)) for entry in wanted]
        for entry, fields in found:
            yield refused_of(entry, fields)
        if len(entries) < BATCH:
            return
        index = entries[-1].index + 1


async def _fields(tx: Transaction, entry: StoredEntry) -> dict[str, str]:
    """What the requester wrote; empty where it was erased or is locked."""
    blobs = [ref["sha256"] for ref in json.loads(entry.entry).get("blob", ())]
    kept = await tx.blobs(sha256=blobs) if blobs else ()
    for blob in kept:
        try:
            return {name: one["value"] for name, one in json.loads(open_blob(blob.content))["fields"].items()}
        except (ValueError, KeyError):
            return {}
    return {}


def _of_glass(entry: StoredEntry) -> bool:
    """Whether it was the glass that stayed whole: that may hang on what is owed, which policy does not say."""
    return bool(json.loads(entry.entry)["body"].get("how") == "glass")


def recorded_of(request: Request) -> Recorded:
    """A stored request, as it was asked and decided."""
    broken = request.state in (RequestState.BROKEN_GLASS, RequestState.RATIFIED, RequestState.NOT_RATIFIED)
    how = "glass" if broken else "automatic" if request.automatic else "votes"
    item = request.items[0]
    return Recorded(
        id=request.id,
        t=request.created_at,
        person=request.requester,
        target=item.target,
        role=item.role,
        duration_ms=request.duration_ms,
        reason=request.reason,
        ticket=request.ticket,
        start_at=request.start_at,
        how=how,
        needs=sum(stage.need for stage in request.stages),
        rule=request.rule,
        scope=item.scope,
    )


def refused_of(entry: StoredEntry, fields: dict[str, str]) -> Recorded:
    """A refusal, as the ledger has it."""
    told = json.loads(entry.entry)
    item = told["body"]["items"][0]
    return Recorded(
        id=entry.id,
        t=entry.t,
        person=told["actor"]["id"],
        target=item["target"],
        role=item["role"],
        duration_ms=told["body"]["duration_ms"],
        reason=fields.get("reason", ""),
        ticket=fields.get("ticket", ""),
        start_at=None,
        how="refused",
        needs=0,
        rule=told["body"]["rule"],
        scope=tuple(item.get("scope", ())),
    )
