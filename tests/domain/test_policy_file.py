"""The form of policy files: what loads, and what is said of what does not."""

from __future__ import annotations

import pytest

from daypass.domain import policy
from daypass.domain.errors import ConfigError
from daypass.domain.policy_file import read_policy
from daypass.domain.policy_set import check_policy, load_policies
from tests.domain.things import HOUR, NOW, PEOPLE, POLICY, TARGETS, target


def test_the_whole_example_loads() -> None:
    read = read_policy(POLICY, "payments.yaml")
    assert read.limits == policy.Limits(longest_ms=4 * HOUR, extend=policy.ExtendLimit(2, HOUR // 2))
    assert [rule.name for rule in read.rules] == ["on-call reads", "change data", "break the glass"]
    glass = read.rules[2]
    assert glass.break_glass == policy.BreakGlass(HOUR // 2, ("group:secops",))
    assert glass.owes.ratify == policy.Duty(("group:secops",), 24 * HOUR, "block_break_glass")
    assert read.expect[2].then == policy.Needs(2, "ben@acme.test")
    assert len(load_policies([("payments.yaml", POLICY)], TARGETS, PEOPLE, NOW).policies) == 1


# Each case: what is replaced in the example, by what, and the complaint.
WRONG = [
    ("rules:  ", "rulez:  ", "payments.yaml:4: rulez: unknown key; did you mean rules?"),
    ("policy: payments-production\n", "", "policy is missing"),
    ("{ labels: { system: payments, env: prod } }", "{}", "payments.yaml:2: covers: must name targets or labels"),
    ("{ labels: { system: payments, env: prod } }", "{ labels: {} }", "payments.yaml:2: covers.labels: must hold"),
    ("longest: 4h", "longest: 4", "payments.yaml:3: limits.longest: must be a length of time"),
    ("times: 2", "times: none", "payments.yaml:3: limits.extend.times: must be a whole number from 1 to 100"),
    (
        "who: [group:payments-oncall]\n    roles: [read]\n",
        "roles: [read]\n",
        "payments.yaml:5: rules[0]: who is missing",
    ),
    ("[group:payments-oncall]", "[payments-oncall]", "rules[0].who[0]: must be group:NAME or an address"),
    ("[group:payments-oncall]", "[]", "payments.yaml:6: rules[0].who: must name somebody"),
    ("roles: [read]\n", "roles: []\n", "payments.yaml:7: rules[0].roles: must hold role names"),
    ('request.ticket.startsWith("INC-")', "request.ticket ===", "payments.yaml:8: rules[0].when: not a CEL condition"),
    (
        'request.ticket.startsWith("INC-")',
        "tickets.open",
        "payments.yaml:8: rules[0].when: a condition knows no 'tickets'",
    ),
    ("decide: automatic", "decide: maybe", "payments.yaml:9: rules[0].decide: must be one of automatic"),
    ("    decide: automatic\n", "", "payments.yaml:5: rules[0]: must say decide or break_glass"),
    ("within: 2d", "within: soon", "payments.yaml:10: rules[0].owes.sign_off.within: must be a length of time"),
    ("name: change data", "name: on-call reads", "payments.yaml:11: rules[1].name: must be another name"),
    (
        "undecided_after: 4h",
        "undecided_after: 400d",
        "payments.yaml:15: rules[1].decide.undecided_after: must be at most 90d",
    ),
    (
        "need: 1, of: [group:payments-leads]",
        "need: two, of: [group:a]",
        "payments.yaml:17: rules[1].decide.stages[0].need",
    ),
    ("need: 1, of: [group:secops]", "need: 1", "payments.yaml:18: rules[1].decide.stages[1]: of is missing"),
    ("need: 1, of: [group:secops]", "need: 51, of: [group:secops]", "a whole number from 1 to 50"),
    ("block_break_glass", "shrug", "rules[2].owes.ratify.otherwise: must be one of block_break_glass"),
    (
        "sign_off: { by: [group:payments-leads]",
        "ratify: { by: [group:payments-leads]",
        "rules[0].owes: ratify belongs to",
    ),
    ("then: refused", "then: denied", "payments.yaml:26: expect[1].then: must be one of automatic, refused"),
    ("role: read, for: 30m, then", "role: read, then", "payments.yaml:26: expect[1]: for is missing"),
    ("for: 1h,", "for: 1h, at: yesterday,", "expect[2].at: must be an instant with its zone"),
]


@pytest.mark.parametrize(("what", "by", "complaint"), WRONG)
def test_complaints_name_file_line_path_and_what_would_be_right(what: str, by: str, complaint: str) -> None:
    assert what in POLICY
    with pytest.raises(ConfigError) as caught:
        read_policy(POLICY.replace(what, by, 1), "payments.yaml")
    assert complaint in caught.value.message
    assert "\n" not in caught.value.message


TOGETHER = [
    (
        POLICY.replace("then: automatic", "then: refused"),
        "payments.yaml:25: expect[0]: refused was expected, but rule 'on",
    ),
    (POLICY.replace("needs: 2", "needs: 1"), "expect[2]: 1 people were expected to be needed, 2 are"),
    (POLICY.replace("never: ben@", "never: lea@"), "lea@acme.test was never to decide, and could"),
    (POLICY.replace("by: eve@acme.test, target", "by: nix@acme.test, target"), "there is nobody with the address nix@"),
    (
        POLICY.replace("target: orders, role: read, for: 30m, then", "target: x, role: read, for: 30m, then"),
        "no target 'x'",
    ),
    (POLICY.replace("{ labels: { system: payments, env: prod } }", "{ targets: [nix] }"), "there is no target 'nix'"),
    (POLICY.replace("roles: [write]", "roles: [rite]"), "no target that this policy covers has a role 'rite'"),
]


@pytest.mark.parametrize(("text", "complaint"), TOGETHER)
def test_what_does_not_hold_does_not_load(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_policies([("payments.yaml", text)], TARGETS, PEOPLE, NOW)
    assert complaint in caught.value.message


def test_two_policies_on_one_target_do_not_load() -> None:
    other = "policy: other\ncovers: { targets: [orders] }\nrules:\n"
    other += "- { name: r, who: [a@b.c], roles: [read], decide: automatic }"
    with pytest.raises(ConfigError, match="must leave out the target orders"):
        load_policies([("payments.yaml", POLICY), ("other.yaml", other)], TARGETS, PEOPLE, NOW)
    elsewhere = {**TARGETS, "mail": target("mail", env="test")}
    apart = other.replace("orders", "mail")
    assert len(load_policies([("payments.yaml", POLICY), ("other.yaml", apart)], elsewhere, PEOPLE, NOW).policies) == 2


def test_two_policies_of_one_name_do_not_load() -> None:
    with pytest.raises(ConfigError, match=r"must be another name than in a\.yaml"):
        load_policies([("a.yaml", POLICY), ("b.yaml", POLICY)], TARGETS, PEOPLE, NOW)


def test_a_case_can_be_at_an_instant() -> None:
    text = POLICY.replace('request.ticket.startsWith("INC-")', 'now < timestamp("2030-01-01T00:00:00Z")')
    text = text.replace("for: 30m, then: refused", "for: 30m, at: 2031-01-01T00:00:00Z, then: refused").replace(
        "eve@", "ana@"
    )
    read = read_policy(text, "p.yaml")
    assert [checked.problem for checked in check_policy(read, TARGETS, PEOPLE, NOW)] == ["", "", ""]


def test_the_digest_is_of_the_text() -> None:
    one, two = (load_policies([("p", text)], TARGETS, PEOPLE, NOW) for text in (POLICY, POLICY + "\n"))
    assert one.digest != two.digest
    assert one.policies[0].digest != two.policies[0].digest
