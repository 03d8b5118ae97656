"""What hangs on a decision: each reason, its weight, and what the weights add up to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.durations import HOUR_MS
from daypass.domain.risk import Known, risk_of
from daypass.domain.target import Effect, TargetRole

READ = TargetRole("read", "app_ro", None, Effect.READ)
WRITE = TargetRole("write", "app_rw", None, Effect.WRITE)
USUAL = Known(READ, HOUR_MS, (HOUR_MS, HOUR_MS), ticket="INC-7", ticket_open=True)


@pytest.mark.parametrize(
    ("known", "state", "reason"),
    [
        (USUAL, "LOW", "it can only read"),
        (replace(USUAL, role=WRITE), "LOW", "it can change data"),
        (replace(USUAL, role=WRITE, former_ms=()), "MEDIUM", "the first time that they have this access"),
        (replace(USUAL, role=replace(READ, effect=Effect.DDL)), "MEDIUM", "it can change the schema"),
        (replace(USUAL, role=replace(READ, effect=Effect.ADMIN)), "MEDIUM", "it administers the target"),
        (replace(USUAL, role=None), "MEDIUM", "what it can do is not known"),
        (replace(USUAL, role=replace(READ, dangerous=True)), "MEDIUM", "its login could become anybody in the target"),
        (replace(USUAL, glass=True), "MEDIUM", "nobody decided beforehand"),
        (replace(USUAL, flagged=2), "MEDIUM", "2 of their former accesses here flagged in review"),
        (replace(USUAL, ticket_open=False), "MEDIUM", "its ticket is closed"),
        (replace(USUAL, ticket_open=None), "LOW", "it can only read"),
        (replace(USUAL, ticket=" "), "LOW", "no ticket is named"),
        (replace(USUAL, duration_ms=2 * HOUR_MS), "LOW", "it can only read"),
        (replace(USUAL, duration_ms=2 * HOUR_MS + 1), "LOW", "longer than usual (1 hour)"),
        (replace(USUAL, role=WRITE, former_ms=(), flagged=1), "HIGH", "it can change data"),
    ],
)
def test_each_reason_is_named_and_counts(known: Known, state: str, reason: str) -> None:
    found = risk_of(known)
    assert found.state == state and reason in found.reasons


def test_the_heaviest_reason_is_said_first() -> None:
    found = risk_of(replace(USUAL, role=WRITE, former_ms=(), ticket_open=False))
    assert found.reasons == (
        "its ticket is closed",
        "it can change data",
        "the first time that they have this access",
    )
