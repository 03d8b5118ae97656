"""Asked versus done: what a reviewer reads before signing off. Made of the record, and of nothing that anybody says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from daypass.domain.grant import Grant
from daypass.domain.obligation import Obligation
from daypass.domain.request import Request
from daypass.domain.session import Session
from daypass.services.office import Office
from daypass.store.interface import Page, StoredEntry, Transaction

STATEMENTS_MAX = 20_000
"""Entries that are counted; a receipt of more says that it is not whole."""
BATCH = 1000
SESSIONS_MAX = 100
NAMES_MAX = 200
"""Tables that are named; more than that is "many"."""

TYPES = ("statement.submitted", "statement.completed", "statement.refused")


@dataclass(slots=True)
class Done:
    """What was done, counted over sessions."""

    statements: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    failed: int = 0
    refused: int = 0
    whole: bool = True

    def count(self, entry: StoredEntry) -> None:
        body = json.loads(entry.entry)["body"]
        if entry.type == "statement.completed":
            self.rows += int(body.get("rows") or 0)
            self.failed += bool(body.get("error"))
            return
        if entry.type == "statement.refused":
            self.refused += 1
            return
        self.statements += 1
        self.kinds[str(body.get("kind") or "other")] += 1
        self.effects[str(body.get("effect") or "unknown")] += 1
        self.reads.update(str(name) for name in body.get("reads", ()))
        self.writes.update(str(name) for name in body.get("writes", ()))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was asked, what was given, and what was done with it. `remarks` says what a reviewer should look at."""

    request: Request
    grant: Grant | None
    sessions: Sequence[Session]
    done: Done
    remarks: tuple[str, ...]


class Reviewing:
    """Makes receipts."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def receipt(self, about: Obligation) -> Receipt:
        """The receipt of what an obligation is about. Whether one may see it was asked before."""
        async with self._office.reading() as tx:
            request, grant = await tx.request(about.request), await tx.grant(about.grant)
            assert request is not None
            sessions = list(await tx.sessions(grant=about.grant, page=Page(SESSIONS_MAX)))
            if about.session:
                sessions = [one for one in sessions if one.id == about.session]
            done = Done()
            for session in sessions:
                await count_session(tx, session.id, done)
        return Receipt(request, grant, sessions, done, self._remarks(request, grant, sessions, done))

    def _remarks(
        self, request: Request, grant: Grant | None, sessions: Sequence[Session], done: Done
    ) -> tuple[str, ...]:
        target = self._office.targets.get(request.items[0].target)
        role = target.roles.get(request.items[0].role) if target is not None else None
        found = []
        if role is not None and role.effect.value == "write" and not done.writes and not done.effects["write"]:
            found.append("write was asked for, and nothing was written")
        if done.effects["ddl"] or done.effects["admin"]:
            found.append(f"{done.effects['ddl'] + done.effects['admin']} statements changed structure or rights")
        if done.refused:
            found.append(f"{done.refused} statements were refused")
        if any(one.recording == "gap" for one in sessions):
            found.append("a recording has a gap")
        if grant is not None and grant.extensions:
            found.append(f"it was extended {len(grant.extensions)} times")
        if not done.whole:
            found.append(f"only the first {STATEMENTS_MAX} entries were counted")
        return tuple(found)


async def count_session(tx: Transaction, session: str, done: Done, most: int = STATEMENTS_MAX) -> None:
    """Count what one session did, in at most so many entries."""
    since = 0
    for _ in range(most // BATCH):
        entries = await tx.entries(session=session, types=TYPES, since=since, limit=BATCH)
        for entry in entries:
            done.count(entry)
        if len(entries) < BATCH:
            return
        since = entries[-1].index + 1
    done.whole = False


def plain_counts(counts: Counter[str]) -> dict[str, Any]:
    """The commonest, as JSON."""
    return dict(counts.most_common(NAMES_MAX))
