"""The question which statements recur, whatever their literals, and so want a runbook. Their texts are not read."""

from __future__ import annotations

from daypass.domain.durations import DAY_MS
from daypass.insights.cases import Case
from daypass.insights.period import Period
from daypass.store.counting import Recurrence
from daypass.store.interface import Transaction

SESSIONS_MIN = 3
"""In so many sessions a statement recurs."""
FINGERPRINTS_MAX = 200
"""The most frequent ones; who has more recurring work than this begins there."""


async def recurring_cases(tx: Transaction, period: Period, actor: str | None) -> list[Case]:
    """A case a day for each statement that recurs in the period, and one for all others of that day."""
    found = await tx.recurring(
        since=period.since, until=period.until, least=SESSIONS_MIN, actor=actor, limit=FINGERPRINTS_MAX
    )
    left = dict(await tx.statements_by_day(since=period.since, until=period.until, actor=actor))
    cases = []
    for one in found:
        for day, n in sorted(one.days.items()):
            left[day] -= n
            row = _row(one) if day == min(one.days) else None
            keys = {"fingerprint": (one.fingerprint,), "kind": (one.kind,), "effect": (one.effect,)}
            cases.append(Case(_at(period, day), n, keys, row, weight=n, n=n))
    cases += [Case(_at(period, day), 0, weight=n, n=n) for day, n in left.items() if n]
    return cases


def _at(period: Period, day: int) -> int:
    return max(period.since, day * DAY_MS)


def _row(one: Recurrence) -> dict[str, str | int | None]:
    return {
        "fingerprint": one.fingerprint,
        "at": min(one.days) * DAY_MS,
        "kind": one.kind,
        "effect": one.effect,
        "tables": one.tables.replace("\n", ", "),
        "statements": sum(one.days.values()),
        "sessions": one.sessions,
        "people": one.people,
        "example": one.first,
    }
