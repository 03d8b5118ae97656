"""An obligation: what is owed after a grant (a sign-off, a ratification), by whom, until when.

It is `DUE` until somebody who may does it: `DONE` when all was well, `FLAGGED` when a follow-up is needed. `OVERDUE`
is what a passed deadline makes of it; it stays owed, and can still be done or flagged. Time alone never settles it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from daypass.domain.errors import Conflict
from daypass.domain.people import Person, selected

SIGN_OFF, RATIFY = "sign_off", "ratify"
"""The kinds of obligations."""

BLOCK = "block_break_glass"
"""What follows a ratification that is overdue or refused, where a policy says so."""


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
    """`kind` is `sign_off` or `ratify`; `by` names who may do it (`group:NAME` or addresses), `escalate` who may do it
    as well once it is overdue; `person` is whose access it is about, and `session` which part of it (empty: all).

    A flagged one wants a follow-up: it is settled when somebody said what came of that.
    """

    id: str
    state: ObligationState
    kind: str
    request: str
    grant: str
    by: tuple[str, ...]
    due_at: int
    session: str = ""
    person: str = ""
    created_at: int = 0
    otherwise: str = ""
    escalate: tuple[str, ...] = ()
    drill: bool = False
    done_at: int | None = None
    done_by: str = ""
    note: str = ""
    settled_at: int | None = None
    settled_by: str = ""
    settled_note: str = ""

    @property
    def open(self) -> bool:
        """Whether something is still wanted of somebody."""
        return self.state not in TERMINAL or (self.state is ObligationState.FLAGGED and self.settled_at is None)


def step(obligation: Obligation, action: ObligationAction) -> Obligation:
    """The obligation after `action`, by the table. Raise `Conflict` where the table has no such step."""
    after = TRANSITIONS.get((obligation.state, action))
    if after is None:
        raise Conflict(f"obligation {obligation.id} is {obligation.state}: nothing can {action} it")
    return replace(obligation, state=after)


def may_do(obligation: Obligation, person: Person, selves: Collection[str]) -> bool:
    """Whether this person may do it. `selves` are the accounts of whose access it is about: never one of them."""
    if person.disabled or person.id == obligation.person or person.id in selves:
        return False
    names = obligation.by
    if obligation.state is not ObligationState.DUE:
        names += obligation.escalate
    return selected(person, names)


def settle(obligation: Obligation, by: str, note: str, now: int) -> Obligation:
    """A flagged obligation whose follow-up is over. Raise `Conflict` for any other."""
    if obligation.state is not ObligationState.FLAGGED or obligation.settled_at is not None:
        raise Conflict(f"obligation {obligation.id} has no follow-up to settle")
    return replace(obligation, settled_at=now, settled_by=by, settled_note=note)


def blocks(obligation: Obligation) -> bool:
    """Whether it keeps its person from breaking the glass again: overdue, or refused and not settled yet."""
    late = obligation.state is ObligationState.OVERDUE
    refused = obligation.state is ObligationState.FLAGGED and obligation.settled_at is None
    return obligation.otherwise == BLOCK and not obligation.drill and (late or refused)
