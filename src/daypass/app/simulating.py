"""Recorded requests against changed policies: reads the store beside a running Daypass, and writes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from daypass.app.checking import Checked, read_policy_text
from daypass.domain.crowd import Crowd
from daypass.domain.durations import DAY_MS
from daypass.domain.policy_file import read_policy
from daypass.domain.policy_set import PolicySet, load_policies
from daypass.domain.request import Request, RequestState
from daypass.domain.simulating import Differs, Recorded, replay
from daypass.ledger.entry import open_blob
from daypass.store.interface import Page, Store, StoredEntry, Transaction
from daypass.store.opening import open_store

BATCH = 1000
REFUSED = "request.refused"
SLICE = 200
"""Requests between two steps of the progress bar."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """How many recorded requests there were, and those that would be decided otherwise."""

    requests: int
    differing: tuple[Differs, ...]


def simulate(checked: Checked, file: Path, days: int, now: int, progress: Callable[[int, int], None]) -> Simulated:
    """Ask again what was asked in the last `days`, with `file` in the place of the policy that has its name."""
    return asyncio.run(_simulate(checked, file, days, now, progress))


async def _simulate(
    checked: Checked, file: Path, days: int, now: int, progress: Callable[[int, int], None]
) -> Simulated:
    store = open_store(checked.settings.store, checked.settings.data)
    try:
        async with store.reading() as tx:
            crowd = Crowd(await tx.people(), checked.settings.group_owners)
        policies = changed(checked, file, crowd, now)
        recorded = [one async for one in _recorded(store, now - days * DAY_MS)]
    finally:
        await store.close()
    differing = []
    for done, differs in enumerate(replay(recorded, policies.policies, checked.targets, crowd), 1):
        if differs is not None:
            differing.append(differs)
        if done % SLICE == 0 or done == len(recorded):
            progress(done, len(recorded))
    return Simulated(len(recorded), tuple(differing))


def changed(checked: Checked, file: Path, crowd: Crowd, now: int) -> PolicySet:
    """The policies of the settings, with this file in the place of the one that has its name. Raises ConfigError."""
    text = read_policy_text(file)
    name = read_policy(text, str(file)).name
    others = [(shown, old) for shown, old in checked.policy_files if read_policy(old, shown).name != name]
    return load_policies([*others, (str(file), text)], checked.targets, crowd, now)


async def _recorded(store: Store, since: int) -> AsyncIterator[Recorded]:
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
