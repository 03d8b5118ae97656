"""Policies together: which are in force, and what has to hold before they are.

Two policies on one target do not load, nor does one that names what is not there, nor one whose own `expect` cases
come out otherwise than its author wrote. A set that does not load changes nothing: the old one stays in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from daypass.domain.crowd import Crowd, as_crowd
from daypass.domain.errors import ConfigError
from daypass.domain.people import Person
from daypass.domain.policy import (
    Automatic,
    Expectation,
    Needs,
    NeedsVotes,
    Policy,
    Question,
    Refused,
    Verdict,
    evaluate,
    match,
)
from daypass.domain.policy_file import read_policy
from daypass.domain.target import Target


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The policies in force. `digest` is the SHA-256, in hex, over theirs in order."""

    policies: tuple[Policy, ...] = ()
    digest: str = hashlib.sha256(b"").hexdigest()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """What each policy was read from, by its name."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one `expect` case; `problem` is empty when it holds."""

    expectation: Expectation
    verdict: Verdict | None
    problem: str


def load_policies(
    files: Sequence[tuple[str, str]], targets: Mapping[str, Target], people: Sequence[Person] | Crowd, now: int
) -> PolicySet:
    """Read policy files (name, text), judge them together and run their cases. Raise `ConfigError` for what is wrong.

    `people` are those that the cases may name; `now` is the instant of cases that name none.
    """
    crowd = as_crowd(people)
    policies = tuple(read_policy(text, name) for name, text in files)
    _refuse_same_names(policies)
    _refuse_overlap(policies, targets)
    for policy in policies:
        _refuse_unknown(policy, targets)
    for policy in policies:
        for checked in check_policy(policy, targets, crowd, now):
            if checked.problem:
                raise ConfigError(f"{checked.expectation.place}: {checked.problem}", hint="daypass policy test")
    digest = hashlib.sha256("".join(f"{policy.digest}\n" for policy in policies).encode()).hexdigest()
    return PolicySet(policies, digest, {one.name: text for one, (_, text) in zip(policies, files, strict=True)})


def _refuse_same_names(policies: Sequence[Policy]) -> None:
    files: dict[str, str] = {}
    for policy in policies:
        if policy.name in files:
            raise ConfigError(
                f"{policy.place('policy')}: must be another name than in {files[policy.name]}, not {policy.name!r}"
            )
        files[policy.name] = policy.file


def _refuse_overlap(policies: Sequence[Policy], targets: Mapping[str, Target]) -> None:
    for target in targets.values():
        found = [policy for policy in policies if policy.covers.includes(target)]
        if len(found) > 1:
            raise ConfigError(
                f"{found[1].place('covers')}: must leave out the target {target.name}, "
                f"which {found[0].name!r} in {found[0].file} covers already",
                hint="one target, one policy",
            )


def _refuse_unknown(policy: Policy, targets: Mapping[str, Target]) -> None:
    for n, name in enumerate(policy.covers.targets):
        if name not in targets:
            place = policy.place(f"covers.targets[{n}]")
            raise ConfigError(f"{place}: there is no target {name!r}; {_known(targets)}")
    covered = [target for target in targets.values() if policy.covers.includes(target)]
    roles = {role for target in covered for role in target.roles}
    named = [(f"rules[{n}]", one.roles) for n, one in enumerate(policy.rules)]
    named += [(f"deny[{n}]", one.roles) for n, one in enumerate(policy.denials)]
    for path, wanted in named:
        for m, role in enumerate(wanted):
            if covered and role not in roles:
                raise ConfigError(
                    f"{policy.place(f'{path}.roles[{m}]')}: no target that this policy covers has a role {role!r}; "
                    f"they have {', '.join(sorted(roles))}"
                )


def _known(names: Mapping[str, object]) -> str:
    return f"there are {', '.join(sorted(names))}" if names else "there are none"


def check_policy(
    policy: Policy, targets: Mapping[str, Target], people: Sequence[Person] | Crowd, now: int
) -> tuple[Checked, ...]:
    """Run the policy's own cases, each by itself."""
    crowd = as_crowd(people)
    return tuple(_check(policy, expectation, targets, crowd, now) for expectation in policy.expect)


def _check(policy: Policy, expected: Expectation, targets: Mapping[str, Target], crowd: Crowd, now: int) -> Checked:
    target = targets.get(expected.target)
    if target is None:
        return Checked(expected, None, f"there is no target {expected.target!r}; {_known(targets)}")
    if not policy.covers.includes(target):
        return Checked(expected, None, f"this policy does not cover {expected.target}")
    requester = next((person for person in crowd.people if person.email == expected.by), None)
    if requester is None:
        return Checked(expected, None, f"there is nobody with the address {expected.by}")
    question = Question(
        requester=requester,
        target=target,
        role=expected.role,
        duration_ms=expected.for_ms,
        now=expected.at if expected.at is not None else now,
        reason=expected.reason,
        ticket=expected.ticket,
        ticket_facts=expected.ticket_facts,
        history=expected.history,
        on_call=expected.on_call,
        scope=expected.scope,
    )
    if expected.then == "break_glass":
        broken = match((policy,), question, glass=True)
        problem = f"breaking the glass was expected, but {broken.reason}" if isinstance(broken, Refused) else ""
        return Checked(expected, broken if isinstance(broken, Refused) else None, problem)
    verdict = evaluate((policy,), question, crowd)
    return Checked(expected, verdict, _problem(expected.then, verdict, crowd.people))


def _problem(then: str | Needs, verdict: Verdict, people: Sequence[Person]) -> str:
    """Why the verdict is not what was expected; empty if it is."""
    match then, verdict:
        case ("automatic", Automatic()) | ("refused", Refused()):
            return ""
        case Needs(needs, never), NeedsVotes(stages=stages):
            found = sum(stage.need for stage in stages)
            if found != needs:
                return f"{needs} people were expected to be needed, {found} are: {verdict.reason}"
            barred = {person.id for person in people if person.email == never}
            if any(barred & set(stage.eligible) for stage in stages):
                return f"{never} was never to decide, and could"
            return ""
    wanted = f"{then.needs} people deciding" if isinstance(then, Needs) else then
    return f"{wanted} was expected, but {verdict.reason}"
