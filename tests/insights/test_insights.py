"""Every number is counted here a second time, from nothing but the entries of the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from daypass.domain.errors import Invalid, NotFound
from daypass.insights.asking import Answer, Insights
from daypass.insights.questions import QUESTIONS
from daypass.ledger.entry import open_blob
from tests.insights.lived import DAY, lived
from tests.services.conftest import World, migrated_database, migrated_file, opener, store, world

__all__ = ["migrated_database", "migrated_file", "opener", "store", "world"]

DOCS = Path(__file__).parent.parent.parent / "docs" / "insights.md"
Entry = dict[str, Any]
Cut = Callable[[int], bool]


@dataclass
class Told:
    """What the entries tell, by request, by grant and by session."""

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    statements: list[Entry] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)

    def take(self, entry: Entry, said: Mapping[str, str]) -> None:
        noun, verb = entry["type"].split(".")
        t, id = entry["t"], entry.get("request", "")
        if entry["type"] == "request.created":
            how = entry["body"]["how"]
            self.requests[id] = {"t": t, "by": entry["actor"]["id"], "how": how, "votes": [], "words": [t], **said}
            self.requests[id] |= {"policy": entry["body"]["policy"], "items": entry["body"]["items"], "drill": 0}
        elif noun == "request" and verb in ("approved", "denied", "expired"):
            self.requests[id] |= {"end": verb, "at": t}
            if entry.get("grant"):
                body = {"request": id, "t": t, "ms": entry["body"].get("duration_ms"), "sessions": []}
                self.grants[entry["grant"]] = body | {"role": entry["body"].get("role")}
        elif entry["type"] == "request.voted":
            self.requests[id]["votes"].append((entry["actor"]["id"], entry["decision"], t))
        elif entry["type"] == "request.answered":
            self.requests[id]["words"].append(t)
        elif noun == "glass" and verb in ("broken", "ratified"):
            self._glass(verb, entry, self.requests[id])
        elif noun == "grant" and verb in ("activated", "ended", "lapsed"):
            self.grants.setdefault(entry["grant"], {"request": id, "t": t, "sessions": []})[verb] = t
            self.grants[entry["grant"]].update({"ms": entry["body"]["duration_ms"]} if verb == "activated" else {})
        elif noun == "session" and verb == "opened":
            self.sessions[entry["session"]] = {"t": t, "end": None, "effects": set()}
            self.grants[entry["grant"]]["sessions"].append(entry["session"])
        elif noun == "session" and verb == "ended":
            self.sessions[entry["session"]]["end"] = t
        elif entry["type"] == "statement.submitted":
            self.statements.append(entry)
            self.sessions[entry["session"]]["effects"].add(entry["body"]["effect"])

    def _glass(self, verb: str, entry: Entry, request: dict[str, Any]) -> None:
        if verb == "broken":
            request["drill"] = entry["body"]["drill"]
        else:
            request |= {"stood": entry["decision"], "at": entry["t"]}


async def told(world: World) -> Told:
    async with world.store.reading() as tx:
        entries = await tx.entries(limit=100_000)
        names = [blob["sha256"] for one in entries for blob in json.loads(one.entry)["blob"]]
        blobs = {blob.sha256: blob.content for blob in await tx.blobs(sha256=names)}
        found = Told(people={one.id: one.email for one in await tx.people()})
    for one in entries:
        entry = json.loads(one.entry)
        said = {}
        for blob in entry["blob"]:
            fields = json.loads(open_blob(blobs[blob["sha256"]]))["fields"]
            said |= {name: field["value"] for name, field in fields.items()}
        found.take(entry, said)
    return found


def between(low: int, high: int) -> Cut:
    return lambda t: low <= t < high


def asked(told: Told, cut: Cut, mine: str = "") -> list[dict[str, Any]]:
    return [r for r in told.requests.values() if cut(r["t"]) and r["how"] != "glass" and mine in ("", r["by"])]


def over(told: Told, cut: Cut, mine: str = "") -> list[dict[str, Any]]:
    """Grants that are over, with the request's requester; broken glass made one as well."""
    whole = [g for g in told.grants.values() if cut(g["t"]) and ("ended" in g or "lapsed" in g)]
    return [g for g in whole if mine in ("", told.requests[g["request"]]["by"])]


def used(told: Told, grant: dict[str, Any]) -> int:
    return sum(told.sessions[one]["end"] - told.sessions[one]["t"] for one in grant["sessions"])


def share(some: Sequence[Any], all: Sequence[Any]) -> float | None:
    return len(some) / len(all) if all else None


def middle(values: Sequence[int]) -> float | None:
    return median(values) if values else None


def votes(told: Told, cut: Cut, mine: str = "") -> list[tuple[str, str, str, int]]:
    """Requester, approver, decision, looked."""
    return [
        (r["by"], who, decision, t - max(w for w in r["words"] if w <= t))
        for r in asked(told, cut, mine)
        for who, decision, t in r["votes"]
    ]


