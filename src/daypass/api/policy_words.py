"""A policy as people read it: rules, denials and ceilings in words. What it means is `domain`'s; this only says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, Field

from daypass.domain.durations import spoken_duration
from daypass.domain.policy import spoken_stages
from daypass.domain.rules import SAMPLE_ALL, UNDECIDED_AFTER_MS, Denial, Duty, Limits, Policy, Rule


class RuleView(BaseModel):
    """A rule. Its `id` is its name; rules are read from the top, and the first that fits decides."""

    id: str
    state: Literal["AUTOMATIC", "NEEDS_VOTES", "BREAK_GLASS"]
    line: int = Field(description="Where it stands in the file.")
    who: list[str]
    roles: list[str]
    when: str = Field(description="Its condition; empty: always.")
    hours: str = Field(description="The hours of the week in which it holds; empty: all.")
    how: str = Field(description="How it is decided, in words.")
    owes: list[str] = Field(description="What is owed afterwards, in words.")
    tell: list[str]
    ends_with_ticket: bool


class DenialView(BaseModel):
    """What is never given, whatever a rule says. Empty lists: everybody, every role."""

    id: str
    state: Literal["DENIES"] = "DENIES"
    line: int
    who: list[str]
    roles: list[str]
    when: str
    hours: str
    because: str


class WordsView(BaseModel):
    """What a policy says."""

    id: str
    state: Literal["READ"] = "READ"
    covers: list[str] = Field(description="Targets by name, and `label=value` that all have to fit.")
    limits: list[str] = Field(description="Ceilings over every rule, in words.")
    denials: list[DenialView]
    rules: list[RuleView]


def in_words(policy: Policy) -> WordsView:
    """All of it."""
    labels = [f"{key}={value}" for key, value in policy.covers.labels.items()]
    return WordsView(
        id=policy.name,
        covers=[*policy.covers.targets, *labels],
        limits=list(_limits(policy.limits)),
        denials=[_denial(one) for one in policy.denials],
        rules=[_rule(one) for one in policy.rules],
    )


def _rule(rule: Rule) -> RuleView:
    automatic = rule.decide is not None and rule.decide.automatic
    return RuleView(
        id=rule.name,
        state="BREAK_GLASS" if rule.break_glass else "AUTOMATIC" if automatic else "NEEDS_VOTES",
        line=rule.line,
        who=list(rule.who),
        roles=list(rule.roles),
        when=rule.when.source if rule.when is not None else "",
        hours=str(rule.hours) if rule.hours is not None else "",
        how=_how(rule),
        owes=list(_owes(rule)),
        tell=list(rule.tell),
        ends_with_ticket=rule.ends_with_ticket,
    )


def _how(rule: Rule) -> str:
    if rule.break_glass is not None:
        told = ", ".join(rule.break_glass.tell)
        return f"by breaking the glass, {spoken_duration(rule.break_glass.longest_ms)} at most; {told} are told at once"
    decide = rule.decide
    if decide is None or decide.automatic:
        return "at once, by itself"
    said = [f"by {spoken_stages(decide.stages)}"]
    if decide.signed:
        said.append("with signed votes")
    if decide.deny > 1:
        said.append(f"{decide.deny} denials deny")
    if decide.escalate is not None:
        to = " or ".join(decide.escalate.to)
        said.append(f"after {spoken_duration(decide.escalate.after_ms)} by {to} as well")
    if decide.undecided_after_ms != UNDECIDED_AFTER_MS:
        said.append(f"undecided after {spoken_duration(decide.undecided_after_ms)}, it expires")
    if decide.hours is not None:
        said.append(f"time runs {decide.hours}")
    return "; ".join(said)


def _owes(rule: Rule) -> Iterator[str]:
    for name, duty in (("signed off", rule.owes.sign_off), ("ratified", rule.owes.ratify)):
        if duty is not None:
            yield _duty(name, duty)


def _duty(name: str, duty: Duty) -> str:
    each = "each session" if duty.of == "session" else "it"
    of = "" if duty.sample == SAMPLE_ALL else f" {duty.sample} % of the time"
    said = f"{each} is {name}{of} by {' or '.join(duty.by)} within {spoken_duration(duty.within_ms)}"
    if duty.otherwise:
        said += f", otherwise {duty.otherwise.replace('_', ' ')}"
    return f"{said}; overdue, {' or '.join(duty.escalate)} as well" if duty.escalate else said


def _denial(denial: Denial) -> DenialView:
    return DenialView(
        id=denial.name,
        line=denial.line,
        who=list(denial.who),
        roles=list(denial.roles),
        when=denial.when.source if denial.when is not None else "",
        hours=str(denial.hours) if denial.hours is not None else "",
        because=denial.because,
    )


def _limits(limits: Limits) -> Iterator[str]:
    if limits.longest_ms is not None:
        yield f"at most {spoken_duration(limits.longest_ms)}"
    yield f"used within {spoken_duration(limits.activate_within_ms)} of the approval, or it lapses"
    if limits.extend is not None:
        by, times = spoken_duration(limits.extend.by_ms), limits.extend.times
        vote = " without a vote" if limits.extend.automatic else ""
        yield f"extended {times} {'time' if times == 1 else 'times'}, by {by} each{vote}"
    if limits.idle_ms is not None:
        yield f"a session that says nothing for {spoken_duration(limits.idle_ms)} ends"
    if limits.project_ms is not None:
        yield f"projects of up to {spoken_duration(limits.project_ms)}"
