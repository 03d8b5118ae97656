"""An obligation: what is owed after a grant (a sign-off, a ratification), by whom, until when.

It is `DUE` until somebody who may does it: `DONE` when all was well, `FLAGGED` when a follow-up is needed. `OVERDUE`
is what a passed deadline makes of it; it stays owed, and can still be done or flagged. Time alone never settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from daypass.domain.errors import Conflict


class ObligationState(StrEnum):
    DUE = "DUE"
    OVERDUE = "OVERDUE"
    DONE = "DONE"
    FLAGGED = "FLAGGED"


class ObligationAction(StrEnum):
    """What can happen to an obligation."""

    DO = "do"
    FLAG = "flag"
    MISS = "miss"


_S, _A = ObligationState, ObligationAction

TRANSITIONS: Mapping[tuple[ObligationState, ObligationAction], ObligationState] = {
    (_S.DUE, _A.DO): _S.DONE,
    (_S.DUE, _A.FLAG): _S.FLAGGED,
    (_S.DUE, _A.MISS): _S.OVERDUE,
    (_S.OVERDUE, _A.DO): _S.DONE,
    (_S.OVERDUE, _A.FLAG): _S.FLAGGED,
}

TERMINAL = tuple(state for state in ObligationState if not any(start is state for start, _ in TRANSITIONS))
"""The states that nothing leads out of."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """`kind` is `sign_off` or `ratify`; `by` names who may do it (`group:NAME` or addresses)."""

    id: str
    state: ObligationState
    kind: str
    request: str
    grant: str
    by: tuple[str, ...]
    due_at: int


def step(obligation: Obligation, action: ObligationAction) -> Obligation:
    """The obligation after `action`, by the table. Raise `Conflict` where the table has no such step."""
    after = TRANSITIONS.get((obligation.state, action))
    if after is None:
        raise Conflict(f"obligation {obligation.id} is {obligation.state}: nothing can {action} it")
    return replace(obligation, state=after)
