"""The rest of the policy language: denials, hours, deny quorum, escalation, tickets, history, breaking the glass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain import deciding, policy
from daypass.domain.durations import MINUTE_MS, instant_ms
from daypass.domain.errors import ConfigError, Conflict, Refused
from daypass.domain.policy_file import read_policy
from daypass.domain.policy_set import check_policy, load_policies
from daypass.domain.request import RequestState, Route
from tests.domain.test_policy_schema import WHOLE
from tests.domain.things import (
    ANA,
    BEN,
    EVE,
    HOUR,
    LEA,
    NOW,
    PEOPLE,
    POLICY,
    SAM,
    TARGETS,
    by_id,
    question,
    request,
    stage,
    vote,
)
from tests.domain.things import person as someone

PAYMENTS = (read_policy(POLICY, "payments.yaml"),)
WORKDAY, NIGHT = instant_ms("2026-11-27T10:00:00Z"), instant_ms("2026-11-28T03:00:00Z")


def with_deny(denial: str) -> tuple[policy.Policy, ...]:
    return (read_policy(POLICY.replace("rules:  ", f"deny: [{{ {denial} }}]\nrules:  ", 1), "payments.yaml"),)


DENIALS = [
    ("name: freeze", True),
    ("name: freeze, who: [group:payments-oncall]", True),
    ("name: freeze, who: [eve@acme.test]", False),
    ("name: freeze, roles: [write]", False),
    ("name: freeze, when: 'request.minutes > 5'", True),
    ("name: freeze, when: 'request.minutes > 500'", False),
    ("name: freeze, when: 'ticket.open'", True),
    ("name: freeze, when: 'request.nothing == 1'", True),
    ("name: freeze, hours: { from: 22:00, to: 06:00, days: [fri] }", True),
    ("name: freeze, hours: { from: 22:00, to: 06:00, days: [sat] }", False),
]


@pytest.mark.parametrize(("denial", "denied"), DENIALS)
def test_denials_win_over_every_rule(denial: str, denied: bool) -> None:
    asked = question(ANA, "read", ticket="INC-7", now=NIGHT, duration_ms=MINUTE_MS * 20)
    for glass in (False, True):
        found = policy.match(with_deny(denial), asked, glass=glass)
        assert isinstance(found, policy.Refused) is denied
        assert not denied or "denies this by 'freeze'" in found.reason  # type: ignore[union-attr]


def test_a_denial_by_hours_holds_for_access_that_began_before_them() -> None:
    """Asked for from a named time on, and used when that is over: it is now that counts."""
    denied = with_deny("name: freeze, hours: { from: 22:00, to: 06:00, days: [fri] }")
    asked = question(ANA, "read", ticket="INC-7", now=NIGHT, start_at=NIGHT - 12 * HOUR)
    assert isinstance(policy.match(denied, asked), policy.Refused)
    later = question(ANA, "read", ticket="INC-7", now=NIGHT, start_at=NIGHT + 12 * HOUR)
    assert isinstance(policy.match(denied, later), policy.Matched)


def test_ceilings_win_over_breaking_the_glass() -> None:
    asked = question(ANA, "write", duration_ms=HOUR // 2)
    assert isinstance(policy.match(PAYMENTS, asked, glass=True), policy.Matched)
    for text in (POLICY.replace("longest: 30m", "longest: 20m"), POLICY.replace("longest: 4h", "longest: 20m")):
        found = policy.match((read_policy(text, "p"),), asked, glass=True)
        assert isinstance(found, policy.Refused) and "at most 20m, not 30m" in found.reason


def test_breaking_the_glass_needs_a_rule_for_it() -> None:
    found = policy.match(PAYMENTS, question(BEN, "write"), glass=True)
    assert isinstance(found, policy.Refused) and "daypass request" in found.hint
    assert isinstance(policy.match(PAYMENTS, question(EVE, "read"), glass=True), policy.Refused)


def test_a_rule_holds_in_its_hours_only() -> None:
    text = POLICY.replace(
        "    decide: automatic", "    hours: { from: 08:00, to: 18:00, days: [fri] }\n    decide: automatic"
    )
    rules = (read_policy(text, "p"),)
    by_day = policy.evaluate(rules, question(ANA, "read", ticket="INC-7", now=WORKDAY), PEOPLE)
    assert isinstance(by_day, policy.Automatic)
    assert isinstance(policy.evaluate(rules, question(ANA, "read", ticket="INC-7", now=NIGHT), PEOPLE), policy.Refused)
    later = question(ANA, "read", ticket="INC-7", now=NIGHT - 24 * HOUR, start_at=WORKDAY)
    assert isinstance(policy.evaluate(rules, later, PEOPLE), policy.Automatic)
    assert "from 08:00 to 18:00" in policy.ways(rules, ANA, TARGETS["orders"])[0].how


FACTS = [
    (
        "ticket.open && ticket.assignee == requester.email",
        {"ticket_facts": {"open": True, "assignee": ANA.email}},
        True,
    ),
    ("ticket.open", {"ticket_facts": {"open": False}}, False),
    ("history.clean >= 1 && history.flagged == 0", {"history": {"clean": 2, "flagged": 0}}, True),
    ("history.clean >= 1", {"history": {"clean": 0}}, False),
]


@pytest.mark.parametrize(("when", "known", "holds"), FACTS)
def test_conditions_over_ticket_and_history(when: str, known: dict[str, object], holds: bool) -> None:
    rules = (read_policy(POLICY.replace('request.ticket.startsWith("INC-")', when), "p"),)
    verdict = policy.evaluate(rules, question(ANA, "read", **known), PEOPLE)
    assert isinstance(verdict, policy.Automatic) is holds


@pytest.mark.parametrize("when", ["ticket.open", "history.clean > 0", "!ticket.open", "true || ticket.open"])
def test_what_is_not_known_refuses(when: str) -> None:
    rules = (read_policy(POLICY.replace('request.ticket.startsWith("INC-")', f"'{when}'"), "p"),)
    verdict = policy.evaluate(rules, question(ANA, "read"), PEOPLE)
    assert isinstance(verdict, policy.Refused) and "nothing is known of the" in verdict.reason


def test_the_route_says_how_it_is_decided() -> None:
    people = (someone("ana", "oncall"), someone("lea", "leads"), someone("cto", "cto"))
    asked = question(people[0], "read", now=WORKDAY)
    verdict = policy.evaluate((read_policy(WHOLE, "p"),), asked, people)
    assert isinstance(verdict, policy.NeedsVotes)
    assert verdict.route == Route(
        deny=2,
        signed=True,
        escalate_at=WORKDAY + HOUR // 2,
        escalate_to=("group:cto",),
        tell=("group:secops",),
        excluded=(people[0].id,),
        ends_with_ticket=True,
    )


def test_the_time_to_decide_runs_when_people_are_there() -> None:
    text = POLICY.replace("undecided_after: 4h", "undecided_after: 4h, hours: { from: 09:00, to: 17:00, days: [mon] }")
    text = text.replace("decide:\n      und", "decide: {und").replace("[mon] }\n      stages:", "[mon] }, stages: [")
    text = text.replace(
        "        - { need: 1, of: [group:payments-leads] }\n", "{ need: 1, of: [group:payments-leads] },"
    )
    text = text.replace("        - { need: 1, of: [group:secops] }\n", "{ need: 1, of: [group:secops] }] }\n")
    verdict = policy.evaluate((read_policy(text, "p"),), question(BEN, now=WORKDAY), PEOPLE)
    assert isinstance(verdict, policy.NeedsVotes)
    assert WORKDAY + verdict.undecided_after_ms == instant_ms("2026-11-30T13:00:00Z")


def test_a_quorum_of_denials() -> None:
    asked = request(stage(1, LEA, SAM, BEN), route=Route(deny=2))
    once = deciding.deny(asked, vote(asked, LEA, False), LEA, by_id())
    assert once.state is RequestState.PENDING
    with pytest.raises(Conflict, match="denied exactly this already"):
        deciding.deny(once, vote(once, LEA, False), LEA, by_id())
    assert deciding.deny(once, vote(once, SAM, False), SAM, by_id()).state is RequestState.DENIED
    assert deciding.approve(once, vote(once, SAM), SAM, by_id()).state is RequestState.APPROVED


def test_denials_that_leave_too_few_deny_at_once() -> None:
    """Otherwise it could neither be approved nor denied until its time is over."""
    asked = request(stage(2, LEA, SAM), route=Route(deny=2))
    assert deciding.deny(asked, vote(asked, LEA, False), LEA, by_id()).state is RequestState.DENIED


def test_a_change_of_mind_is_one_vote() -> None:
    asked = request(stage(2, LEA, SAM, BEN), route=Route(deny=2))
    denied = deciding.deny(asked, vote(asked, LEA, False), LEA, by_id())
    approved = deciding.approve(denied, vote(denied, LEA), LEA, by_id())
    assert approved.state is RequestState.PENDING
    assert [one.approve for one in deciding.standing(approved)] == [True]


def test_escalation_adds_people_and_never_the_requester() -> None:
    route = Route(escalate_at=NOW + HOUR, escalate_to=("group:cto",), excluded=("id-ana2",))
    asked = request(stage(1, LEA), route=route)
    cto, second = someone("cto", "cto"), someone("ana2", "cto")
    people = (*PEOPLE[1:], replace(ANA, groups=frozenset({"cto"})), cto, second)
    with pytest.raises(Conflict, match="not to be escalated now"):
        deciding.escalate(asked, people, NOW + HOUR - 1)
    with pytest.raises(Refused):
        deciding.approve(asked, vote(asked, cto), cto, by_id(*people))
    after = deciding.escalate(asked, people, NOW + HOUR)
    assert after.stages[0].eligible == (LEA.id, cto.id) and after.digest == asked.digest
    assert deciding.approve(after, vote(after, cto), cto, by_id(*people)).state is RequestState.APPROVED
    assert deciding.approve(after, vote(after, LEA), LEA, by_id(*people)).state is RequestState.APPROVED
    assert not deciding.is_to_escalate(after, NOW + 2 * HOUR)


def test_only_signed_votes_where_policy_wants_them() -> None:
    asked = request(stage(1, LEA), route=Route(signed=True))
    with pytest.raises(Refused, match="signed votes only"):
        deciding.approve(asked, vote(asked, LEA), LEA, by_id())
    signed = vote(asked, LEA, statement="{}", signature="x")
    assert deciding.approve(asked, signed, LEA, by_id()).state is RequestState.APPROVED


def test_cases_may_break_the_glass_and_know_things() -> None:
    glass = "  - { by: ana@acme.test, target: orders, role: write, for: 30m, then: break_glass }\n"
    longer = glass.replace("30m", "31m")
    assert [one.problem for one in check_policy(read_policy(POLICY + glass, "p"), TARGETS, PEOPLE, NOW)] == [""] * 4
    with pytest.raises(ConfigError, match="breaking the glass was expected, but"):
        load_policies([("p.yaml", POLICY + longer)], TARGETS, PEOPLE, NOW)


WRONG = [
    (
        "decide: automatic",
        "decide: automatic\n    hours: { from: 8, to: 18:00 }",
        "p.yaml:10: rules[0].hours.from: must be a time",
    ),
    (
        "decide: automatic",
        "decide: automatic\n    hours: { from: 08:00, to: 08:00 }",
        "rules[0].hours.to: must be another time",
    ),
    (
        "decide: automatic",
        "decide: automatic\n    hours: { from: 08:00, to: 09:00, zone: Nix }",
        "hours.zone: must be a time zone",
    ),
    (
        "decide: automatic",
        "decide: automatic\n    hours: { from: 08:00, to: 09:00, days: [monday] }",
        "hours.days[0]: must be one of mon",
    ),
    (
        "undecided_after: 4h",
        "undecided_after: 4h\n      escalate: { after: 4h, to: [group:a] }",
        "p.yaml:16: rules[1].decide.escalate.after: must be less",
    ),
    (
        "undecided_after: 4h",
        "undecided_after: 4h\n      deny: 0",
        "p.yaml:16: rules[1].decide.deny: must be a whole number",
    ),
    ("within: 2d", "within: 2d, sample: 0%", "sign_off.sample: must be from 1% to 100%"),
    ("within: 2d", "within: 2d, sample: some", "sign_off.sample: must be a share"),
    ("within: 2d", "within: 2d, otherwise: block_break_glass", "sign_off.otherwise: unknown key"),
    ("rules:  ", "deny: []\nrules:  ", "p.yaml:4: deny: must hold from 1"),
    ("rules:  ", "deny: [{ who: [a@b.c] }]\nrules:  ", "p.yaml:4: deny[0]: name is missing"),
]


@pytest.mark.parametrize(("what", "by", "complaint"), WRONG)
def test_complaints_about_the_new_keys(what: str, by: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_policy(POLICY.replace(what, by, 1), "p.yaml")
    assert complaint in caught.value.message


TOGETHER = [
    (POLICY.replace("roles: [write]", "roles: [rite]"), "p.yaml:13: rules[1].roles[0]: no target"),
    (
        POLICY.replace("{ labels: { system: payments, env: prod } }", "{ targets: [nix] }"),
        "p.yaml:2: covers.targets[0]: there",
    ),
    (POLICY.replace("rules:  ", "deny: [{ name: n, roles: [x] }]\nrules:  "), "p.yaml:4: deny[0].roles[0]: no target"),
]


@pytest.mark.parametrize(("text", "complaint"), TOGETHER)
def test_every_message_has_a_line(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_policies([("p.yaml", text)], TARGETS, PEOPLE, NOW)
    assert complaint in caught.value.message
    with pytest.raises(ConfigError, match=r"b\.yaml:1: policy: must be another name"):
        load_policies([("a.yaml", POLICY), ("b.yaml", POLICY)], TARGETS, PEOPLE, NOW)


def test_a_case_can_be_limited_to_a_scope() -> None:
    when = "    roles: [write]\n    when: request.scope == ['public.orders']\n"
    asked = "by: ben@acme.test, target: orders, role: write, for: 1h, scope: [public.orders]"
    case = f"  - {{ {asked}, then: {{ needs: 2 }} }}\n"
    other = case.replace("[public.orders]", "[public.other]").replace("{ needs: 2 }", "refused")
    text = POLICY[: POLICY.index("expect:")].replace("    roles: [write]\n", when, 1) + "expect:\n" + case + other
    assert len(load_policies([("p.yaml", text)], TARGETS, PEOPLE, NOW).policies[0].expect) == 2
    many = text.replace("[public.orders], then", f"[{', '.join(f'a.t{n}' for n in range(51))}], then")
    with pytest.raises(ConfigError, match=r"expect\[0\]\.scope: must be at most 50 names"):
        load_policies([("p.yaml", many)], TARGETS, PEOPLE, NOW)
