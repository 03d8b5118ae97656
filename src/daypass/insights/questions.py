"""The questions by name: what each one asks, in which unit, and by what it can be grouped. docs/insights.md follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from daypass.insights import agreeing, deciding, emergencies, using
from daypass.insights.cases import Case, Measure
from daypass.insights.facts import Facts
from daypass.insights.period import Period

Unit = Literal["ms", "share", "count"]
RECURRING = "recurring-statements"

M = Measure


@dataclass(frozen=True, slots=True)
class Question:
    """`definition` says in one sentence what the number is; `cases` finds what it is taken of (None: it is asked of the
    record of statements, see `recurring.py`); `by` is what it can be grouped by, the first by default."""

    name: str
    title: str
    definition: str
    measure: Measure
    unit: Unit
    by: tuple[str, ...]
    columns: tuple[str, ...]
    cases: Callable[[Facts, Period], list[Case]] | None


_ASKED = ("at", "request", "requester", "target", "role", "policy", "state")
_GIVEN = ("at", "grant", "request", "person", "target", "role", "ended_because")
_VOTED = ("at", "request", "requester", "approver", "target", "vote", "looked_ms")
_RECURS = ("fingerprint", "kind", "effect", "tables", "statements", "sessions", "people", "example", "at")

_ALL = (
    Question(
        "time-to-decide",
        "Time to decide",
        "The median time from asking to the decision, of requests made in the period that people decided.",
        M.MEDIAN,
        "ms",
        ("policy", "approver", "hour"),
        (*_ASKED, "decided_by", "took_ms"),
        deciding.time_to_decide,
    ),
    Question(
        "requests",
        "Requests",
        "How many requests were made in the period, extensions among them, broken glass not.",
        M.COUNT,
        "count",
        ("reason", "target", "team", "policy"),
        _ASKED,
        deciding.requests,
    ),
    Question(
        "automatic",
        "Automatic share",
        "The share of the requests made in the period and decided since that a rule approved by itself.",
        M.SHARE,
        "share",
        ("policy", "target", "team"),
        _ASKED,
        deciding.automatic,
    ),
    Question(
        "denied",
        "Denied share",
        "The share of the requests made in the period and decided since that were denied.",
        M.SHARE,
        "share",
        ("policy", "target", "team"),
        _ASKED,
        deciding.denied,
    ),
    Question(
        "expired",
        "Expired share",
        "The share of the requests made in the period and decided since that nobody decided in time.",
        M.SHARE,
        "share",
        ("policy", "target", "team"),
        _ASKED,
        deciding.expired,
    ),
    Question(
        "asked-and-used",
        "Asked against used time",
        "The time in which a session was open, as a share of the time that was given, over all grants made in the "
        "period that are over.",
        M.SHARE,
        "share",
        ("target", "role", "policy"),
        (*_GIVEN, "asked_ms", "used_ms"),
        using.asked_and_used,
    ),
    Question(
        "wider-than-used",
        "Roles wider than what was done",
        "Of the grants made in the period that are over, were worked under and could change something, the share "
        "under which everything that was submitted only read.",
        M.SHARE,
        "share",
        ("role", "target", "person"),
        (*_GIVEN, "given", "done"),
        using.wider_than_used,
    ),
    Question(
        "unused-grants",
        "Grants never used",
        "Of the grants made in the period that are over, the share under which no session was opened.",
        M.SHARE,
        "share",
        ("target", "role", "person"),
        _GIVEN,
        using.unused_grants,
    ),
    Question(
        "break-glass",
        "Broken glass",
        "How often the glass was broken in the period, exercises not counted.",
        M.COUNT,
        "count",
        ("ratified", "target", "person"),
        (*_ASKED, "ratified", "took_ms"),
        emergencies.break_glass,
    ),
    Question(
        "time-to-ratify",
        "Time to ratify",
        "The median time from breaking the glass to its ratification or refusal, of glass broken in the period.",
        M.MEDIAN,
        "ms",
        ("ratified", "target", "person"),
        (*_ASKED, "ratified", "took_ms"),
        emergencies.time_to_ratify,
    ),
    Question(
        RECURRING,
        "Statements that recur",
        "The share of the statements submitted in the period that, whatever their literals, were submitted in three "
        "or more sessions: they want a runbook.",
        M.SHARE,
        "share",
        ("fingerprint", "kind", "effect"),
        _RECURS,
        None,
    ),
    Question(
        "agreeing-pairs",
        "Pairs that always agree",
        "The share of the votes on requests made in the period that an approver cast who decided on that requester "
        "three or more times and always approved.",
        M.SHARE,
        "share",
        ("pair", "approver", "requester"),
        (*_VOTED, "met"),
        agreeing.agreeing_pairs,
    ),
    Question(
        "time-to-look",
        "How long approvers can have looked",
        "The median time from a request's last word before a vote (asked, changed or answered) to the vote: nobody "
        "looked longer.",
        M.MEDIAN,
        "ms",
        ("approver", "pair", "requester"),
        _VOTED,
        agreeing.time_to_look,
    ),
)

QUESTIONS: Mapping[str, Question] = {question.name: question for question in _ALL}
