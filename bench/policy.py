"""What policy costs: decisions a second with 1, 100, 1,000 and 10,000 rules, what CEL takes of one, and a simulation.

`.venv/bin/python -m bench.policy [REQUESTS]`. Nothing is asserted: the numbers are for reading.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.store.things import REQUEST

from daypass.domain.conditions import compile_condition
from daypass.domain.crowd import Crowd
from daypass.domain.people import Person
from daypass.domain.policy import Question, evaluate, facts
from daypass.domain.policy_file import read_policy
from daypass.domain.request import Item, RequestState
from daypass.domain.rules import Policy
from daypass.domain.simulating import replay
from daypass.domain.target import Effect, Target, TargetRole
from daypass.services.recorded import recorded_since
from daypass.store.opening import SQLITE, open_store

SECONDS = 1.0
PEOPLE = 1000
GROUPS_EACH = 8
ROLES = ("read", "write", "admin")
WRITTEN_AT_ONCE = 1000
"""Requests of one commit while the store is filled, which is not timed."""
WHEN = 'request.ticket.startsWith("INC-") && request.minutes <= 120 && target.labels.env == "prod"'


def target() -> Target:
    roles = {name: TargetRole(name, name, None, Effect.READ) for name in ROLES}
    return Target("orders", "wire", "127.0.0.1", 1, "orders", {"env": "prod"}, roles)


def policy(rules: int) -> Policy:
    """A policy with so many rules, each for a group and a role of its own; every other one has a condition."""
    lines = ["policy: p", "covers: { targets: [orders] }", "rules:"]
    for n in range(rules):
        lines += [f"  - name: rule {n}", f"    who: [group:g{n // 3}]", f"    roles: [{ROLES[n % 3]}]"]
        if n % 2:
            lines.append(f"    when: '{WHEN}'")
        lines.append("    decide: { stages: [{ need: 1, of: [group:leads] }, { need: 1, of: [group:secops] }] }")
    return read_policy("\n".join(lines) + "\n", "p.yaml")


def people(rules: int) -> Crowd:
    """A thousand, each in some of the groups that rules name."""
    pick = random.Random(7)
    groups = [f"g{n}" for n in range(max(1, rules // 3))]
    found = [
        Person(f"id-{n}", f"p{n}@acme.test", f"P{n}", frozenset(pick.choices(groups, k=GROUPS_EACH)))
        for n in range(PEOPLE)
    ]
    found += [Person(f"lead-{n}", f"l{n}@acme.test", "L", frozenset({"leads"})) for n in range(20)]
    found += [Person(f"sec-{n}", f"s{n}@acme.test", "S", frozenset({"secops"})) for n in range(20)]
    return Crowd(found)


def questions(crowd: Crowd, place: Target) -> list[Question]:
    pick = random.Random(8)
    asking = crowd.people[:PEOPLE]
    return [
        Question(pick.choice(asking), place, pick.choice(ROLES), 1_800_000, 1_795_400_000_000, "why", f"INC-{n}")
        for n in range(2000)
    ]


def rate(step: Callable[[int], object]) -> float:
    """How long one step takes, in µs."""
    count, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < SECONDS:
        for _ in range(100):
            step(count)
            count += 1
    return took / count * 1e6


def main() -> None:
    place = target()
    print(f"{'rules':>7} {'decision':>12} {'a second':>10} {'with a fresh crowd':>20}")
    for rules in (1, 100, 1000, 10_000):
        policies, crowd = (policy(rules),), people(rules)
        asked = questions(crowd, place)
        one = rate(lambda n, p=policies, c=crowd, a=asked: evaluate(p, a[n % len(a)], c))  # type: ignore[misc]
        fresh = rate(lambda n, p=policies, c=crowd, a=asked: evaluate(p, a[n % len(a)], Crowd(c.people)))  # type: ignore[misc]
        print(f"{rules:>7} {one:>9.1f} µs {1e6 / one:>10.0f} {fresh:>17.1f} µs")
    condition, question = compile_condition(WHEN), asked[0]
    known = facts(question)
    tested, gathered = rate(lambda n: condition.test(known)), rate(lambda n: facts(question))
    print(f"CEL: one condition {tested:.1f} µs, its facts {gathered:.1f} µs")
    simulate(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)


def simulate(count: int) -> None:
    """Replay so many requests of a store against 1,000 rules, as `policy simulate` does."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_simulate(count, Path(folder)))


async def _simulate(count: int, folder: Path) -> None:
    crowd, policies, place = people(1000), (policy(1000),), target()
    asked = questions(crowd, place)
    store = open_store(SQLITE, folder)
    await store.migrate()
    for start in range(0, count, WRITTEN_AT_ONCE):
        async with store.begin() as tx:
            for n in range(start, min(count, start + WRITTEN_AT_ONCE)):
                q = asked[n % len(asked)]
                one = replace(REQUEST, id=f"01900000-0000-7000-8000-{n:012x}", state=RequestState.DENIED, grant=None)
                one = replace(one, requester=q.requester.id, items=(Item("orders", q.role),), created_at=q.now)
                await tx.save_request(replace(one, duration_ms=q.duration_ms, ticket=q.ticket, extends=None))
    began = time.perf_counter()
    recorded = [one async for one in recorded_since(store, 0)]
    read = time.perf_counter() - began
    differing = sum(one is not None for one in replay(recorded, policies, {"orders": place}, crowd))
    took = time.perf_counter() - began
    await store.close()
    print(f"simulate: {len(recorded)} requests in {took:.1f} s, {read:.1f} of it reading ({differing} differ)")


if __name__ == "__main__":
    main()
