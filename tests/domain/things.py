"""People, targets, policies and requests that the tests of this room and of services speak of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daypass.domain.people import Person
from daypass.domain.policy import Question
from daypass.domain.request import Item, Request, RequestState, Stage, Vote, sealed
from daypass.domain.target import Effect, Target, TargetRole

NOW = 1_795_400_000_000
HOUR = 3_600_000
SALT = "00" * 32

PROTOCOL = "wire"


def person(name: str, *groups: str, disabled: bool = False) -> Person:
    return Person(f"id-{name}", f"{name}@acme.test", name.title(), frozenset(groups), disabled)


ANA = person("ana", "payments-oncall", "payments-engineers")
BEN = person("ben", "payments-engineers", "payments-leads")
EVE = person("eve")
LEA = person("lea", "payments-leads")
SAM = person("sam", "secops")
AUDREY = person("audrey", "auditors")
PEOPLE = (ANA, BEN, EVE, LEA, SAM, AUDREY)


def target(name: str = "orders", **labels: str) -> Target:
    roles = {
        "read": TargetRole("read", "app_ro", None, Effect.READ),
        "write": TargetRole("write", "app_rw", None, Effect.WRITE),
    }
    return Target(name, PROTOCOL, "127.0.0.1", 5432, name, labels or {"env": "prod", "system": "payments"}, roles)


ORDERS = target()
TARGETS = {"orders": ORDERS}

POLICY = """\
policy: payments-production
covers: { labels: { system: payments, env: prod } }
limits: { longest: 4h, extend: { times: 2, by: 30m } }
rules:                                                  # first match decides; no match = refused
  - name: on-call reads
    who: [group:payments-oncall]
    roles: [read]
    when: request.ticket.startsWith("INC-")
    decide: automatic
    owes: { sign_off: { by: [group:payments-leads], within: 2d } }
  - name: change data
    who: [group:payments-engineers]
    roles: [write]
    decide:
      undecided_after: 4h
      stages:
        - { need: 1, of: [group:payments-leads] }
        - { need: 1, of: [group:secops] }
  - name: break the glass
    who: [group:payments-oncall]
    roles: [read, write]
    break_glass: { longest: 30m, tell: [group:secops] }
    owes: { ratify: { by: [group:secops], within: 24h, otherwise: block_break_glass } }
expect:                                                 # run by `daypass policy test`, and before a policy takes effect
  - { by: ana@acme.test, target: orders, role: read, for: 30m, ticket: INC-7, then: automatic }
  - { by: eve@acme.test, target: orders, role: read, for: 30m, then: refused }
  - { by: ben@acme.test, target: orders, role: write, for: 1h, then: { needs: 2, never: ben@acme.test } }
"""


def question(by: Person = ANA, role: str = "write", **more: Any) -> Question:
    given: dict[str, Any] = {"duration_ms": HOUR, "now": NOW, "reason": "because", **more}
    return Question(by, given.pop("target", ORDERS), role, **given)


def stage(need: int, *eligible: Person, of: tuple[str, ...] | None = None) -> Stage:
    return Stage(need, of or tuple(one.email for one in eligible), tuple(one.id for one in eligible))


def request(*stages: Stage, by: Person = ANA, **more: Any) -> Request:
    """A pending request for an hour of orders:write, undecided until four hours from NOW."""
    plain = Request(
        id="r1",
        state=RequestState.PENDING,
        requester=by.id,
        on_behalf_of=None,
        items=(Item("orders", "write"),),
        reason="because",
        ticket="",
        duration_ms=HOUR,
        start_at=None,
        digest="",
        digest_salt=SALT,
        policy="payments-production",
        policy_digest="p",
        rule="change data",
        stages=stages,
        automatic=False,
        owes={},
        created_at=NOW,
        decide_by=NOW + 4 * HOUR,
    )
    return sealed(replace(plain, **more))


def vote(asked: Request, by: Person, approve: bool = True, **more: Any) -> Vote:
    given: dict[str, Any] = {"digest": asked.digest, "at": NOW + 1, "note": "" if approve else "no", **more}
    return Vote(f"v{len(asked.votes)}-{by.id}", by.id, approve, **given)


def by_id(*people: Person) -> dict[str, Person]:
    return {one.id: one for one in people or PEOPLE}
