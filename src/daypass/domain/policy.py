"""Policy: who may ask for what, how it is decided, and what is owed afterwards. Values, and the one question to them.

`match` says which rule a question falls under, or why none; `evaluate` goes on to how it is decided. The first rule
that matches decides and no match is refused; ceilings win over rules; a condition that cannot be answered refuses, and
is never taken for "no match"; nobody who could decide is a refusal, never an approval. Pure: files are read elsewhere
(`policy_file.py` knows their form).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from daypass.domain import matching
from daypass.domain.conditions import Condition, ConditionFailed
from daypass.domain.durations import DAY_MS, as_datetime, duration_text
from daypass.domain.people import Person, selected
from daypass.domain.request import Stage
from daypass.domain.target import Target

UNDECIDED_AFTER_MS = DAY_MS
"""How long a request waits when its rule does not say."""

ACTIVATE_WITHIN_MS = DAY_MS
"""How long an approved grant waits for its first use when its policy does not say."""


@dataclass(frozen=True, slots=True)
class Covers:
    """Which targets a policy is about: those named, or those that carry all these labels."""

    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def includes(self, target: Target) -> bool:
        if target.name in self.targets:
            return True
        return bool(self.labels) and all(target.labels.get(key) == value for key, value in self.labels.items())


@dataclass(frozen=True, slots=True)
class ExtendLimit:
    """How often, and each time by at most how much, a grant may be extended. `automatic`: without a vote, also where
    people decided on the grant."""

    times: int
    by_ms: int
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings over every rule of the policy."""

    longest_ms: int | None = None
    activate_within_ms: int = ACTIVATE_WITHIN_MS
    extend: ExtendLimit | None = None
    idle_ms: int | None = None
    """How long a session's client may say nothing while nothing of it is at work."""


@dataclass(frozen=True, slots=True)
class StageRule:
    """`need` people out of those whom `of` names (`group:NAME` or addresses)."""

    need: int
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decide:
    """How a rule decides: by itself (no stages), or by people."""

    stages: tuple[StageRule, ...] = ()
    undecided_after_ms: int = UNDECIDED_AFTER_MS

    @property
    def automatic(self) -> bool:
        return not self.stages


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Access without a decision: how long at most, and who is told at once."""

    longest_ms: int
    tell: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """Something owed: by whom, within what time after the end; `otherwise` is what follows if it is not done."""

    by: tuple[str, ...]
    within_ms: int
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Owes:
    """What is owed after access under a rule."""

    sign_off: Duty | None = None
    ratify: Duty | None = None

    def plain(self) -> dict[str, object]:
        """As JSON: how it is carried on requests and grants."""
        duties = {"sign_off": self.sign_off, "ratify": self.ratify}
        return {
            name: {"by": list(duty.by), "within_ms": duty.within_ms, "otherwise": duty.otherwise}
            for name, duty in duties.items()
            if duty is not None
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to access. Exactly one of `decide` and `break_glass` is there."""

    name: str
    who: tuple[str, ...]
    roles: tuple[str, ...]
    when: Condition | None = None
    decide: Decide | None = None
    break_glass: BreakGlass | None = None
    owes: Owes = Owes()


@dataclass(frozen=True, slots=True)
class Needs:
    """An expectation: so many people have to approve, and this one never can."""

    needs: int
    never: str | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """A case that the policy's author wrote down. `then` is `automatic`, `refused`, or a `Needs`; `at` an instant."""

    place: str
    by: str
    target: str
    role: str
    for_ms: int
    then: str | Needs
    ticket: str = ""
    reason: str = ""
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy file. `digest` is the SHA-256 of its text, in hex; `file` how complaints name it."""

    name: str
    digest: str
    file: str
    covers: Covers
    limits: Limits
    rules: tuple[Rule, ...]
    expect: tuple[Expectation, ...] = ()


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


@dataclass(frozen=True, slots=True)
class NeedsVotes:
    """People decide: the route, with those who are eligible now."""

    policy: Policy
    rule: Rule
    stages: tuple[Stage, ...]
    undecided_after_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No. `policy` and `rule` are what said so, where something did."""

    policy: Policy | None
    rule: Rule | None
    reason: str
    hint: str = ""


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
        },
        "requester": {"email": q.requester.email, "name": q.requester.name, "groups": sorted(q.requester.groups)},
        "target": {"name": q.target.name, "protocol": q.target.protocol, "labels": dict(q.target.labels)},
        "now": as_datetime(q.now),
    }


