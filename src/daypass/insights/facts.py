"""What questions are asked of: requests, grants and sessions of some time, as far as one person may know of them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from daypass.domain.durations import SECOND_MS
from daypass.domain.errors import Invalid
from daypass.domain.grant import Grant
from daypass.domain.identifiers import ENTROPY_BYTES, uuid7
from daypass.domain.people import Person
from daypass.domain.request import Request
from daypass.domain.session import Session
from daypass.domain.target import Target
from daypass.insights.period import Period
from daypass.store.interface import Page, Transaction

BATCH = 1000
READ_MAX = 50_000
"""Rows of one kind that are read for one question: some hundred megabytes, and seconds."""
SLACK_MS = 5 * SECOND_MS
"""An id is made a moment before or after the time that its row names."""
NO_TEAM = "no team"

EDITED = "request.edited"

Thing = TypeVar("Thing", Request, Grant, Session)


@dataclass(frozen=True, slots=True)
class Facts:
    """`requests` and `grants` by when they were made, in the period and the former one; `sessions` by their grants;
    `effects` by session; `edits` by request, when it was changed. `own`: the accounts that it is limited to (None:
    everybody's)."""

    period: Period
    now: int
    people: Mapping[str, Person]
    targets: Mapping[str, Target]
    own: frozenset[str] | None
    requests: Sequence[Request] = ()
    grants: Sequence[Grant] = ()
    sessions: Mapping[str, Sequence[Session]] = field(default_factory=dict)
    effects: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    edits: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def name(self, person: str) -> str:
        """Somebody's address; their id once that is erased."""
        found = self.people.get(person)
        return found.email if found else person

    def teams(self, person: str) -> tuple[str, ...]:
        """The groups that somebody is in now."""
        found = self.people.get(person)
        return tuple(sorted(found.groups)) if found and found.groups else (NO_TEAM,)


async def read_facts(tx: Transaction, facts: Facts) -> Facts:
    """The same with its requests, grants and sessions. Raise `Invalid` for more than can be read at once."""
    since = facts.period.former.since
    until = facts.period.until
    requests = await _made(lambda page: tx.requests(page=page), lambda one: one.created_at, since, until)
    grants = await _made(lambda page: tx.grants(page=page), lambda one: one.created_at, since, until)
    sessions: dict[str, list[Session]] = {}
    for one in await _made(lambda page: tx.sessions(page=page), lambda one: one.opened_at, since, facts.now + SLACK_MS):
        sessions.setdefault(one.grant, []).append(one)
    effects = await tx.effects_of(since=since)
    edits = await _edits(tx, since)
    return Facts(
        facts.period,
        facts.now,
        facts.people,
        facts.targets,
        facts.own,
        [one for one in requests if _theirs(facts.own, one.requester, one.on_behalf_of, one.asked_by)],
        [one for one in grants if _theirs(facts.own, one.person)],
        sessions,
        effects,
        edits,
    )


async def _made(
    read: Callable[[Page], Awaitable[Sequence[Thing]]], made: Callable[[Thing], int], since: int, until: int
) -> list[Thing]:
    """Everything that was made from `since` to before `until`, the newest first; ids begin with the time."""
    found: list[Thing] = []
    before = uuid7(until + SLACK_MS, bytes(ENTROPY_BYTES))
    while rows := await read(Page(BATCH, before)):
        found += [row for row in rows if since <= made(row) < until]
        if len(found) > READ_MAX:
            raise Invalid(f"there is more than can be looked at in one go ({READ_MAX})", hint="choose a shorter time")
        if made(rows[-1]) < since - SLACK_MS:
            break
        before = rows[-1].id
    return found


async def _edits(tx: Transaction, since: int) -> Mapping[str, Sequence[int]]:
    edits: dict[str, list[int]] = {}
    index = 0
    while entries := await tx.entries(types=(EDITED,), since=index, limit=BATCH):
        for entry in entries:
            if entry.t >= since:
                edits.setdefault(json.loads(entry.entry)["request"], []).append(entry.t)
        index = entries[-1].index + 1
    return edits


def _theirs(own: frozenset[str] | None, *people: str | None) -> bool:
    return own is None or not own.isdisjoint(people)
