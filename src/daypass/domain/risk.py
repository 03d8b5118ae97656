"""How much hangs on a decision, from what is known when it is made: a few named reasons, each with a weight. Pure.

It decides nothing and no policy asks for it: it says to a person who decides what to look at first, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from daypass.domain.durations import spoken_duration
from daypass.domain.target import Effect, TargetRole

State = Literal["LOW", "MEDIUM", "HIGH"]

MEDIUM_FROM, HIGH_FROM = 2, 4
"""The sums of weights from which a risk is called so. A first write to ordinary data is medium; a first write that is
long, or whose ticket is closed, is not high by itself; one by somebody who was flagged before is."""
LONGER_TIMES = 2
"""Longer than usual: more than so many times as long as the median of what was approved before."""

_EFFECTS = {
    Effect.READ: (0, "it can only read"),
    Effect.WRITE: (1, "it can change data"),
    Effect.DDL: (2, "it can change the schema"),
    Effect.ADMIN: (3, "it administers the target"),
    Effect.UNKNOWN: (2, "what it can do is not known"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request. `role`: None if the settings do not have it any more. `former_ms`: how long the same
    access was approved for before, for the same person. `flagged`: reviews of theirs that found something;
    `ticket_open`: None where no system says."""

    role: TargetRole | None
    duration_ms: int
    former_ms: Sequence[int] = ()
    flagged: int = 0
    ticket: str = ""
    ticket_open: bool | None = None
    glass: bool = False


@dataclass(frozen=True, slots=True)
class Risk:
    """`reasons`: the heaviest first, those without weight last."""

    state: State
    reasons: tuple[str, ...]


def risk_of(known: Known) -> Risk:
    """What hangs on this decision."""
    found = [_EFFECTS[known.role.effect if known.role is not None else Effect.UNKNOWN]]
    if known.role is not None and known.role.dangerous:
        found.append((2, "its login could become anybody in the target"))
    if known.glass:
        found.append((2, "nobody decided beforehand"))
    if known.flagged:
        found.append((2, f"{known.flagged} of their former accesses here flagged in review"))
    if not known.former_ms:
        found.append((1, "the first time that they have this access"))
    else:
        usual = sorted(known.former_ms)[len(known.former_ms) // 2]
        if known.duration_ms > LONGER_TIMES * usual:
            found.append((1, f"longer than usual ({spoken_duration(usual)})"))
    if not known.ticket.strip():
        found.append((1, "no ticket is named"))
    elif known.ticket_open is False:
        found.append((2, "its ticket is closed"))
    weight = sum(each for each, _ in found)
    state: State = "HIGH" if weight >= HIGH_FROM else "MEDIUM" if weight >= MEDIUM_FROM else "LOW"
    return Risk(state, tuple(said for _, said in sorted(found, key=lambda one: -one[0])))
