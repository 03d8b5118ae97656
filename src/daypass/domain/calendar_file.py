"""An on-call calendar in iCalendar (RFC 5545): whose event is it now?

Reads what on-call calendars hold: events with attendees (or an address in their summary), all-day events, weekly and
daily recurrence with exceptions and moved occurrences. What it does not know (monthly rules, ordinals, RDATE) it
refuses as a whole rather than to be wrong about who is on call. Pure: the instant is an argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from daypass.domain.hours import zone_of

CHARACTERS_MAX = 4 * 1024 * 1024
"""A longer calendar is not one of a team's on-call turns."""
EVENTS_MAX = 20_000
DURATION_MAX = timedelta(days=400)
"""A turn that lasts longer than a year is none; occurrences this far back are looked at."""
DAYS_MAX = 40_000
"""Days that are counted for COUNT: a century."""

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_EMAIL = re.compile(r"[^\s@:/<>(),;]{1,64}@[A-Za-z0-9.-]{1,190}")
_RULE_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"})


class NotACalendar(ValueError):
    """What there is cannot be read as a calendar; one line says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A recurrence: every `interval` days or weeks, on these weekdays, until `until` or for `count` times."""

    weekly: bool
    interval: int = 1
    days: frozenset[int] = frozenset()
    until: datetime | None = None
    count: int | None = None
    week_start: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """`start` is what the clock on the wall shows in `zone`; `left_out` are starts that do not take place."""

    uid: str
    start: datetime
    zone: tzinfo
    lasts: timedelta
    who: tuple[str, ...]
    rule: Rule | None = None
    left_out: frozenset[datetime] = frozenset()

    def takes_place(self, t: datetime) -> bool:
        """Whether it is on at this instant."""
        return any(self._instant(start) <= t < self._end(start) for start in self._starts(t))

    def _instant(self, start: datetime) -> datetime:
        return start.replace(tzinfo=self.zone).astimezone(UTC)

    def _end(self, start: datetime) -> datetime:
        # A whole number of days is days on the wall, and anything else is time that passes.
        if not self.lasts.seconds:
            return self._instant(start + self.lasts)
        return self._instant(start) + self.lasts

    def _starts(self, t: datetime) -> Iterator[datetime]:
        """The starts that could be on at this instant."""
        if self.rule is None:
            yield self.start
            return
        today = t.astimezone(self.zone).date()
        first = max(self.start.date(), today - self.lasts - timedelta(days=1))
        for n in range((today - first).days + 2):
            start = datetime.combine(first + timedelta(days=n), self.start.time())
            if start not in self.left_out and self._recurs(self.rule, start):
                yield start

    def _recurs(self, rule: Rule, start: datetime) -> bool:
        if not _falls(rule, self.start.date(), start.date()) or start < self.start:
            return False
        if rule.until is not None and self._instant(start) > rule.until:
            return False
        return rule.count is None or self._number(rule, start) <= rule.count

    def _number(self, rule: Rule, start: datetime) -> int:
        """The how-manieth occurrence this is, from 1."""
        days = min((start.date() - self.start.date()).days, DAYS_MAX)
        first = self.start.date()
        return sum(_falls(rule, first, first + timedelta(days=n)) for n in range(days + 1))


def _falls(rule: Rule, first: date, day: date) -> bool:
    if not rule.weekly:
        inside = not rule.days or day.weekday() in rule.days
        return inside and (day - first).days % rule.interval == 0
    if day.weekday() not in (rule.days or {first.weekday()}):
        return False
    weeks = (_week(day, rule.week_start) - _week(first, rule.week_start)).days // 7
    return weeks % rule.interval == 0


