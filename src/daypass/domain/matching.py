"""Who fills which place: distinct people over the stages of a decision.

One person may be eligible for several stages but fills one place only, so that enough votes in each stage is not
enough: an assignment of distinct people to all places has to exist. It is searched for (augmenting paths), and never
approximated by counting, which deadlocks or counts people twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from daypass.domain.request import Stage

PLACES_MAX = 50
"""The most places all stages of one rule may have together; the search costs places times people."""


def places(stages: Sequence[Stage]) -> list[int]:
    """The stage index of each place: a stage that needs two has two places."""
    return [index for index, stage in enumerate(stages) for _ in range(stage.need)]


def assignment(stages: Sequence[Stage], people: Collection[str]) -> dict[int, str]:
    """Return the largest assignment of distinct `people` to places (place number to person)."""
    wanted = places(stages)
    eligible = [set(stage.eligible) & set(people) for stage in stages]
    taken: dict[int, str] = {}
    for person in sorted(people):
        _seat(person, wanted, eligible, taken, set())
    return taken


def _seat(
    person: str, wanted: Sequence[int], eligible: Sequence[set[str]], taken: dict[int, str], tried: set[int]
) -> bool:
    """Give this person a place, moving others to another place of theirs where that is needed."""
    for place, stage in enumerate(wanted):
        if person not in eligible[stage] or place in tried:
            continue
        tried.add(place)
        if place not in taken or _seat(taken[place], wanted, eligible, taken, tried):
            taken[place] = person
            return True
    return False


def satisfied(stages: Sequence[Stage], people: Collection[str]) -> bool:
    """Whether these people fill every place. No places at all are never satisfied: an empty decision is no decision."""
    wanted = places(stages)
    return bool(wanted) and len(assignment(stages, people)) == len(wanted)


def missing(stages: Sequence[Stage], people: Collection[str]) -> tuple[int, ...]:
    """For each stage, how many places are still open after the best assignment of these people."""
    wanted = places(stages)
    taken = assignment(stages, people)
    open_places = [stage for place, stage in enumerate(wanted) if place not in taken]
    return tuple(open_places.count(index) for index in range(len(stages)))
