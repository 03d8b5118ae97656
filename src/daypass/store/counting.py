"""What may be counted of the record: a part of `interface.Transaction`. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args
from typing import Protocol as Interface

from daypass.domain.finding import Sought

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One statement, whatever its literals, in some time: in how many sessions of how many people, and how often each
    day (`days`: days since 1970 to statements). `first` is the index of its first entry there."""

    fingerprint: str
    kind: str
    effect: str
    tables: str
    sessions: int
    people: int
    first: int
    days: Mapping[int, int]


class Light(NamedTuple):
    """Of an entry that was found: enough to count it. `place` is its index, `tables` holds one name a line."""

    place: int
    type: str
    t: int
    actor: str
    target: str | None
    request: str | None
    kind: str
    tables: str


Trait = Literal["actor", "target", "tables", "kind", "type", "day"]
"""What entries that were found are counted by. `kind` is an entry's type where it has none; `day`: since 1970, UTC."""
TRAITS: tuple[Trait, ...] = get_args(Trait)


class Counting(Interface):
    """Counts over what a search finds; and over submitted statements, from `since` to before `until` (ms), of one
    person (`actor`) if named."""

    async def search_light(self, sought: Sought, *, limit: int) -> Sequence[Light]:
        """What `search` finds, only as much of it as counting needs."""

    async def count_found(self, sought: Sought, *, limit: int) -> Sequence[tuple[Trait, str, int]]:
        """Of the newest that `search` finds, how many have each value of each trait ('' for none)."""

    async def recurring(
        self, *, since: int, until: int, least: int, actor: str | None = None, limit: int
    ) -> Sequence[Recurrence]:
        """Those that were submitted in at least so many sessions, the most frequent first."""

    async def statements_by_day(self, *, since: int, until: int, actor: str | None = None) -> Mapping[int, int]:
        """How many were submitted on each day (since 1970, UTC) on which there were any."""

    async def effects_of(self, *, since: int) -> Mapping[str, Mapping[str, int]]:
        """For each session with statements since then, how many had which effect."""
