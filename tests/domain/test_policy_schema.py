"""The published JSON schema is the one of this version, takes what loads, and refuses what cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from daypass.domain.policy_file import read_policy
from daypass.domain.policy_schema import schema
from tests.domain.test_policy_file import WRONG
from tests.domain.things import POLICY

PUBLISHED = Path(__file__).parents[2] / "docs" / "policy.schema.json"
CHECKER = Draft202012Validator(schema())

WHOLE = """\
policy: whole
covers: { targets: [orders] }
limits: { longest: 4h, activate_within: 1h, idle: 15m, extend: { times: 1, by: 30m, decide: automatic } }
deny:
  - { name: freeze, who: [group:interns], roles: [write], because: it is December, when: 'true',
      hours: { from: "22:00", to: "06:00", days: [sat, sun], zone: Europe/Berlin } }
rules:
  - name: people
    who: [group:oncall, ana@acme.test]
    roles: [read]
    hours: { from: "08:00", to: "18:00" }
    tell: [group:secops]
    ends_with_ticket: true
    decide:
      undecided_after: 4h
      deny: 2
      signed: true
      hours: { from: "08:00", to: "18:00", zone: UTC }
      escalate: { after: 30m, to: [group:cto] }
      stages: [{ need: 1, of: [group:leads] }]
    owes: { sign_off: { by: [group:leads], within: 2d, sample: 10%, of: session, escalate: [group:cto] } }
  - name: glass
    who: [group:oncall]
    roles: [read]
    break_glass: { longest: 30m, tell: [group:secops] }
    owes: { ratify: { by: [group:leads], within: 1d, otherwise: block_break_glass, escalate: [group:cto] } }
expect:
  - { by: ana@acme.test, target: orders, role: read, for: 30m, ticket_facts: { open: true }, history: { clean: 1 },
      on_call: { payments: [ana@acme.test] },
      at: "2026-11-23T10:00:00Z", ticket: INC-7, reason: why, then: { needs: 1, never: ana@acme.test } }
  - { by: ana@acme.test, target: orders, role: read, for: 30m, then: break_glass }
"""


def test_what_is_published_is_this_version() -> None:
    published = json.loads(PUBLISHED.read_text())
    assert published == json.loads(json.dumps(schema())), "daypass policy schema > docs/policy.schema.json"
    Draft202012Validator.check_schema(published)


@pytest.mark.parametrize("text", [POLICY, WHOLE], ids=["example", "every key"])
def test_it_takes_what_loads(text: str) -> None:
    read_policy(text, "p.yaml")
    assert [error.message for error in CHECKER.iter_errors(yaml.safe_load(text))] == []


ONLY_A_READER_SEES = (
    "not a CEL condition",
    "a condition knows no",
    "must be another name",
    "at most 90d",
    "ratify belongs",
)


@pytest.mark.parametrize(("what", "by", "complaint"), WRONG)
def test_it_refuses_what_cannot_load(what: str, by: str, complaint: str) -> None:
    if not any(known in complaint for known in (*ONLY_A_READER_SEES, "must be an instant")):
        assert list(CHECKER.iter_errors(yaml.safe_load(POLICY.replace(what, by, 1))))