def _week(day: date, start: int) -> date:
    return day - timedelta(days=(day.weekday() - start) % 7)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The turns of a team."""

    events: tuple[Event, ...] = ()

    def on_duty(self, t: int) -> tuple[str, ...]:
        """The addresses of those whose turn it is at this instant (ms since 1970), each once."""
        instant = datetime.fromtimestamp(t / 1000, UTC)
        return tuple(dict.fromkeys(who for one in self.events if one.takes_place(instant) for who in one.who))


# -- reading -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Lines:
    """One component's properties: name to (parameters, value), in order."""

    found: list[tuple[str, Mapping[str, str], str]] = field(default_factory=list)

    def one(self, name: str) -> tuple[Mapping[str, str], str] | None:
        return next(((parameters, value) for known, parameters, value in self.found if known == name), None)

    def all(self, name: str) -> list[tuple[Mapping[str, str], str]]:
        return [(parameters, value) for known, parameters, value in self.found if known == name]


def read_calendar(text: str) -> Calendar:
    """Read a calendar. Raise `NotACalendar`."""
    if len(text) > CHARACTERS_MAX:
        raise NotACalendar(f"it is longer than {CHARACTERS_MAX} characters")
    whole, components = _components(text)
    named = whole.one("X-WR-TIMEZONE")
    zone = _zone(named[1]) if named else UTC
    moved: dict[str, set[datetime]] = {}
    events = []
    for lines in components:
        event = _event(lines, zone)
        again = lines.one("RECURRENCE-ID")
        if again is not None:
            moved.setdefault(event.uid, set()).add(_moment(*again, zone)[0])
        cancelled = lines.one("STATUS")
        if cancelled is None or cancelled[1].upper() != "CANCELLED":
            events.append((event, again is not None))
    return Calendar(tuple(one if alone else _without(one, moved.get(one.uid, set())) for one, alone in events))


def _without(event: Event, starts: set[datetime]) -> Event:
    if not starts:
        return event
    left_out = event.left_out | starts
    return Event(event.uid, event.start, event.zone, event.lasts, event.who, event.rule, left_out)


def _components(text: str) -> tuple[_Lines, list[_Lines]]:
    """The calendar's own properties, and those of its events; what is nested in events is left out."""
    whole, events, nested = _Lines(), list[_Lines](), list[str]()
    for name, parameters, value in _properties(text):
        if name == "BEGIN":
            nested.append(value.upper())
            if nested == ["VCALENDAR", "VEVENT"]:
                events.append(_Lines())
        elif name == "END":
            if not nested or nested.pop() != value.upper():
                raise NotACalendar(f"END:{value[:40]} ends nothing")
        elif nested == ["VCALENDAR"]:
            whole.found.append((name, parameters, value))
        elif nested == ["VCALENDAR", "VEVENT"]:
            events[-1].found.append((name, parameters, value))
        if len(events) > EVENTS_MAX:
            raise NotACalendar(f"it has more than {EVENTS_MAX} events")
    if nested or not text.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR"):
        raise NotACalendar("it does not begin and end as a calendar (BEGIN:VCALENDAR … END:VCALENDAR)")
    return whole, events


def _properties(text: str) -> Iterator[tuple[str, Mapping[str, str], str]]:
    unfolded = re.sub(r"\r?\n[ \t]", "", text.lstrip("\ufeff"))
    for line in unfolded.splitlines():
        if not line.strip():
            continue
        head, value = _split(line)
        name, *parameters = re.split(r";(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", head)
        pairs = (one.partition("=") for one in parameters)
        yield name.upper(), {key.upper(): found.strip('"') for key, _, found in pairs}, value.strip()


def _split(line: str) -> tuple[str, str]:
    quoted = False
    for at, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == ":" and not quoted:
            return line[:at], line[at + 1 :]
    raise NotACalendar(f"the line {line[:40]!r} has no value")


def _event(lines: _Lines, zone: tzinfo) -> Event:
    begun = lines.one("DTSTART")
    if begun is None:
        raise NotACalendar("an event has no DTSTART")
    start, where, all_day = _moment(*begun, zone)
    if lines.all("RDATE") or len(lines.all("RRULE")) > 1:
        raise NotACalendar("an event recurs by RDATE or several rules, which is not known here")
    rule = lines.one("RRULE")
    left_out = {
        _moment(parameters, one, zone)[0] for parameters, value in lines.all("EXDATE") for one in value.split(",")
    }
    uid = lines.one("UID")
    return Event(
        uid=uid[1] if uid else "",
        start=start,
        zone=where,
        lasts=_lasts(lines, start, where, all_day, zone),
        who=_who(lines),
        rule=_rule(rule[1], zone) if rule else None,
        left_out=frozenset(left_out),
    )


