"""Policy: who may ask for what, how it is decided, and what is owed afterwards. The one question to it.

`match` says which rule a question falls under, or why none; `evaluate` goes on to how it is decided. The first rule
that matches decides and no match is refused; denials and ceilings win over rules; a condition that cannot be answered
refuses, and is never taken for "no match"; nobody who could decide is a refusal, never an approval. Pure: files are
read elsewhere (`policy_file.py` knows their form, `rules.py` the values).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from daypass.domain import matching
from daypass.domain.conditions import Condition, ConditionFailed
from daypass.domain.crowd import Crowd, as_crowd
from daypass.domain.durations import as_datetime, duration_text
from daypass.domain.people import Person, selected
from daypass.domain.request import Route, Stage
from daypass.domain.rules import (
    ACTIVATE_WITHIN_MS,
    UNDECIDED_AFTER_MS,
    BreakGlass,
    Covers,
    Decide,
    Denial,
    Duty,
    Escalate,
    Expectation,
    ExtendLimit,
    Limits,
    Needs,
    Owes,
    Policy,
    Rule,
    StageRule,
)
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.target import Target

__all__ = [
    "ACTIVATE_WITHIN_MS",
    "UNDECIDED_AFTER_MS",
    "Automatic",
    "BreakGlass",
    "Covers",
    "Decide",
    "Denial",
    "Duty",
    "Escalate",
    "Expectation",
    "ExtendLimit",
    "Limits",
    "Matched",
    "Needs",
    "NeedsVotes",
    "Owes",
    "Policy",
    "Question",
    "Refused",
    "Rule",
    "StageRule",
    "Verdict",
    "Way",
]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of policy: may this person have this role on this target, for so long, now?"""

    requester: Person
    target: Target
    role: str
    duration_ms: int
    now: int
    reason: str = ""
    ticket: str = ""
    start_at: int | None = None
    on_behalf_of: str | None = None
    ticket_facts: Mapping[str, object] | None = None
    """What the ticket's system says of it; None: nothing is known, and a condition that asks refuses."""
    history: Mapping[str, object] | None = None
    """What came of this person's earlier access to this target (docs/policy.md); None: nothing is known."""
    on_call: Mapping[str, Sequence[str]] | None = None
    """Who is on call by each schedule that could be asked (addresses); None: none was asked."""
    scope: Scope = WHOLE
    """What it is to be limited to; empty: everything that the role can do."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Why something is not known, for the refusal to say: of the `ticket`, of `on_call.NAME`."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The question falls under this rule."""

    policy: Policy
    rule: Rule


@dataclass(frozen=True, slots=True)
class Automatic:
    """The rule itself approves."""

    policy: Policy
    rule: Rule
    reason: str
    route: Route = field(default_factory=Route)


@dataclass(frozen=True, slots=True)
class NeedsVotes:
    """People decide: the route, with those who are eligible now."""

    policy: Policy
    rule: Rule
    stages: tuple[Stage, ...]
    undecided_after_ms: int
    reason: str
    route: Route = field(default_factory=Route)


@dataclass(frozen=True, slots=True)
class Refused:
    """No. `policy` and `rule` are what said so, where something did."""

    policy: Policy | None
    rule: Rule | None
    reason: str
    hint: str = ""
    unknown: bool = False
    """Whether it is only that somebody outside could not be asked."""


Verdict = Automatic | NeedsVotes | Refused


def policy_of(policies: Sequence[Policy], target: Target) -> Policy | None:
    """The policy that covers this target (loading makes sure that there is one at most)."""
    return next((policy for policy in policies if policy.covers.includes(target)), None)


def facts(question: Question) -> dict[str, object]:
    """What a condition may speak of; docs/policy.md lists it."""
    q = question
    return {
        "request": {
            "target": q.target.name,
            "role": q.role,
            "reason": q.reason,
            "ticket": q.ticket,
            "minutes": q.duration_ms // 60_000,
            "start": as_datetime(q.start_at or q.now),
            "scope": list(q.scope),
        },
        "requester": {"email": q.requester.email, "name": q.requester.name, "groups": sorted(q.requester.groups)},
        "target": {"name": q.target.name, "protocol": q.target.protocol, "labels": dict(q.target.labels)},
        "now": as_datetime(q.now),
        **({"ticket": dict(q.ticket_facts)} if q.ticket_facts is not None else {}),
        **({"history": dict(q.history)} if q.history is not None else {}),
        **({"on_call": {name: list(who) for name, who in q.on_call.items()}} if q.on_call is not None else {}),
    }


