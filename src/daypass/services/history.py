"""What conditions may know of the past: what came of a person's earlier access to a target. Reads, judges nothing."""

from __future__ import annotations

from collections.abc import Mapping

from daypass.domain.durations import DAY_MS
from daypass.domain.grant import GrantState
from daypass.domain.obligation import SIGN_OFF, Obligation, ObligationState
from daypass.store.interface import Page, Transaction

HISTORY_DAYS = 30
"""How far back conditions look: a month's habits, not a career's."""

LOOKED_AT_MAX = 500
"""Grants and obligations looked at; who has more in a month is known well enough by these."""


async def history_of(tx: Transaction, person: str, target: str, now: int) -> Mapping[str, object]:
    """The facts named `history` in conditions: this person's ended grants on this target in the last 30 days, how
    many of them were signed off cleanly, how many flagged, and what is still owed."""
    since = now - HISTORY_DAYS * DAY_MS
    held = await tx.grants(person=person, target=target, states=(GrantState.ENDED,), page=Page(LOOKED_AT_MAX))
    recent = {grant.id for grant in held if (grant.ended_at or 0) >= since}
    owed = await tx.obligations(person=person, kind=SIGN_OFF, page=Page(LOOKED_AT_MAX))
    about = [one for one in owed if one.grant in recent]

    def count(*states: ObligationState) -> int:
        return len(_grants(about, states))

    return {
        "days": HISTORY_DAYS,
        "grants": len(recent),
        "clean": len(
            _grants(about, (ObligationState.DONE,))
            - _grants(about, (ObligationState.FLAGGED, ObligationState.DUE, ObligationState.OVERDUE))
        ),
        "flagged": count(ObligationState.FLAGGED),
        "owed": count(ObligationState.DUE, ObligationState.OVERDUE),
    }


def _grants(about: list[Obligation], states: tuple[ObligationState, ...]) -> set[str]:
    return {one.grant for one in about if one.state in states}
