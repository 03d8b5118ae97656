"""Shipping follows live traffic closely, and steps behind it in a burst."""

from __future__ import annotations

import pytest

from daypass.ledger.pace import (
    BATCH_FACTS,
    BUSY_FACTS,
    BUSY_SHARE,
    CALM_FACTS_PER_SECOND,
    LIVELY_FACTS_PER_SECOND,
    LIVELY_SHARE,
    PAUSE_SECONDS_MAX,
    Pace,
)

REST = 0.05


def paced(facts_per_second: float) -> Pace:
    pace = Pace(REST)
    for tick in range(9):
        pace.arrived(round(tick / 4 * facts_per_second), 100.0 + tick / 4)
    return pace


def test_when_little_happens_it_is_shipped_without_a_pause_while_there_is_more() -> None:
    pace = paced(LIVELY_FACTS_PER_SECOND - 100)
    assert pace.pause(full=True, crowded=False, busy=False, worked=0.03) == 0
    assert pace.pause(full=False, crowded=False, busy=False, worked=0.03) == REST


@pytest.mark.parametrize(
    ("facts_per_second", "share"),
    [(CALM_FACTS_PER_SECOND - 100, LIVELY_SHARE), (CALM_FACTS_PER_SECOND + 100, BUSY_SHARE)],
)
def test_live_traffic_leaves_shipping_a_share_of_the_time(facts_per_second: int, share: float) -> None:
    pace = paced(facts_per_second)
    pause = pace.pause(full=True, crowded=False, busy=False, worked=0.005)
    assert 0.005 / (0.005 + pause) == pytest.approx(share)
    assert pace.pause(full=True, crowded=False, busy=False, worked=60.0) == PAUSE_SECONDS_MAX


def test_a_journal_that_fills_is_shipped_at_full_speed() -> None:
    assert paced(50_000).pause(full=True, crowded=True, busy=True, worked=0.03) == 0


def test_in_a_burst_it_is_shipped_in_small_batches() -> None:
    facts = [paced(rate).facts(crowded=crowded) for rate in (100, 4_000, 50_000) for crowded in (False, True)]
    assert facts == [BATCH_FACTS] * 4 + [BUSY_FACTS, BATCH_FACTS]


def test_what_is_left_of_a_burst_is_shipped_beside_who_uses_the_store() -> None:
    pause = paced(0).pause(full=True, crowded=False, busy=True, worked=0.05)
    assert 0.05 / (0.05 + pause) == pytest.approx(LIVELY_SHARE)


def test_the_end_of_a_burst_is_noticed() -> None:
    pace = paced(50_000)
    pace.arrived(100_001, 110.0)
    assert pace.share == 1.0