def match(policies: Sequence[Policy], question: Question, *, glass: bool = False) -> Matched | Refused:
    """The first rule that this question falls under, within its ceilings; `glass`: of those for breaking the glass.
    This is asked again at activation and at connect, where who could decide no longer matters."""
    policy = policy_of(policies, question.target)
    if policy is None:
        return Refused(None, None, f"no policy covers {question.target.name}", "an operator can add one")
    if question.requester.disabled:
        return Refused(policy, None, "this person is disabled")
    refused = denied(policy, question)
    if refused is not None:
        return refused
    other = False
    for rule in policy.rules_for(question.requester):
        if question.role not in rule.roles:
            continue
        if (rule.break_glass is not None) is not glass:
            other = True
            continue
        if not within_hours(rule, question):
            continue
        answer = _answer(rule.when, question)
        if isinstance(answer, str):
            why = f"the condition of rule {rule.name!r} cannot be answered: {answer}"
            return Refused(policy, rule, why, unknown=bool(unknown_to(rule.when, question)))
        if answer:
            return _within(policy, rule, question)
    return _no_rule(policy, question, glass, other)


def _no_rule(policy: Policy, question: Question, glass: bool, other: bool) -> Refused:
    role, target = question.role, question.target.name
    if glass:
        hint = "ask in the usual way: daypass request" if other else ""
        return Refused(policy, None, f"no rule of {policy.name} lets you break the glass for {role} on {target}", hint)
    hint = "in an emergency: daypass break-glass" if other else "daypass targets shows what you may ask for"
    return Refused(policy, None, f"no rule of {policy.name} lets you have {role} on {target}", hint)


def _answer(when: Condition | None, question: Question) -> bool | str:
    """Whether the condition holds, or why that cannot be told. None holds always."""
    if when is None:
        return True
    try:
        return when.test(facts(question))
    except ConditionFailed as failed:
        return "; ".join([str(failed), *unknown_to(when, question)])


def unknown_to(when: Condition | None, question: Question) -> tuple[str, ...]:
    """Why what this condition speaks of is not known, where somebody outside could not be asked."""
    names = when.names if when is not None else frozenset()
    return tuple(why for name, why in question.unknown.items() if name.partition(".")[0] in names)


def denied(policy: Policy, question: Question) -> Refused | None:
    """The denial that this question falls under. One whose condition cannot be answered denies as well."""
    for denial in policy.denials:
        if denial.who and not selected(question.requester, denial.who):
            continue
        if denial.roles and question.role not in denial.roles:
            continue
        if not within_hours(denial, question):
            continue
        answer = _answer(denial.when, question)
        if answer is not False:
            why = f": {denial.because}" if denial.because else ""
            failed = f" (its condition cannot be answered: {answer})" if isinstance(answer, str) else ""
            unknown = bool(failed and unknown_to(denial.when, question))
            said = f"{policy.name} denies this by {denial.name!r}{why}{failed}"
            return Refused(policy, None, said, unknown=unknown)
    return None


def within_hours(rule: Rule | Denial, question: Question) -> bool:
    """Whether the rule or denial holds at the time for which access is asked; once that has come, now."""
    return rule.hours is None or rule.hours.holds(max(question.start_at or 0, question.now))


def _within(policy: Policy, rule: Rule, question: Question) -> Matched | Refused:
    limits = [policy.limits.longest_ms, rule.break_glass.longest_ms if rule.break_glass is not None else None]
    longest = min((limit for limit in limits if limit is not None), default=None)
    if longest is not None and question.duration_ms > longest:
        asked, most = duration_text(question.duration_ms), duration_text(longest)
        return Refused(policy, rule, f"{policy.name} allows at most {most}, not {asked}", f"ask for --for {most}")
    return Matched(policy, rule)


