"""Who is on call: a team's file, a calendar, PagerDuty. What cannot be read is told, and is never an empty schedule."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daypass.domain.durations import instant_ms
from daypass.domain.errors import Unavailable
from daypass.outside.http import Client
from daypass.outside.schedules import CalendarFeed, PagerDuty, ScheduleFile
from tests.domain.test_calendar_file import CALENDAR
from tests.servers import others

MONDAY = instant_ms("2026-11-23T10:00:00Z")
WEEKLY = "weekly: [{ who: [Ana@acme.test], from: 00:00, to: 24:00 }]"


async def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "payments.yaml"
    file.write_text(WEEKLY)
    schedule = ScheduleFile("payments", file)
    assert await schedule.on_duty(MONDAY) == ("ana@acme.test",)
    file.write_text(WEEKLY.replace("Ana", "benjamin"))
    assert await schedule.on_duty(MONDAY) == ("benjamin@acme.test",)


async def test_a_file_that_does_not_read_is_nobodys_schedule(tmp_path: Path) -> None:
    file = tmp_path / "payments.yaml"
    file.write_text(WEEKLY)
    schedule = ScheduleFile("payments", file)
    await schedule.on_duty(MONDAY)
    file.write_text("weekly: [{ who: [] , from: 1:00, to: 2:00 }]")
    with pytest.raises(Unavailable, match=r"payments cannot be read: payments.yaml:1: weekly\[0\].who"):
        await schedule.on_duty(MONDAY)
    os.unlink(file)
    with pytest.raises(Unavailable, match="FileNotFoundError"):
        await schedule.on_duty(MONDAY)
    file.write_text(WEEKLY)
    assert await schedule.on_duty(MONDAY) == ("ana@acme.test",)


async def test_a_calendar_file_and_one_behind_a_url(tmp_path: Path) -> None:
    (tmp_path / "turns.ics").write_text(CALENDAR)
    assert await CalendarFeed("x", tmp_path / "turns.ics").on_duty(MONDAY) == ("ana@acme.test",)
    with others.Feed() as feed:
        feed.text = CALENDAR
        there = CalendarFeed("x", Client("the calendar of x", f"{feed.url}/oncall.ics", {}))
        assert await there.on_duty(MONDAY) == ("ana@acme.test",)
        await there.on_duty(MONDAY)
        assert len(feed.asked) == 1, "what was read is good for a minute"
        await there.close()
        gone = CalendarFeed("x", Client("the calendar of x", f"{feed.url}/other.ics", {}))
        with pytest.raises(Unavailable, match="is not there"):
            await gone.on_duty(MONDAY)
        await gone.close()
    (tmp_path / "turns.ics").write_text("hello")
    with pytest.raises(Unavailable, match="cannot be read"):
        await CalendarFeed("x", tmp_path / "turns.ics").on_duty(MONDAY)


async def test_pagerduty_page_by_page() -> None:
    with others.PagerDuty() as server:
        server.on_call["PI7DH85"] = [f"P{n}@acme.test" for n in range(23)]
        schedule = PagerDuty("leads", server.url, "PI7DH85", server.TOKEN)
        assert len(await schedule.on_duty(MONDAY)) == 23
        assert len(server.asked) == 3, "its pages are shorter than they are asked for"
        await schedule.close()
        empty = PagerDuty("leads", server.url, "PNOBODY", server.TOKEN)
        assert await empty.on_duty(MONDAY) == ()
        await empty.close()


async def test_pagerduty_that_cannot_be_asked() -> None:
    with others.PagerDuty() as server:
        for token, limited, said in (("x", None, "does not let Daypass in"), (server.TOKEN, 9, "not again for 9 s")):
            server.limited = limited
            schedule = PagerDuty("leads", server.url, "PI7DH85", token)
            for _ in range(2):
                with pytest.raises(Unavailable, match=said):
                    await schedule.on_duty(MONDAY)
            await schedule.close()
        assert len(server.asked) == 2
