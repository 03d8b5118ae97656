"""What the hits of a search have in common: how many are of each person, target, table, kind, time and outcome.

It counts what one person may see, the newest first, up to a limit, and says whether that is all of it. It shows
nothing that was said; what it counts is what the index says, which search itself checks before it shows it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from daypass.domain.durations import DAY_MS, as_datetime
from daypass.domain.finding import OUTCOMES, Sought
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.services.office import Office
from daypass.services.searching import BATCH, by_person, is_among
from daypass.services.sight import reads_of
from daypass.store.interface import Light, Transaction

COUNTED_MAX = 50_000
"""Hits that are counted, the newest: on a store of a million events that takes some hundred milliseconds."""
JUDGED_MAX = 4000
"""The same for somebody who does not see everything, for whom each request is looked at."""
VALUES_MAX = 20
"""Values of one facet; of the others only the number is told."""
DAYS_MAX = 31
"""Hits of a longer time are counted by month."""

Name = Literal["person", "target", "table", "kind", "time", "outcome"]
NAMES: tuple[Name, ...] = get_args(Name)
_OUTCOME_OF = {type: outcome for outcome, types in OUTCOMES.items() for type in types}


@dataclass(frozen=True, slots=True)
class Facet:
    """With its most frequent values (times in their order). `more`: values that are left out."""

    name: Name
    values: tuple[tuple[str, int], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Counted:
    """`whole`: every hit that this person may see was counted; otherwise the newest were."""

    facets: tuple[Facet, ...]
    hits: int
    whole: bool


class CountingHits:
    """Over one office."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def count(self, by: Person, sought: Sought, *, person: str | None = None) -> Counted:
        """`person`: an address or an id. Raise `NotFound` for nobody's."""
        everything = self._office.may(by, Verb.READ)
        limit = COUNTED_MAX if everything else JUDGED_MAX
        async with self._office.reading() as tx:
            if person is not None:
                sought = await by_person(tx, sought, person)
            found = await tx.search_light(sought, limit=limit)
            whole = len(found) < limit
            if not everything:
                found = await self._seen(tx, by, found)
        return await asyncio.to_thread(_counted, found, sought.table, whole)

    async def _seen(self, tx: Transaction, by: Person, found: Sequence[Light]) -> Sequence[Light]:
        asked = sorted({one.request for one in found if one.request is not None})
        read: set[str] = set()
        for n in range(0, len(asked), BATCH):
            some = await tx.requests(ids=asked[n : n + BATCH])
            read.update(one.id for one in some if reads_of(self._office, by, one))
        own = not by.disabled
        return [one for one in found if (one.request in read if one.request else own and one.actor == by.id)]


def _counted(found: Sequence[Light], table: str | None, whole: bool) -> Counted:
    counts: Mapping[Name, Counter[str]] = {name: Counter() for name in NAMES}
    if table is not None:
        found = [one for one in found if is_among(table, one.tables.split("\n"))]
    days = Counter(one.t // DAY_MS for one in found)
    counts["person"].update(one.actor for one in found)
    counts["target"].update(one.target for one in found if one.target)
    counts["table"].update(name for one in found if one.tables for name in one.tables.split("\n"))
    counts["kind"].update(one.kind or one.type for one in found)
    counts["outcome"].update(_OUTCOME_OF[one.type] for one in found if one.type in _OUTCOME_OF)
    facets = [_facet(name, counts[name]) for name in NAMES if name != "time"]
    facets.insert(NAMES.index("time"), _times(days))
    return Counted(tuple(facets), len(found), whole)


def _facet(name: Name, counts: Counter[str]) -> Facet:
    shown = tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))[:VALUES_MAX]
    return Facet(name, shown, len(counts) - len(shown))


def _times(days: Counter[int]) -> Facet:
    """By day (`2026-11-25`), or by month (`2026-11`) where that would be too many; in UTC, the newest first."""
    by_day = not days or max(days) - min(days) < DAYS_MAX
    counts: Counter[str] = Counter()
    for day, count in days.items():
        counts[_date(day)[: 10 if by_day else 7]] += count
    shown = tuple(sorted(counts.items(), reverse=True))[:DAYS_MAX]
    return Facet("time", shown, len(counts) - len(shown))


def _date(day: int) -> str:
    return as_datetime(day * DAY_MS).date().isoformat()
