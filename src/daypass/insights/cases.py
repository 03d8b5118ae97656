"""Cases, and what is made of them: one number, its groups, its chart. Pure, and the same for every question.

A case is one thing that the question counts (a decision, a grant, a vote). Number, groups and chart are the same
measure over all cases, over those of one group, over those of one part of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from daypass.insights.period import Period

Number = float | None
Row = Mapping[str, str | int | None]

GROUPS_MAX = 200
"""Groups of one answer, the largest; a list of more is no overview."""


class Measure(StrEnum):
    """How cases become a number."""

    COUNT = "count"
    """How many."""
    MEDIAN = "median"
    """The middle one of their values."""
    SHARE = "share"
    """The sum of their values by the sum of their weights: from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Case:
    """`t` is when it counts; `keys` which groups it is in, by kind of group; `n` how many things it stands for; `row`
    what is shown of it (None: nothing)."""

    t: int
    value: float
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    row: Row | None = None
    weight: float = 1
    n: int = 1


@dataclass(frozen=True, slots=True)
class Group:
    """The cases that have something in common, now and in the former period."""

    key: str
    number: Number
    former: Number
    count: int


@dataclass(frozen=True, slots=True)
class Point:
    """The cases of one part of the period, which begins at `t`."""

    t: int
    number: Number
    count: int


def _middle(cases: Sequence[Case]) -> Number:
    return median([case.value for case in cases]) if cases else None


def _share(cases: Sequence[Case]) -> Number:
    whole = sum(case.weight for case in cases)
    return sum(case.value for case in cases) / whole if whole else None


def _count(cases: Sequence[Case]) -> Number:
    return sum(case.value for case in cases)


_MEASURES: Mapping[Measure, Callable[[Sequence[Case]], Number]] = {
    Measure.COUNT: _count,
    Measure.MEDIAN: _middle,
    Measure.SHARE: _share,
}


def number_of(measure: Measure, cases: Sequence[Case]) -> Number:
    """The number; None where there is nothing to take it of."""
    return _MEASURES[measure](cases)


def how_many(cases: Sequence[Case]) -> int:
    """How many things these cases are."""
    return sum(case.n for case in cases)


def groups_of(measure: Measure, by: str, now: Sequence[Case], former: Sequence[Case]) -> list[Group]:
    """The largest groups first. A case may be in several, and in none."""
    present, past = _split(by, now), _split(by, former)
    groups = [
        Group(key, number_of(measure, cases), number_of(measure, past.get(key, [])), how_many(cases))
        for key, cases in present.items()
    ]
    return sorted(groups, key=lambda group: (-group.count, group.key))[:GROUPS_MAX]


def inside(by: str, key: str, cases: Sequence[Case]) -> list[Case]:
    """Those in this group."""
    return [case for case in cases if key in case.keys.get(by, ())]


def _split(by: str, cases: Sequence[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        for key in case.keys.get(by, ()):
            found.setdefault(key, []).append(case)
    return found


def chart_of(measure: Measure, period: Period, cases: Sequence[Case]) -> list[Point]:
    """A point for each part of the period, in order; those in which nothing was too."""
    parts: dict[int, list[Case]] = {start: [] for start in period.parts}
    for case in cases:
        parts[period.part(case.t)].append(case)
    return [Point(start, number_of(measure, inside), how_many(inside)) for start, inside in parts.items()]
