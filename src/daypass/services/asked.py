"""Questions to policy, with everything that its conditions may want to know, and the crowd that may decide."""

from __future__ import annotations

from collections.abc import Mapping

from daypass.domain.errors import DaypassError
from daypass.domain.people import Person
from daypass.domain.policy import Question, policy_of
from daypass.domain.target import Target
from daypass.services.history import history_of
from daypass.services.office import Office
from daypass.store.interface import Transaction


async def ticket_facts(office: Office, target: Target, ticket: str) -> Mapping[str, object] | None:
    """What conditions of the target's policy may know of the ticket. None: no condition asks, or nothing is known;
    conditions that ask then refuse. Asked outside of transactions, as it may take seconds."""
    if office.tickets is None or not ticket or "ticket" not in wanted_facts(office, target):
        return None
    try:
        return await office.tickets.facts(ticket)
    except DaypassError:
        # What cannot be asked is not known: the condition fails, and so refuses.
        return None


def wanted_facts(office: Office, target: Target) -> frozenset[str]:
    """The variables that conditions of the target's policy speak of."""
    policy = policy_of(office.policies.current.policies, target)
    if policy is None:
        return frozenset()
    whens = [rule.when for rule in policy.rules] + [denial.when for denial in policy.denials]
    return frozenset(name for when in whens if when is not None for name in when.names)


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
    ticket_facts: Mapping[str, object] | None = None,
) -> Question:
    """The question to policy."""
    now = office.now()
    history = await history_of(tx, person.id, target.name, now) if "history" in wanted_facts(office, target) else None
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
        ticket_facts=ticket_facts,
        history=history,
    )
