"""Why policy answers as it does: every rule it looked at, every condition with its answer, and who would be asked.

It asks the same questions as `policy.evaluate`, and takes its verdict from there: what is explained is what happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.domain import matching, policy
from daypass.domain.conditions import Condition, ConditionFailed, compile_condition
from daypass.domain.crowd import Crowd
from daypass.domain.durations import spoken_duration
from daypass.domain.errors import Invalid
from daypass.domain.people import Person, selected
from daypass.domain.policy import Automatic, Matched, NeedsVotes, Question, Verdict
from daypass.domain.rules import Denial, Policy, Rule
from daypass.domain.target import Target

YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Part:
    """One condition, or a part of one between `&&`, with its answer: `yes`, `no`, or why there is none."""

    source: str
    answer: str


@dataclass(frozen=True, slots=True)
class Looked:
    """One rule or denial that was looked at. `why_not`: the first thing in which it does not fit; empty: it does."""

    name: str
    line: int
    denial: bool
    why_not: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """The verdict, in one sentence and in its parts. `asked`: the ids of those who would be asked, by stage."""

    verdict: Verdict | Matched
    sentence: str
    looked: tuple[Looked, ...]
    asked: tuple[tuple[str, ...], ...]

    @property
    def state(self) -> str:
        """`AUTOMATIC`, `NEEDS_VOTES`, `BREAK_GLASS` or `REFUSED`."""
        match self.verdict:
            case Automatic():
                return "AUTOMATIC"
            case NeedsVotes():
                return "NEEDS_VOTES"
            case Matched():
                return "BREAK_GLASS"
        return "REFUSED"


def explain(policies: Sequence[Policy], question: Question, crowd: Crowd, *, glass: bool = False) -> Explained:
    """How this question is decided, and why. `glass`: if it were asked by breaking the glass."""
    found = policy.policy_of(policies, question.target)
    looked: list[Looked] = []
    for denial in found.denials if found is not None else ():
        looked.append(_denial(denial, question))
    for rule in found.rules if found is not None else ():
        looked.append(_rule(rule, question, glass))
        if not looked[-1].why_not:
            break
    verdict: Verdict | Matched
    verdict = policy.match(policies, question, glass=True) if glass else policy.evaluate(policies, question, crowd)
    stages = verdict.stages if isinstance(verdict, NeedsVotes) else ()
    return Explained(verdict, _sentence(question, verdict), tuple(looked), tuple(one.eligible for one in stages))


def _sentence(question: Question, verdict: Verdict | Matched) -> str:
    what = f"{question.target.name}:{question.role} for {spoken_duration(question.duration_ms)}"
    who = f"{question.requester.email} asking for {what}"
    match verdict:
        case Automatic():
            return f"{who} would be approved at once: {verdict.reason}."
        case NeedsVotes():
            return f"{who} would wait for a decision: {verdict.reason}."
        case Matched():
            rule = f"rule {verdict.rule.name!r} of {verdict.policy.name}"
            return f"{who} by breaking the glass would get it at once: {rule}."
    return f"{who} would be refused: {verdict.reason}."


def _rule(rule: Rule, question: Question, glass: bool) -> Looked:
    why_not, parts = "", tuple[Part, ...]()
    if not selected(question.requester, rule.who):
        why_not = f"it is for {', '.join(rule.who)}"
    elif question.role not in rule.roles:
        why_not = f"it is for {', '.join(rule.roles)}"
    elif (rule.break_glass is not None) is not glass:
        why_not = "it is not for breaking the glass" if glass else "it is for breaking the glass"
    elif not policy.within_hours(rule, question):
        why_not = f"it holds {rule.hours}"
    elif rule.when is not None:
        parts = answers(rule.when, question)
        why_not = next(("its condition does not hold" for part in parts if part.answer == NO), "")
    return Looked(rule.name, rule.line, False, why_not, parts)


def _denial(denial: Denial, question: Question) -> Looked:
    why_not, parts = "", tuple[Part, ...]()
    if denial.who and not selected(question.requester, denial.who):
        why_not = f"it is for {', '.join(denial.who)}"
    elif denial.roles and question.role not in denial.roles:
        why_not = f"it is for {', '.join(denial.roles)}"
    elif not policy.within_hours(denial, question):
        why_not = f"it holds {denial.hours}"
    elif denial.when is not None:
        parts = answers(denial.when, question)
        why_not = next(("its condition does not hold" for part in parts if part.answer == NO), "")
    return Looked(denial.name, denial.line, True, why_not, parts)


def answers(when: Condition, question: Question) -> tuple[Part, ...]:
    """The answer of each part of a condition; the whole one's where it cannot be taken apart."""
    parts = conjuncts(when.source)
    try:
        compiled = [compile_condition(part) for part in parts]
    except Invalid:
        compiled = [when]
    facts = policy.facts(question)
    found = []
    for condition in compiled:
        try:
            answer = YES if condition.test(facts) else NO
        except ConditionFailed as failed:
            answer = "; ".join([str(failed), *policy.unknown_to(condition, question)])
        found.append(Part(condition.source, answer))
    return tuple(found)


