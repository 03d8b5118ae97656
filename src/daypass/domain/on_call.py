"""A schedule of who is on call, as a team writes it in YAML: turns of the week, rotations, and exceptions.

Exceptions (`instead`) win over everything else; turns of the week and rotations add up. A rotation hands over at the
same wall-clock time all year, summer time included. Pure: the instant is an argument; who reads the file is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from daypass.domain.documents import Node, load
from daypass.domain.durations import HOUR_MS, instant_ms
from daypass.domain.hours import DAYS, Hours, minute_of_day, zone_name, zone_of
from daypass.domain.people import ADDRESS

SCHEDULE_KEYS = ("zone", "weekly", "rotation", "instead")
WEEKLY_KEYS = ("who", "days", "from", "to")
ROTATION_KEYS = ("who", "every", "starting")
INSTEAD_KEYS = ("who", "from", "to")

PARTS_MAX = 1000
"""Turns, rotations or exceptions in one schedule; more of them were not written by people."""


@dataclass(frozen=True, slots=True)
class Turn:
    """These people, in these hours of every week."""

    who: tuple[str, ...]
    hours: Hours


@dataclass(frozen=True, slots=True)
class Rotation:
    """One after the other, `every` so long, the first of them from `starting` on."""

    who: tuple[str, ...]
    every_ms: int
    starting: int
    zone: str

    def on_duty(self, t: int) -> tuple[str, ...]:
        if t < self.starting:
            return ()
        passed = _wall(t, self.zone) - _wall(self.starting, self.zone)
        turn = passed // timedelta(milliseconds=self.every_ms)
        return (self.who[turn % len(self.who)],)


@dataclass(frozen=True, slots=True)
class Instead:
    """These people and nobody else, from one instant to another."""

    who: tuple[str, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who is on call."""

    weekly: tuple[Turn, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    instead: tuple[Instead, ...] = ()

    def on_duty(self, t: int) -> tuple[str, ...]:
        """The addresses of those who are on call at this instant, each once."""
        exceptions = [one.who for one in self.instead if one.begin <= t < one.end]
        usual = [turn.who for turn in self.weekly if turn.hours.holds(t)]
        usual += [rotation.on_duty(t) for rotation in self.rotations]
        return tuple(dict.fromkeys(email for who in exceptions or usual for email in who))


def read_schedule(text: str, file: str) -> Schedule:
    """Read a schedule file. Raise `ConfigError` for the first thing that is wrong."""
    root = load(text, file)
    keys = root.mapping(SCHEDULE_KEYS)
    zone = keys["zone"].read(zone_name) if "zone" in keys else "UTC"
    parts = {name: keys[name].sequence() for name in ("weekly", "rotation", "instead") if name in keys}
    if not any(parts.values()):
        raise root.wrong("must hold weekly, rotation or instead, or nobody is ever on call")
    for name, nodes in parts.items():
        if len(nodes) > PARTS_MAX:
            raise keys[name].wrong(f"must hold at most {PARTS_MAX}, not {len(nodes)}")
    return Schedule(
        tuple(_turn(node, zone) for node in parts.get("weekly", ())),
        tuple(_rotation(node, zone) for node in parts.get("rotation", ())),
        tuple(_instead(node) for node in parts.get("instead", ())),
    )


def _turn(node: Node, zone: str) -> Turn:
    keys = node.mapping(WEEKLY_KEYS, needs=("who", "from", "to"))
    start, end = keys["from"].read(minute_of_day), keys["to"].read(minute_of_day)
    if start == end:
        raise keys["to"].wrong("must be another time than from; a whole day is from 00:00 to 24:00")
    named = [DAYS.index(day.one_of(DAYS)) for day in keys["days"].sequence()] if "days" in keys else range(len(DAYS))
    return Turn(_who(keys["who"]), Hours(start, end, frozenset(named), zone))


def _rotation(node: Node, zone: str) -> Rotation:
    keys = node.mapping(ROTATION_KEYS, needs=ROTATION_KEYS)
    every = keys["every"].duration_ms()
    if every < HOUR_MS:
        raise keys["every"].wrong("must be an hour (1h) or longer")
    return Rotation(_who(keys["who"]), every, keys["starting"].read(instant_ms), zone)


def _instead(node: Node) -> Instead:
    keys = node.mapping(INSTEAD_KEYS, needs=INSTEAD_KEYS)
    begin, end = keys["from"].read(instant_ms), keys["to"].read(instant_ms)
    if end <= begin:
        raise keys["to"].wrong("must be later than from")
    return Instead(_who(keys["who"]), begin, end)


def _who(node: Node) -> tuple[str, ...]:
    who = tuple(item.text(ADDRESS, "an address, like ana@acme.test").lower() for item in node.sequence())
    if not who:
        raise node.wrong("must name somebody, like [ana@acme.test]")
    return who


def _wall(t: int, zone: str) -> datetime:
    """What a clock on the wall shows there."""
    return datetime.fromtimestamp(t / 1000, zone_of(zone)).replace(tzinfo=None)
