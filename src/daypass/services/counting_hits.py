"""What the hits of a search have in common: how many are of each person, target, table, kind, time and outcome.

It counts what one person may see, the newest first, up to a limit, and says whether that is all of it. It shows
nothing that was said; what it counts is what the index says, which search itself checks before it shows it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from daypass.domain.durations import DAY_MS, as_datetime
from daypass.domain.finding import OUTCOMES, Sought
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.services.office import Office
from daypass.services.searching import BATCH, by_person, is_among
from daypass.services.sight import reads_of
from daypass.store.counting import TRAITS, Light, Trait
from daypass.store.interface import Transaction

COUNTED_MAX = 50_000
"""Hits that are counted, the newest: that takes the database some hundred milliseconds, which nobody else waits for."""
JUDGED_MAX = 2000
"""The same for somebody who does not see everything, for whom each request is looked at."""
VALUES_MAX = 20
"""Values of one facet; of the others only the number is told."""
DAYS_MAX = 31
"""Hits of a longer time are counted by month."""

Name = Literal["person", "target", "table", "kind", "time", "outcome"]
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
            if everything and sought.table is None:
                traits = _gathered(await tx.count_found(sought, limit=limit))
                return _counted(traits, traits["type"].total() < limit)
            found = await tx.search_light(sought, limit=limit)
            whole = len(found) < limit
            if not everything:
                found = await self._seen(tx, by, found)
        traits = await asyncio.to_thread(_traits_of, found, sought.table)
        return _counted(traits, whole)

    async def _seen(self, tx: Transaction, by: Person, found: Sequence[Light]) -> Sequence[Light]:
        asked = sorted({one.request for one in found if one.request is not None})
        read: set[str] = set()
        for n in range(0, len(asked), BATCH):
            some = await tx.requests(ids=asked[n : n + BATCH])
            read.update(one.id for one in some if reads_of(self._office, by, one))
        own = not by.disabled
        return [one for one in found if (one.request in read if one.request else own and one.actor == by.id)]


Traits = Mapping[Trait, Counter[str]]


def _gathered(counts: Sequence[tuple[Trait, str, int]]) -> Traits:
    traits: Traits = {trait: Counter() for trait in TRAITS}
    for trait, value, count in counts:
        traits[trait][value] += count
    return traits


def _traits_of(found: Sequence[Light], table: str | None) -> Traits:
    """The same of entries one by one: `table` has to be looked at in each, as the index is not exact about it."""
    if table is not None:
        found = [one for one in found if is_among(table, one.tables.split("\n"))]
    return {
        "actor": Counter(one.actor for one in found),
        "target": Counter(one.target or "" for one in found),
        "tables": Counter(one.tables for one in found),
        "kind": Counter(one.kind or one.type for one in found),
        "type": Counter(one.type for one in found),
        "day": Counter(str(one.t // DAY_MS) for one in found),
    }


def _counted(traits: Traits, whole: bool) -> Counted:
    tables: Counter[str] = Counter()
    for names, count in traits["tables"].items():
        tables.update(dict.fromkeys(filter(None, names.split("\n")), count))
    outcomes: Counter[str] = Counter()
    for type, count in traits["type"].items():
        outcomes.update({_OUTCOME_OF[type]: count} if type in _OUTCOME_OF else {})
    facets = (
        _facet("person", traits["actor"]),
        _facet("target", Counter({name: count for name, count in traits["target"].items() if name})),
        _facet("table", tables),
        _facet("kind", traits["kind"]),
        _times(Counter({int(day): count for day, count in traits["day"].items()})),
        _facet("outcome", outcomes),
    )
    return Counted(facets, traits["type"].total(), whole)


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