def conjuncts(source: str) -> tuple[str, ...]:
    """The parts between the outermost `&&`. Quotes and brackets stay whole; with an outer `||` or `?` it is one."""
    parts, depth, quote, begin, at = [], 0, "", 0, 0
    while at < len(source):
        character = source[at]
        if quote:
            at += 2 if character == "\\" else 1
            quote = "" if character == quote else quote
            continue
        if character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth == 0 and (character == "?" or source.startswith("||", at)):
            return (source.strip(),)
        elif depth == 0 and source.startswith("&&", at):
            parts.append(source[begin:at].strip())
            begin = at + 2
            at += 1
        at += 1
    return (*parts, source[begin:].strip())


@dataclass(frozen=True, slots=True)
class Can:
    """One way in which one person could get a role. `if_`: what would have to hold; `how`: how it is decided."""

    person: str
    rule: str
    how: str
    if_: str


def who_can(policies: Sequence[Policy], target: Target, role: str, crowd: Crowd, now: int) -> tuple[Can, ...]:
    """Who could get this role at this time, and how. A condition that the asking decides on (`request`, `ticket`,
    `history`, `on_call`) is told; one that does not hold whatever is asked leaves its rule out."""
    found = []
    for person in crowd.people:
        question = Question(person, target, role, 1000, now)
        for rule in _open_rules(policies, question):
            how = _how(policies, rule, question, crowd)
            if how:
                found.append(Can(person.id, rule.name, how, _if(rule, question)))
    return tuple(found)


def _open_rules(policies: Sequence[Policy], question: Question) -> list[Rule]:
    covering = policy.policy_of(policies, question.target)
    if covering is None:
        return []
    denied = [_denial(denial, question) for denial in covering.denials]
    if any(not one.why_not and not _depends(one.parts) for one in denied):
        return []
    rules = [rule for rule in covering.rules_for(question.requester) if question.role in rule.roles]
    return [rule for rule in rules if policy.within_hours(rule, question) and _could_hold(rule, question)]


_ASKED = frozenset({"request", "ticket", "history", "on_call"})


def _depends(parts: Sequence[Part]) -> bool:
    return any(compile_condition(part.source).names & _ASKED for part in parts)


def _could_hold(rule: Rule, question: Question) -> bool:
    if rule.when is None:
        return True
    return all(part.answer == YES or _depends((part,)) for part in answers(rule.when, question))


def _if(rule: Rule, question: Question) -> str:
    if rule.when is None:
        return ""
    return " && ".join(part.source for part in answers(rule.when, question) if _depends((part,)))


def _how(policies: Sequence[Policy], rule: Rule, question: Question, crowd: Crowd) -> str:
    """How it is decided; empty where nobody could."""
    if rule.break_glass is not None:
        return f"by breaking the glass, {spoken_duration(rule.break_glass.longest_ms)} at most"
    if rule.decide is None or rule.decide.automatic:
        return "automatically"
    stages = policy.stages_of(rule, question, crowd)
    if not matching.satisfied(stages, {id for stage in stages for id in stage.eligible}):
        return ""
    return f"if approved by {policy.spoken_stages(stages)}"


def person_named(people: Sequence[Person], email: str) -> Person | None:
    """The person with this address."""
    return next((one for one in people if one.email == email.strip().lower()), None)
