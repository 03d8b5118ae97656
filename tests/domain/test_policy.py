"""What policy answers, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain import policy
from daypass.domain.people import Person
from daypass.domain.policy_file import read_policy
from tests.domain.things import ANA, BEN, EVE, HOUR, LEA, ORDERS, PEOPLE, POLICY, SAM, question, target

PAYMENTS = (read_policy(POLICY, "payments.yaml"),)


def test_a_rule_approves_by_itself() -> None:
    verdict = policy.evaluate(PAYMENTS, question(ANA, "read", ticket="INC-7"), PEOPLE)
    assert isinstance(verdict, policy.Automatic)
    assert verdict.rule.name == "on-call reads"
    assert verdict.reason == "rule 'on-call reads' of payments-production approves by itself"
    assert verdict.rule.owes.plain() == {
        "sign_off": {"by": ["group:payments-leads"], "within_ms": 48 * HOUR, "otherwise": ""}
    }


def test_people_decide() -> None:
    verdict = policy.evaluate(PAYMENTS, question(BEN), PEOPLE)
    assert isinstance(verdict, policy.NeedsVotes)
    assert [stage.eligible for stage in verdict.stages] == [(LEA.id,), (SAM.id,)]
    assert verdict.undecided_after_ms == 4 * HOUR
    assert "needs 1 of group:payments-leads and 1 of group:secops, other than the requester" in verdict.reason


REFUSALS = [
    (question(EVE, "read"), "no rule of payments-production lets you have read on orders"),
    (question(ANA, "admin"), "no rule"),
    (question(ANA, "read", ticket="CHG-1"), "no rule"),
    (question(ANA, duration_ms=4 * HOUR + 1000), "allows at most 4h"),
    (question(replace(ANA, disabled=True)), "disabled"),
    (question(ANA, target=target("mail", env="prod")), "no policy covers mail"),
]


@pytest.mark.parametrize(("asked", "why"), REFUSALS)
def test_refusals_say_why(asked: policy.Question, why: str) -> None:
    verdict = policy.evaluate(PAYMENTS, asked, PEOPLE)
    assert isinstance(verdict, policy.Refused)
    assert why in verdict.reason


def test_where_only_the_glass_is_left_the_hint_says_so() -> None:
    verdict = policy.evaluate(PAYMENTS, question(ANA, "read"), PEOPLE)
    assert isinstance(verdict, policy.Refused)
    assert "break-glass" in verdict.hint


def ruled(*rules: str, head: str = "") -> tuple[policy.Policy, ...]:
    body = "".join(f"  - {{ who: [group:payments-oncall], roles: [read], {rule} }}\n" for rule in rules)
    return (read_policy(f"policy: p\ncovers: {{ targets: [orders] }}\n{head}rules:\n{body}", "p.yaml"),)


def test_the_first_match_decides() -> None:
    rules = ruled(
        "name: a, when: 'false', decide: automatic", "name: b, decide: automatic", "name: c, decide: automatic"
    )
    verdict = policy.evaluate(rules, question(ANA, "read"), PEOPLE)
    assert isinstance(verdict, policy.Automatic) and verdict.rule.name == "b"


@pytest.mark.parametrize("when", ["request.nothing == 1", "request.minutes", "request.reason < 1", "target.labels.x.y"])
def test_a_condition_that_fails_refuses_and_never_falls_through(when: str) -> None:
    rules = ruled(f"name: a, when: '{when}', decide: automatic", "name: b, decide: automatic")
    verdict = policy.evaluate(rules, question(ANA, "read"), PEOPLE)
    assert isinstance(verdict, policy.Refused)
    assert verdict.rule is not None and verdict.rule.name == "a"
    assert "cannot be answered" in verdict.reason


def test_a_condition_is_not_asked_for_people_or_roles_of_other_rules() -> None:
    rules = ruled("name: a, when: request.nothing == 1, decide: automatic")
    verdict = policy.evaluate(rules, question(EVE, "read"), PEOPLE)
    assert isinstance(verdict, policy.Refused) and verdict.rule is None


CONDITIONS = [
    ('request.ticket.startsWith("INC-") && requester.email == "ana@acme.test"', True),
    ('"payments-oncall" in requester.groups', True),
    ('requester.groups.exists(g, g == "nobody")', False),
    ('target.labels.env == "prod" && target.name == "orders"', True),
    ("request.minutes <= 60", True),
    ("now < request.start", False),
    ('request.role == "read" && request.target == "orders"', True),
]


@pytest.mark.parametrize(("when", "holds"), CONDITIONS)
def test_what_conditions_may_speak_of(when: str, holds: bool) -> None:
    rules = ruled(f"name: a, when: '{when}', decide: automatic")
    verdict = policy.evaluate(rules, question(ANA, "read", ticket="INC-7"), PEOPLE)
    assert isinstance(verdict, policy.Automatic) is holds


def test_policy_is_asked_again_without_looking_for_approvers() -> None:
    matched = policy.match(PAYMENTS, question(BEN))
    assert isinstance(matched, policy.Matched)
    assert isinstance(policy.evaluate(PAYMENTS, question(BEN), ()), policy.Refused)
    assert policy.tightened(matched, automatic=True)
    assert not policy.tightened(matched, automatic=False)


@pytest.mark.parametrize(
    ("person", "ways"),
    [
        (EVE, []),
        (BEN, [("write", "change data")]),
        (
            ANA,
            [
                ("read", "on-call reads"),
                ("write", "change data"),
                ("read", "break the glass"),
                ("write", "break the glass"),
            ],
        ),
        (replace(ANA, disabled=True), []),
    ],
)
def test_the_ways_in(person: Person, ways: list[tuple[str, str]]) -> None:
    assert [(way.role, way.rule) for way in policy.ways(PAYMENTS, person, ORDERS)] == ways
