"""iCalendar, as on-call calendars use it: one table of calendars and instants."""

from __future__ import annotations

import pytest

from daypass.domain.calendar_file import NotACalendar, read_calendar
from daypass.domain.durations import instant_ms


def calendar(*events: str, head: str = "") -> str:
    whole = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{head}{whole}END:VCALENDAR\r\n".replace("\n ", "\n  ")


ANA, BEN = "ATTENDEE;CN=Ana:mailto:ana@acme.test", "ATTENDEE:mailto:Ben@acme.test"
WEEK = f"UID:w\r\nDTSTART;TZID=Europe/Berlin:20261102T090000\r\nDTEND;TZID=Europe/Berlin:20261109T090000\r\n{ANA}"
EVERY_OTHER = f"{WEEK}\r\nRRULE:FREQ=WEEKLY;INTERVAL=2"
ALTERNATE = EVERY_OTHER.replace("02T", "09T", 1).replace("20261109T090000\r\nATT", "20261116T090000\r\nATT")
DAILY = f"UID:d\r\nDTSTART:20261101T220000Z\r\nDURATION:PT8H\r\n{BEN}\r\nRRULE:FREQ=DAILY"
CALENDAR = calendar(f"UID:1\r\nDTSTART;VALUE=DATE:20261123\r\nDTEND;VALUE=DATE:20261124\r\n{ANA}")

CASES = [
    (CALENDAR, "2026-11-23T00:00:00Z", {"ana"}),
    (CALENDAR, "2026-11-24T00:00:00Z", set()),
    (calendar(WEEK), "2026-11-02T07:59:59Z", set()),
    (calendar(WEEK), "2026-11-02T08:00:00Z", {"ana"}),
    (calendar(WEEK), "2026-11-09T08:00:00Z", set()),
    (calendar(EVERY_OTHER), "2026-11-12T12:00:00Z", set()),
    (calendar(EVERY_OTHER), "2026-11-18T12:00:00Z", {"ana"}),
    # Summer time: the hand-over stays at nine in Berlin, which is seven in UTC by then.
    (calendar(f"{EVERY_OTHER};COUNT=100"), "2027-04-05T07:30:00Z", {"ana"}),
    (calendar(f"{EVERY_OTHER};COUNT=2"), "2026-11-18T12:00:00Z", {"ana"}),
    (calendar(f"{EVERY_OTHER};COUNT=1"), "2026-11-18T12:00:00Z", set()),
    (calendar(f"{EVERY_OTHER};UNTIL=20261116T080000Z"), "2026-11-18T12:00:00Z", {"ana"}),
    (calendar(f"{EVERY_OTHER};UNTIL=20261116T075959Z"), "2026-11-18T12:00:00Z", set()),
    (calendar(f"{EVERY_OTHER}\r\nEXDATE;TZID=Europe/Berlin:20261116T090000"), "2026-11-18T12:00:00Z", set()),
    # Overnight: after midnight it is still the turn that began the evening before.
    (calendar(DAILY), "2026-11-20T03:00:00Z", {"ben"}),
    (calendar(DAILY), "2026-11-20T06:00:00Z", set()),
    (calendar(f"{DAILY};BYDAY=FR"), "2026-11-21T03:00:00Z", {"ben"}),
    (calendar(f"{DAILY};BYDAY=FR"), "2026-11-20T03:00:00Z", set()),
    # One occurrence is somebody else's.
    (calendar(DAILY, f"UID:d\r\nRECURRENCE-ID:20261119T220000Z\r\nDTSTART:20261119T220000Z\r\nDURATION:PT8H\r\n{ANA}"),
     "2026-11-20T03:00:00Z", {"ana"}),
    (calendar(f"{DAILY}\r\nSTATUS:CANCELLED"), "2026-11-20T03:00:00Z", set()),
    (calendar("UID:s\r\nDTSTART:20261123T000000\r\nDURATION:P1D\r\nSUMMARY:On call: eve@acme.test",
              head="X-WR-TIMEZONE:Europe/Berlin\r\n"), "2026-11-22T23:30:00Z", {"eve"}),
    (calendar(f"{WEEK}\r\nATTENDEE;PARTSTAT=DECLINED:mailto:eve@acme.test"), "2026-11-03T12:00:00Z", {"ana"}),
    (calendar(f"{WEEK}\r\nBEGIN:VALARM\r\nDURATION:PT1H\r\nATTENDEE:mailto:eve@acme.test\r\nEND:VALARM"),
     "2026-11-03T12:00:00Z", {"ana"}),
    (calendar(WEEK.replace("CN=Ana", 'CN="Ana: the; first"')), "2026-11-03T12:00:00Z", {"ana"}),
    (calendar(), "2026-11-03T12:00:00Z", set()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "who"), CASES)
def test_whose_turn_it_is(text: str, at: str, who: set[str]) -> None:
    assert set(read_calendar(text).on_duty(instant_ms(at))) == {f"{name}@acme.test" for name in who}


def test_lines_may_be_folded() -> None:
    folded = calendar(WEEK).replace("mailto:ana@acme.test", "mailto:ana@ac\r\n me.test").replace("\r\n  ", "\r\n ")
    assert read_calendar(folded).on_duty(instant_ms("2026-11-03T12:00:00Z")) == ("ana@acme.test",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin"),
        ("<html>", "has no value"),
        (calendar(WEEK)[:-15], "does not begin and end"),
        (calendar("UID:x"), "no DTSTART"),
        (calendar(f"{WEEK}\r\nRRULE:FREQ=MONTHLY;BYDAY=1MO"), "is not known here"),
        (calendar(f"{WEEK}\r\nRRULE:FREQ=WEEKLY;BYDAY=1MO"), "is not known here"),
        (calendar(f"{WEEK}\r\nRDATE:20261201T090000Z"), "RDATE"),
        (calendar(WEEK.replace("Europe/Berlin", "Middle-earth")), "time zone"),
        (calendar("DTSTART:yesterday"), "no date or time"),
        (calendar("DTSTART:20261102T090000Z\r\nDTEND:20251102T090000Z"), "ends before it begins"),
        (calendar("DTSTART:20261102T090000Z\r\nDURATION:forever"), "no duration"),
        ("BEGIN:VCALENDAR\r\nEND:VEVENT", "ends nothing"),
        ("x" * (5 << 20), "longer than"),
    ],
)
def test_what_is_not_known_is_no_calendar(text: str, said: str) -> None:
    with pytest.raises(NotACalendar, match=said):
        read_calendar(text)
