"""What may be counted of the record of statements: a part of `interface.Transaction`. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

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


class Counting(Interface):
    """Counts over submitted statements, from `since` to before `until` (ms); of one person (`actor`) if named."""

    async def recurring(
        self, *, since: int, until: int, least: int, actor: str | None = None, limit: int
    ) -> Sequence[Recurrence]:
        """Those that were submitted in at least so many sessions, the most frequent first."""

    async def statements_by_day(self, *, since: int, until: int, actor: str | None = None) -> Mapping[int, int]:
        """How many were submitted on each day (since 1970, UTC) on which there were any."""

    async def effects_of(self, *, since: int) -> Mapping[str, Mapping[str, int]]:
        """For each session with statements since then, how many had which effect."""