def evaluate(policies: Sequence[Policy], question: Question, people: Sequence[Person] | Crowd) -> Verdict:
    """How this question is decided. `people` are all there are: who is eligible is taken from them now."""
    matched = match(policies, question)
    if isinstance(matched, Refused):
        return matched
    policy, rule = matched.policy, matched.rule
    if rule.decide is None:
        return Refused(policy, rule, f"rule {rule.name!r} says nothing about how it is decided")
    if rule.decide.automatic:
        said = f"rule {rule.name!r} of {policy.name} approves by itself"
        return Automatic(policy, rule, said, Route(tell=rule.tell, ends_with_ticket=rule.ends_with_ticket))
    crowd = as_crowd(people)
    stages = stages_of(rule, question, crowd)
    everybody = {id for stage in stages for id in stage.eligible}
    if not matching.satisfied(stages, everybody):
        return Refused(
            policy,
            rule,
            f"rule {rule.name!r} of {policy.name} needs {spoken_stages(stages)}, and there are not enough of them",
            f"ask an operator to see to {names_of(stages)}",
        )
    reason = f"rule {rule.name!r} of {policy.name} needs {spoken_stages(stages)}"
    waits = rule.decide.until(question.now, rule.decide.undecided_after_ms) - question.now
    return NeedsVotes(policy, rule, stages, waits, reason, _route(rule, rule.decide, question, crowd))


def stages_of(rule: Rule, question: Question, crowd: Crowd) -> tuple[Stage, ...]:
    """The rule's stages with those who are eligible now."""
    who, owner = question.requester.id, question.on_behalf_of
    wanted = rule.decide.stages if rule.decide is not None else ()
    return tuple(Stage(stage.need, stage.of, crowd.eligible(stage.of, who, owner)) for stage in wanted)


def _route(rule: Rule, decide: Decide, question: Question, crowd: Crowd) -> Route:
    now, escalate = question.now, decide.escalate
    return Route(
        deny=decide.deny,
        signed=decide.signed or bool(decide.step_up),
        step_up=decide.step_up,
        escalate_at=decide.until(now, escalate.after_ms) if escalate is not None else None,
        escalate_to=escalate.to if escalate is not None else (),
        tell=rule.tell,
        ends_with_ticket=rule.ends_with_ticket,
        excluded=tuple(sorted(crowd.selves(question.requester.id, question.on_behalf_of or question.requester.id))),
    )


def tightened(matched: Matched, automatic: bool) -> bool:
    """Whether a grant that came about automatically now falls under a rule where people decide."""
    return automatic and (matched.rule.decide is None or not matched.rule.decide.automatic)


def names_of(stages: Sequence[Stage | StageRule]) -> str:
    """Everybody whom these stages name, each once: `group:a, group:b`."""
    return ", ".join(dict.fromkeys(name for stage in stages for name in stage.of))


def spoken_stages(stages: Sequence[Stage | StageRule]) -> str:
    """`1 of group:leads and 2 of group:secops, other than the requester`."""
    return " and ".join(f"{stage.need} of {' or '.join(stage.of)}" for stage in stages) + ", other than the requester"


@dataclass(frozen=True, slots=True)
class Way:
    """One rule by which a person may ask for a role, and what asking takes."""

    role: str
    rule: str
    how: str
    when: str
    longest_ms: int | None
    break_glass: bool
    owes: Mapping[str, object]


def ways(policies: Sequence[Policy], person: Person, target: Target) -> tuple[Way, ...]:
    """Every way in which this person may ask for something on this target; conditions are shown and not tested."""
    policy = policy_of(policies, target)
    if policy is None or person.disabled:
        return ()
    return tuple(
        _way(policy, rule, role) for rule in policy.rules_for(person) for role in rule.roles if role in target.roles
    )


def _way(policy: Policy, rule: Rule, role: str) -> Way:
    how = "automatic"
    longest = policy.limits.longest_ms
    if rule.break_glass is not None:
        how, longest = "break-glass", rule.break_glass.longest_ms
    elif rule.decide is not None and rule.decide.stages:
        how = f"needs {spoken_stages(rule.decide.stages)}"
    when = rule.when.source if rule.when else ""
    if rule.hours is not None:
        how = f"{how}, {rule.hours}"
    return Way(role, rule.name, how, when, longest, rule.break_glass is not None, rule.owes.plain())
