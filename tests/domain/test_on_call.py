"""A team's own schedule: turns of the week, rotations, exceptions."""

from __future__ import annotations

import pytest

from daypass.domain.durations import instant_ms
from daypass.domain.errors import ConfigError
from daypass.domain.on_call import read_schedule

SCHEDULE = """
zone: Europe/Berlin
weekly:
  - { who: [lea@acme.test], days: [fri], from: 22:00, to: 06:00 }
rotation:
  - { who: [ana@acme.test, Ben@acme.test], every: 7d, starting: 2026-10-19T09:00:00+02:00 }
instead:
  - { who: [cleo@acme.test], from: 2026-12-24T00:00:00Z, to: 2026-12-27T00:00:00Z }
"""


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-10-19T06:59:59Z", []),
        ("2026-10-19T07:00:00Z", ["ana"]),
        # Summer time ended on the 25th: nine o'clock is at 08:00 UTC from then on.
        ("2026-10-26T07:59:59Z", ["ana"]),
        ("2026-10-26T08:00:00Z", ["ben"]),
        ("2026-11-02T08:00:00Z", ["ana"]),
        # Friday night, after midnight.
        ("2026-11-07T04:30:00Z", ["lea", "ana"]),
        ("2026-11-07T05:30:00Z", ["ana"]),
        ("2026-12-25T12:00:00Z", ["cleo"]),
    ],
)
def test_who_is_on_call(at: str, who: list[str]) -> None:
    found = read_schedule(SCHEDULE, "s.yaml").on_duty(instant_ms(at))
    assert list(found) == [f"{name}@acme.test" for name in who]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zone: UTC", "nobody is ever on call"),
        ("zone: Nowhere\nweekly: []", "s.yaml:1: zone: must be a time zone's name"),
        ("weekly: [{ who: [ana], from: 1:00, to: 2:00 }]", "must be an address"),
        ("weekly: [{ who: [], from: 1:00, to: 2:00 }]", "must name somebody"),
        ("weekly: [{ who: [a@x.test], from: 1:00, to: 1:00 }]", "must be another time"),
        ("rotation: [{ who: [a@x.test], every: 1m, starting: 2026-01-01T00:00:00Z }]", "must be an hour"),
        ("rotation: [{ who: [a@x.test], every: 1d }]", "starting is missing"),
        ("instead: [{ who: [a@x.test], from: 2026-01-01T00:00:00Z, to: 2026-01-01T00:00:00Z }]", "later than from"),
        ("weekley: []", "did you mean weekly"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_schedule(text, "s.yaml")
