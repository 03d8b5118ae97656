"""Hours of the week, by the wall clock of a place."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daypass.domain.durations import DAY_MS, HOUR_MS, MINUTE_MS, instant_ms
from daypass.domain.hours import Hours, minute_of_day, zone_name

NIGHT = Hours(22 * 60, 6 * 60, frozenset({4}), "Europe/Berlin")
OFFICE = Hours(9 * 60, 17 * 60, frozenset(range(5)), "UTC")

# 2026-11-27 is a Friday; Berlin is an hour ahead of UTC then, two in summer.
MOMENTS = [
    (NIGHT, "2026-11-27T22:00:00+01:00", True),
    (NIGHT, "2026-11-27T21:59:59+01:00", False),
    (NIGHT, "2026-11-27T23:59:59+01:00", True),
    (NIGHT, "2026-11-28T05:59:59+01:00", True),
    (NIGHT, "2026-11-28T06:00:00+01:00", False),
    (NIGHT, "2026-11-27T03:00:00+01:00", False),
    (NIGHT, "2026-11-28T22:30:00+01:00", False),
    (NIGHT, "2026-06-26T20:30:00+00:00", True),
    (NIGHT, "2026-11-27T20:30:00+00:00", False),
    (OFFICE, "2026-11-27T16:59:00Z", True),
    (OFFICE, "2026-11-27T17:00:00Z", False),
    (OFFICE, "2026-11-28T12:00:00Z", False),
    (Hours(0, 24 * 60, frozenset({5}), "UTC"), "2026-11-28T23:59:59Z", True),
    (Hours(0, 24 * 60, frozenset({5}), "UTC"), "2026-11-29T00:00:00Z", False),
]


@pytest.mark.parametrize(("hours", "at", "within"), MOMENTS)
def test_whether_an_instant_is_within(hours: Hours, at: str, within: bool) -> None:
    assert hours.holds(instant_ms(at)) is within


def test_overnight_window_wrong_after_midnight() -> None:
    """Right after midnight it is still the window of the day before, and of no other day."""
    assert NIGHT.holds(instant_ms("2026-11-28T00:00:00+01:00"))
    assert NIGHT.holds(instant_ms("2026-11-28T00:00:01+01:00"))
    assert not NIGHT.holds(instant_ms("2026-11-27T00:00:01+01:00"))


WAITS = [
    (OFFICE, "2026-11-27T16:00:00Z", 2 * HOUR_MS, "2026-11-30T10:00:00Z"),
    (OFFICE, "2026-11-28T16:00:00Z", HOUR_MS, "2026-11-30T10:00:00Z"),
    (OFFICE, "2026-11-27T10:00:00Z", HOUR_MS, "2026-11-27T11:00:00Z"),
    (OFFICE, "2026-11-27T10:00:00Z", 40 * HOUR_MS, "2026-12-04T10:00:00Z"),
    (NIGHT, "2026-11-28T05:00:00+01:00", 2 * HOUR_MS, "2026-12-04T23:00:00+01:00"),
]


@pytest.mark.parametrize(("hours", "since", "wait", "until"), WAITS)
def test_waiting_counts_only_within(hours: Hours, since: str, wait: int, until: str) -> None:
    assert hours.after(instant_ms(since), wait) == instant_ms(until)


@example(0, 1, frozenset({0}), 1_700_000_000_000, 34_260_001)  # a minute a week: more than ten years of windows
@given(
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(1_700_000_000_000, 1_900_000_000_000),
    st.integers(1, 20 * DAY_MS),
)
def test_what_is_waited_for_is_within_and_never_sooner(
    start: int, end: int, days: frozenset[int], t: int, wait: int
) -> None:
    if start == end:
        return
    hours = Hours(start, end, days, "UTC")
    until = hours.after(t, wait)
    assert until >= t + wait
    assert hours.holds(until - 1)
    counted = sum(hours.holds(at) for at in range(t, min(until, t + 3 * DAY_MS), MINUTE_MS)) * MINUTE_MS
    assert counted <= wait + 8 * MINUTE_MS


@pytest.mark.parametrize(("text", "minute"), [("00:00", 0), ("8:05", 485), ("24:00", 1440)])
def test_times_of_day(text: str, minute: int) -> None:
    assert minute_of_day(text) == minute


@pytest.mark.parametrize("text", ["", "24:01", "8", "08:60", "8:5", "-1:00", "a:bc", "25:00", "٨:٠٠"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        minute_of_day(text)


@pytest.mark.parametrize("text", ["Europe/Berlim", "../etc/passwd", "", "CET?"])
def test_what_is_no_zone(text: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        zone_name(text)


def test_in_words() -> None:
    assert str(NIGHT) == "fri from 22:00 to 06:00 (Europe/Berlin)"
    assert str(Hours(0, 1440, frozenset(range(7)), "UTC")) == "every day from 00:00 to 24:00 (UTC)"