def decided_ms(told: Told, cut: Cut, mine: str = "") -> list[int]:
    people = [r for r in asked(told, cut, mine) if r["votes"] and r.get("end") in ("approved", "denied")]
    return [r["at"] - r["t"] for r in people]


def ended(told: Told, cut: Cut, mine: str, which: Callable[[dict[str, Any]], bool]) -> float | None:
    decided = [r for r in asked(told, cut, mine) if "end" in r]
    return share([r for r in decided if which(r)], decided)


def glass(told: Told, cut: Cut, mine: str = "") -> list[dict[str, Any]]:
    return [
        r
        for r in told.requests.values()
        if r["how"] == "glass" and not r["drill"] and cut(r["t"]) and mine in ("", r["by"])
    ]


def time_used(told: Told, cut: Cut, mine: str = "") -> float | None:
    grants = over(told, cut, mine)
    return sum(used(told, g) for g in grants) / sum(g["ms"] for g in grants) if grants else None


def wider(told: Told, cut: Cut, mine: str = "") -> float | None:
    able = []
    for g in over(told, cut, mine):
        done = {effect for one in g["sessions"] for effect in told.sessions[one]["effects"]}
        if told.requests[g["request"]]["items"][0]["role"] == "write" and done:
            able.append(done)
    return share([done for done in able if done == {"read"}], able)


def recurs(told: Told, cut: Cut, mine: str = "") -> float | None:
    here = [s for s in told.statements if cut(s["t"]) and mine in ("", s["actor"]["id"])]
    within: dict[str, set[str]] = {}
    for s in here:
        within.setdefault(s["body"]["fingerprint"], set()).add(s["session"])
    return share([s for s in here if len(within[s["body"]["fingerprint"]]) >= 3], here)


def agrees(told: Told, cut: Cut, mine: str = "") -> float | None:
    cast = votes(told, cut, mine)
    pairs: dict[tuple[str, str], list[str]] = {}
    for by, who, decision, _ in cast:
        pairs.setdefault((by, who), []).append(decision)
    good = [v for v in cast if len(pairs[v[:2]]) >= 3 and set(pairs[v[:2]]) == {"approve"}]
    return share(good, cast)


def stood(told: Told, cut: Cut, mine: str = "") -> float | None:
    return middle([r["at"] - r["t"] for r in glass(told, cut, mine) if "stood" in r])


COUNTED: Mapping[str, Callable[[Told, Cut, str], float | None]] = {
    "time-to-decide": lambda told, cut, mine: middle(decided_ms(told, cut, mine)),
    "requests": lambda told, cut, mine: len(asked(told, cut, mine)),
    "automatic": lambda told, cut, mine: ended(told, cut, mine, lambda r: r["how"] == "automatic"),
    "denied": lambda told, cut, mine: ended(told, cut, mine, lambda r: r["end"] == "denied"),
    "expired": lambda told, cut, mine: ended(told, cut, mine, lambda r: r["end"] == "expired"),
    "asked-and-used": time_used,
    "wider-than-used": wider,
    "unused-grants": lambda told, cut, mine: share(
        [g for g in over(told, cut, mine) if not g["sessions"]], over(told, cut, mine)
    ),
    "break-glass": lambda told, cut, mine: len(glass(told, cut, mine)),
    "time-to-ratify": stood,
    "recurring-statements": recurs,
    "agreeing-pairs": agrees,
    "time-to-look": lambda told, cut, mine: middle([looked for *_, looked in votes(told, cut, mine)]),
}


