"""Questions to policy, with everything that its conditions may want to know, and the crowd that may decide.

Who is outside (ticket systems, on-call schedules) is asked before a transaction begins, never within one, as that may
take seconds. Who cannot be asked is not known, and why not is kept: a condition that wants to know then refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from daypass.domain.conditions import schedules_named
from daypass.domain.errors import DaypassError
from daypass.domain.people import Person
from daypass.domain.policy import Question, policy_of
from daypass.domain.rules import Policy
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.target import Target
from daypass.services.history import history_of
from daypass.services.office import Office
from daypass.store.interface import Transaction

TICKET, ON_CALL = "ticket", "on_call"

AHEAD_MAX = 20
"""Tickets asked about for one connection: one person's live grants on one target."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What others said: of the ticket, and who is on call by which schedule. `unknown`: why something is not known."""

    ticket: Mapping[str, object] | None = None
    on_call: Mapping[str, Sequence[str]] | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)


NOTHING = Outside()


def looks_outside(office: Office, target: Target) -> bool:
    """Whether conditions of the target's policy want to know what only others know."""
    return bool(wanted_facts(office, target) & {TICKET, ON_CALL})


async def look_outside(
    office: Office, target: Target, ticket: str, policies: Sequence[Policy] | None = None
) -> Outside:
    """What conditions of the target's policy want to know of others, asked all at once. Never raises. `policies`: those
    that are asked; None: those in force."""
    found = policy_of(office.policies.current.policies if policies is None else policies, target)
    if found is None:
        return NOTHING
    names = wanted_facts(office, target, policies)
    unknown: dict[str, str] = {}
    facts, on_call = await asyncio.gather(
        _ticket(office, ticket, unknown) if TICKET in names else _nothing(),
        _on_call(office, found, unknown) if ON_CALL in names else _nothing(),
    )
    return Outside(facts, on_call, unknown)


Ahead = Mapping[str, Outside]
"""What was asked before a transaction began, by the ticket that it was asked for."""


async def ask_ahead(office: Office, target: Target | None, tickets: Iterable[str]) -> Ahead:
    """What conditions of the target's policy want to know, for each of these tickets; empty if they want nothing."""
    if target is None or not looks_outside(office, target):
        return {}
    wanted = sorted({ticket.strip() for ticket in tickets})[:AHEAD_MAX]
    return dict(zip(wanted, await asyncio.gather(*(look_outside(office, target, one) for one in wanted)), strict=True))


def known_of(ahead: Ahead, ticket: str) -> Outside:
    """What was asked ahead for this ticket. One that nobody asked about (it came up meanwhile) is not known."""
    missing = "it was not asked about; try again"
    return ahead.get(ticket.strip(), Outside(unknown={TICKET: missing, ON_CALL: missing}))


async def _nothing() -> None:
    return None


async def _ticket(office: Office, ticket: str, unknown: dict[str, str]) -> Mapping[str, object] | None:
    if office.tickets is None:
        unknown[TICKET] = "no ticket system is configured"
    elif not ticket.strip():
        unknown[TICKET] = "no ticket was named"
    else:
        try:
            return await office.tickets.facts(ticket.strip())
        except DaypassError as problem:
            unknown[TICKET] = problem.message
    return None


async def _on_call(office: Office, policy: Policy, unknown: dict[str, str]) -> Mapping[str, Sequence[str]]:
    """Those schedules that the policy's conditions name; all, where that cannot be told."""
    named: set[str] = set()
    for condition in policy.conditions:
        if ON_CALL in condition.names:
            found = schedules_named(condition.source)
            named |= found if found is not None else office.on_call.keys()
    answers = await asyncio.gather(*(_on_duty(office, name, unknown) for name in sorted(named)))
    return {name: who for name, who in zip(sorted(named), answers, strict=True) if who is not None}


async def _on_duty(office: Office, name: str, unknown: dict[str, str]) -> Sequence[str] | None:
    schedule = office.on_call.get(name)
    if schedule is None:
        unknown[f"{ON_CALL}.{name}"] = f"no on-call schedule is called {name}"
        return None
    try:
        return await schedule.on_duty(office.now())
    except DaypassError as problem:
        unknown[f"{ON_CALL}.{name}"] = problem.message
        return None


async def on_duty(office: Office, groups: frozenset[str]) -> Mapping[str, Sequence[str]]:
    """Who is on call now for each of these groups whose duty a schedule shows. One that cannot be asked is left out."""
    wanted = sorted(groups & office.duties_of.keys())
    answers = await asyncio.gather(*(_on_duty(office, office.duties_of[group], {}) for group in wanted))
    return {group: who for group, who in zip(wanted, answers, strict=True) if who is not None}


def wanted_facts(office: Office, target: Target, policies: Sequence[Policy] | None = None) -> frozenset[str]:
    """The variables that conditions of the target's policy speak of."""
    policy = policy_of(office.policies.current.policies if policies is None else policies, target)
    return frozenset(name for one in policy.conditions for name in one.names) if policy is not None else frozenset()


async def question(
    office: Office,
    tx: Transaction,
    person: Person,
    target: Target,
    role: str,
    duration_ms: int,
    *,
    reason: str = "",
    ticket: str = "",
    start_at: int | None = None,
    on_behalf_of: str | None = None,
    known: Outside = NOTHING,
    scope: Scope = WHOLE,
    policies: Sequence[Policy] | None = None,
) -> Question:
    """The question to policy (`policies`: to those; None: to those in force)."""
    now = office.now()
    looks_back = "history" in wanted_facts(office, target, policies)
    history = await history_of(tx, person.id, target.name, now) if looks_back else None
    return Question(
        requester=person,
        target=target,
        role=role,
        duration_ms=duration_ms,
        now=now,
        reason=reason.strip(),
        ticket=ticket.strip(),
        start_at=start_at,
        on_behalf_of=on_behalf_of or person.agent_of or None,
        ticket_facts=known.ticket,
        history=history,
        on_call=known.on_call,
        scope=scope,
        unknown=known.unknown,
    )
