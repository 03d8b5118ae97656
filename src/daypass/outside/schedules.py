"""On-call schedules: a team's YAML file, an iCalendar file or URL, PagerDuty. Each says who is on call now.

What was read is good for a minute; what cannot be read is told, and never taken for an empty schedule.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from daypass.domain.calendar_file import Calendar, NotACalendar, read_calendar
from daypass.domain.errors import ConfigError, Unavailable
from daypass.domain.on_call import Schedule, read_schedule
from daypass.outside.http import Client

T = TypeVar("T")

FRESH_SECONDS = 60.0
"""How long a calendar or PagerDuty's answer is good: nobody hands over by the second."""

FAILED_SECONDS = 5.0
"""How long it is remembered that somebody could not be asked."""

FILE_BYTES_MAX = 4 << 20
PAGE = 100
PAGES_MAX = 20
"""PagerDuty's on-calls of one schedule: one for each person and escalation level."""


class _Kept:
    """The last answer, while it is good. One question at a time: the others wait for its answer."""

    def __init__(self) -> None:
        self._until = 0.0
        self._found: object = None
        self._asking = asyncio.Lock()

    async def get(self, ask: Callable[[], Awaitable[T]]) -> T:
        async with self._asking:
            if self._found is None or self._until <= time.monotonic():
                try:
                    self._found = await ask()
                    self._until = time.monotonic() + FRESH_SECONDS
                except Unavailable as problem:
                    self._found = problem
                    self._until = time.monotonic() + FAILED_SECONDS
            if isinstance(self._found, Unavailable):
                raise Unavailable(self._found.message)
            return self._found  # type: ignore[return-value]


class ScheduleFile:
    """A schedule in YAML. Read again when the file has changed; one that does not read is not on call's old self."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._seen: tuple[int, int] = (0, 0)
        self._schedule = Schedule()

    async def on_duty(self, now: int) -> Sequence[str]:
        try:
            about = await asyncio.to_thread(self._path.stat)
            stamp = (about.st_mtime_ns, about.st_size)
            if stamp != self._seen:
                self._schedule = await asyncio.to_thread(self._read)
                self._seen = stamp
        except (OSError, UnicodeDecodeError, ConfigError) as problem:
            self._seen = (0, 0)
            why = problem.message if isinstance(problem, ConfigError) else type(problem).__name__
            raise Unavailable(f"the on-call schedule {self._name} cannot be read: {why}") from None
        return self._schedule.on_duty(now)

    def _read(self) -> Schedule:
        return read_schedule(_text(self._path), self._path.name)

    async def close(self) -> None:
        pass


class CalendarFeed:
    """An iCalendar file, or one behind a URL."""

    def __init__(self, name: str, source: Path | Client) -> None:
        self._name = name
        self._source = source
        self._kept = _Kept()

    async def on_duty(self, now: int) -> Sequence[str]:
        calendar = await self._kept.get(self._load)
        return calendar.on_duty(now)

    async def _load(self) -> Calendar:
        try:
            if isinstance(self._source, Path):
                text = await asyncio.to_thread(_text, self._source)
            else:
                answer = await self._source.get("", bytes_max=FILE_BYTES_MAX)
                if answer.status != 200:
                    raise Unavailable(f"the on-call calendar {self._name} is not there (status {answer.status})")
                text = answer.body.decode()
            return await asyncio.to_thread(read_calendar, text)
        except NotACalendar as problem:
            raise Unavailable(f"the on-call calendar {self._name} cannot be read: {problem}") from None
        except (OSError, UnicodeDecodeError) as problem:
            raise Unavailable(f"the on-call calendar {self._name} cannot be read ({type(problem).__name__})") from None

    async def close(self) -> None:
        if isinstance(self._source, Client):
            await self._source.close()


class PagerDuty:
    """A schedule of PagerDuty's, over its REST API v2: `GET /oncalls`, page by page, with the users in it."""

    def __init__(self, name: str, url: str, schedule: str, token: str, ca: Path | None = None) -> None:
        self._name = name
        self._schedule = schedule
        headers = {
            "Accept": "application/vnd.pagerduty+json;version=2",
            "Authorization": f"Token token={token}",
            "Content-Type": "application/json",
        }
        self._client = Client(f"PagerDuty ({name})", url, headers, ca)
        self._kept = _Kept()

    async def on_duty(self, now: int) -> Sequence[str]:
        return await self._kept.get(self._load)

    async def _load(self) -> Sequence[str]:
        found: list[str] = []
        asked = 0
        for _ in range(PAGES_MAX):
            query = [("schedule_ids[]", self._schedule), ("include[]", "users")]
            answer = await self._client.get("/oncalls", [*query, ("limit", str(PAGE)), ("offset", str(asked))])
            if answer.status != 200:
                raise Unavailable(f"PagerDuty knows no schedule {self._schedule} ({self._name})")
            told = answer.json(f"PagerDuty ({self._name})")
            try:
                here = [str(one["user"]["email"]).lower() for one in told["oncalls"]]
                more = bool(told["more"]) and bool(here)
            except (KeyError, TypeError):
                raise Unavailable(f"PagerDuty ({self._name}) answered with something else than it documents") from None
            found += here
            # A page may be shorter than it was asked for: the next one begins behind what came.
            asked += len(here)
            if not more:
                return tuple(dict.fromkeys(found))
        raise Unavailable(f"PagerDuty ({self._name}) has more people on call there than can be asked about")

    async def close(self) -> None:
        await self._client.close()


def _text(path: Path) -> str:
    with open(path, "rb") as file:
        raw = file.read(FILE_BYTES_MAX + 1)
    if len(raw) > FILE_BYTES_MAX:
        raise OSError(f"longer than {FILE_BYTES_MAX} bytes")
    return raw.decode()