async def test_every_number_is_what_the_entries_say(world: World) -> None:
    await lived(world)
    found, now = await told(world), world.clock.t + 1
    whole = now - min(r["t"] for r in found.requests.values())
    insights = Insights(world.office)
    seen = set()
    for days in (14, whole // DAY + 1):
        since = now - days * DAY
        for name, count in COUNTED.items():
            for who in ("audrey", "ana", "eve"):
                mine = "" if who == "audrey" else (await world.who(who)).id
                answer = await insights.ask(await world.who(who), name, since=since, until=now)
                assert answer.everybody is (who == "audrey")
                former = answer.period.former
                assert (former.since, former.until) == (max(0, since - days * DAY), since)
                assert answer.number == pytest.approx(count(found, between(since, now), mine)), (name, who)
                expected = count(found, between(former.since, since), mine)
                assert answer.former == pytest.approx(expected), (name, who, "former")
                _chart(answer, found, count, mine)
                seen |= {(name, answer.number not in (None, 0))}
    assert {name for name, something in seen if something} == set(QUESTIONS) == set(COUNTED)


def _chart(answer: Answer, found: Told, count: Callable[[Told, Cut, str], float | None], mine: str) -> None:
    """The chart's parts are the same question over a day or a week, where that does not hang on the whole period."""
    assert sum(point.count for point in answer.chart) == answer.count
    if answer.question.name in ("recurring-statements", "agreeing-pairs"):
        return
    period, step = answer.period, answer.period.step
    for point in answer.chart:
        low, high = max(period.since, point.t), min(period.until, point.t + step)
        assert point.number == pytest.approx(count(found, between(low, high), mine))


async def test_groups_and_rows_add_up_to_the_number(world: World) -> None:
    await lived(world)
    found, now = await told(world), world.clock.t + 1
    since = now - 90 * DAY
    insights = Insights(world.office)
    audrey = await world.who("audrey")

    async def ask(name: str, by: str) -> Answer:
        return await insights.ask(audrey, name, since=since, until=now, by=by)

    for name, question in QUESTIONS.items():
        for by in question.by:
            answer = await ask(name, by)
            assert set(question.columns) == set(answer.rows[0]), name
            assert answer.groups, (name, by)
    every = [r for r in found.requests.values() if r["how"] != "glass"]
    reasons = {group.key: group.number for group in (await ask("requests", "reason")).groups}
    assert sum(reasons.values()) == len(every) and "month's end" in reasons and "order # is stuck" in reasons  # type: ignore[arg-type]
    teams = {group.key: group.count for group in (await ask("requests", "team")).groups}
    ana = (await world.who("ana")).id
    anas = [r for r in every if r["by"] == ana]
    assert teams == {
        "payments-engineers": len(every),
        "payments-leads": len(every) - len(anas),
        "payments-oncall": len(anas),
    }
    hours: dict[str, list[int]] = {}
    for r in every:
        if r["votes"] and r.get("end") in ("approved", "denied"):
            hours.setdefault(f"{datetime.fromtimestamp(r['t'] / 1000, UTC).hour:02}", []).append(r["at"] - r["t"])
    assert {g.key: g.number for g in (await ask("time-to-decide", "hour")).groups} == {
        hour: median(times) for hour, times in hours.items()
    }
    glass_rows = (await ask("break-glass", "ratified")).rows
    assert [row["ratified"] for row in glass_rows].count("refused") == 1
    assert len(glass_rows) == len(glass(found, lambda t: True))
    recurring = (await ask("recurring-statements", "fingerprint")).rows
    counts = {f: [s for s in found.statements if s["body"]["fingerprint"] == f] for f in ("f-look", "f-fix", "f-odd")}
    for row in recurring:
        these = counts[str(row["fingerprint"])]
        assert (row["statements"], row["sessions"]) == (len(these), len({s["session"] for s in these}))
    unused = (await ask("unused-grants", "person")).rows
    assert {row["grant"] for row in unused} == {
        id for id, g in found.grants.items() if not g["sessions"] and ("ended" in g or "lapsed" in g)
    }


async def test_one_group_is_looked_at_alone(world: World) -> None:
    """A group's own number is what the list of groups says, and its rows are those whose request is in it."""
    await lived(world)
    found, now = await told(world), world.clock.t + 1
    insights, audrey = Insights(world.office), await world.who("audrey")
    span = {"since": now - 90 * DAY, "until": now}
    for name, question in QUESTIONS.items():
        for by in question.by:
            whole = await insights.ask(audrey, name, by=by, **span)
            for group in whole.groups:
                one = await insights.ask(audrey, name, by=by, only=group.key, **span)
                assert (one.number, one.former, one.count) == (group.number, group.former, group.count), (name, by)
                assert sum(point.count for point in one.chart) == group.count and one.groups == whole.groups
    one = await insights.ask(audrey, "requests", by="team", only="payments-oncall", **span)
    ana = (await world.who("ana")).id
    named = {id for id, r in found.requests.items() if r["how"] != "glass" and r["by"] == ana}
    assert {row["request"] for row in one.rows} == named
    none = await insights.ask(audrey, "requests", by="policy", only="weather", **span)
    assert (none.number, none.count, list(none.rows)) == (0, 0, [])


async def test_what_there_is_not_is_said(world: World) -> None:
    insights, audrey = Insights(world.office), await world.who("audrey")
    with pytest.raises(NotFound, match="no question weather"):
        await insights.ask(audrey, "weather")
    with pytest.raises(Invalid, match="not asked by weather"):
        await insights.ask(audrey, "requests", by="weather")
    with pytest.raises(Invalid, match="since has to be before until"):
        await insights.ask(audrey, "requests", since=9, until=9)
    with pytest.raises(Invalid, match="at most 400 days"):
        await insights.ask(audrey, "requests", since=0)
    for name in QUESTIONS:
        answer = await insights.ask(audrey, name)
        assert answer.number in (None, 0) and not answer.rows and not answer.groups and len(answer.chart) in (30, 31)


def test_every_question_is_documented() -> None:
    text = DOCS.read_text()
    for name, question in QUESTIONS.items():
        assert f"`{name}`" in text and question.definition in text.replace("\n", " "), name