def _lasts(lines: _Lines, start: datetime, where: tzinfo, all_day: bool, zone: tzinfo) -> timedelta:
    ended, lasting = lines.one("DTEND"), lines.one("DURATION")
    found = timedelta(days=1) if all_day else timedelta()
    if ended is not None:
        end, there, _ = _moment(*ended, zone)
        found = end - start if there == where else end.replace(tzinfo=there) - start.replace(tzinfo=where)
    elif lasting is not None:
        found = _duration(lasting[1])
    if not timedelta() <= found <= DURATION_MAX:
        raise NotACalendar("an event ends before it begins, or lasts longer than 400 days")
    return found


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if not found:
        raise NotACalendar(f"{text[:40]!r} is no duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=7 * weeks + days, hours=hours, minutes=minutes, seconds=seconds)


def _moment(parameters: Mapping[str, str], value: str, zone: tzinfo) -> tuple[datetime, tzinfo, bool]:
    """What the wall clock shows, where, and whether a whole day is meant."""
    where = _zone(parameters["TZID"]) if "TZID" in parameters else zone
    try:
        if re.fullmatch(r"\d{8}", value):
            return datetime.combine(datetime.strptime(value, "%Y%m%d").date(), time()), where, True  # noqa: DTZ007
        if value.endswith("Z"):
            return datetime.strptime(value, "%Y%m%dT%H%M%SZ"), UTC, False  # noqa: DTZ007
        return datetime.strptime(value, "%Y%m%dT%H%M%S"), where, False  # noqa: DTZ007
    except ValueError:
        raise NotACalendar(f"{value[:40]!r} is no date or time") from None


def _zone(name: str) -> tzinfo:
    try:
        return zone_of(name.rpartition("/freeassociation.sourceforge.net/")[2])
    except ValueError:
        raise NotACalendar(f"the time zone {name[:60]!r} is not known") from None


def _rule(text: str, zone: tzinfo) -> Rule:
    parts = dict(part.partition("=")[::2] for part in text.upper().split(";") if part)
    unknown = sorted(parts.keys() - _RULE_PARTS)
    if unknown or parts.get("FREQ") not in ("DAILY", "WEEKLY"):
        raise NotACalendar(f"the recurrence {text[:60]!r} is not known here (daily and weekly ones are)")
    try:
        until = None
        if "UNTIL" in parts:
            moment, where, all_day = _moment({}, parts["UNTIL"], zone)
            until = (moment + timedelta(days=int(all_day))).replace(tzinfo=where).astimezone(UTC)
        return Rule(
            weekly=parts["FREQ"] == "WEEKLY",
            interval=max(1, int(parts.get("INTERVAL", "1"))),
            days=frozenset(WEEKDAYS.index(day) for day in parts.get("BYDAY", "").split(",") if day),
            until=until,
            count=int(parts["COUNT"]) if "COUNT" in parts else None,
            week_start=WEEKDAYS.index(parts.get("WKST", "MO")),
        )
    except ValueError:
        raise NotACalendar(f"the recurrence {text[:60]!r} is not known here") from None


def _who(lines: _Lines) -> tuple[str, ...]:
    """The attendees that did not decline; without any, the addresses in the summary."""
    named = [
        value[7:].lower()
        for parameters, value in lines.all("ATTENDEE")
        if value.lower().startswith("mailto:") and parameters.get("PARTSTAT", "").upper() != "DECLINED"
    ]
    summary = lines.one("SUMMARY")
    return tuple(dict.fromkeys(named or (one.lower() for one in _EMAIL.findall(summary[1] if summary else ""))))