def match(policies: Sequence[Policy], question: Question) -> Matched | Refused:
    """The first rule that this question falls under, within its ceilings. This is asked again at activation and at
    connect, where who could decide no longer matters."""
    policy = policy_of(policies, question.target)
    if policy is None:
        return Refused(None, None, f"no policy covers {question.target.name}", "an operator can add one")
    if question.requester.disabled:
        return Refused(policy, None, "this person is disabled")
    glass = False
    for rule in policy.rules:
        if not _for(rule, question):
            continue
        if rule.break_glass is not None:
            glass = True
            continue
        if rule.when is not None:
            try:
                if not rule.when.test(facts(question)):
                    continue
            except ConditionFailed as failed:
                return Refused(policy, rule, f"the condition of rule {rule.name!r} cannot be answered: {failed}")
        return _within(policy, rule, question)
    hint = "in an emergency: daypass break-glass" if glass else "daypass targets shows what you may ask for"
    return Refused(
        policy, None, f"no rule of {policy.name} lets you have {question.role} on {question.target.name}", hint
    )


def _for(rule: Rule, question: Question) -> bool:
    return question.role in rule.roles and selected(question.requester, rule.who)


def _within(policy: Policy, rule: Rule, question: Question) -> Matched | Refused:
    longest = policy.limits.longest_ms
    if longest is not None and question.duration_ms > longest:
        asked, most = duration_text(question.duration_ms), duration_text(longest)
        return Refused(policy, rule, f"{policy.name} allows at most {most}, not {asked}", f"ask for --for {most}")
    return Matched(policy, rule)


def evaluate(policies: Sequence[Policy], question: Question, people: Sequence[Person]) -> Verdict:
    """How this question is decided. `people` are all there are: who is eligible is taken from them now."""
    matched = match(policies, question)
    if isinstance(matched, Refused):
        return matched
    policy, rule = matched.policy, matched.rule
    if rule.decide is None:
        return Refused(policy, rule, f"rule {rule.name!r} says nothing about how it is decided")
    if rule.decide.automatic:
        return Automatic(policy, rule, f"rule {rule.name!r} of {policy.name} approves by itself")
    excluded = {question.requester.id, question.on_behalf_of or question.requester.id}
    stages = tuple(
        Stage(
            stage.need, stage.of, tuple(sorted(p.id for p in people if p.id not in excluded and selected(p, stage.of)))
        )
        for stage in rule.decide.stages
    )
    everybody = {id for stage in stages for id in stage.eligible}
    if not matching.satisfied(stages, everybody):
        return Refused(
            policy,
            rule,
            f"rule {rule.name!r} of {policy.name} needs {spoken_stages(stages)}, and there are not enough of them",
            f"ask an operator to see to {names_of(stages)}",
        )
    reason = f"rule {rule.name!r} of {policy.name} needs {spoken_stages(stages)}"
    return NeedsVotes(policy, rule, stages, rule.decide.undecided_after_ms, reason)


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
        _way(policy, rule, role)
        for rule in policy.rules
        if selected(person, rule.who)
        for role in rule.roles
        if role in target.roles
    )


def _way(policy: Policy, rule: Rule, role: str) -> Way:
    how = "automatic"
    longest = policy.limits.longest_ms
    if rule.break_glass is not None:
        how, longest = "break-glass", rule.break_glass.longest_ms
    elif rule.decide is not None and rule.decide.stages:
        how = f"needs {spoken_stages(rule.decide.stages)}"
    when = rule.when.source if rule.when else ""
    return Way(role, rule.name, how, when, longest, rule.break_glass is not None, rule.owes.plain())
