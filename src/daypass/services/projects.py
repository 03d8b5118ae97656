"""A project's days: while it goes on, each day has a grant of its own, which somebody has to activate.

What was approved is the project; what opens anything is the day's grant, with its own clock, ending and receipt, and
policy is asked again whenever it is used. A day that nobody uses lapses, and the next one comes. The project is over at
its end, or with a day that ended because somebody took the access away; and with a day that its holder handed back
unused.
"""

from __future__ import annotations

from dataclasses import replace

from daypass.domain.deciding import granted_until
from daypass.domain.durations import DAY_MS
from daypass.domain.grant import EndReason, Grant, GrantState
from daypass.domain.people import SYSTEM
from daypass.domain.policy import policy_of
from daypass.domain.request import Request, RequestState
from daypass.services.office import Change, Office
from daypass.services.telling import grant_event

GOES_ON = frozenset({"", EndReason.EXPIRED.value, EndReason.HANDED_BACK.value})
"""The ends of a day after which there is another one (a lapsed day has none)."""


async def next_day(office: Office, change: Change, over: Grant) -> Grant | None:
    """The grant for the project's next day, in the transaction in which the former one is over. None: there is none."""
    request = await change.tx.request_for_change(over.request)
    if request is None or not _goes_on(office, request, over):
        return None
    now = office.now()
    # Days begin at midnight, UTC: by then at the latest yesterday's grant has a successor.
    start = (now // DAY_MS + 1) * DAY_MS
    until = granted_until(request)
    if until is None or start >= until:
        return None
    grant = Grant(
        id=office.new_id(),
        state=GrantState.SCHEDULED,
        request=request.id,
        person=over.person,
        target=over.target,
        role=over.role,
        duration_ms=over.duration_ms,
        start_at=start,
        activate_by=min(start + DAY_MS, until),
        created_at=now,
        policy=over.policy,
        rule=over.rule,
        owes=over.owes,
    )
    await change.tx.save_grant(grant)
    await change.tx.save_request(replace(request, grant=grant.id))
    body = {"role": grant.role, "start_at": start, "activate_by": grant.activate_by, "until": until}
    await change.record(grant_event(office, "grant.renewed", grant, SYSTEM, body=body))
    return grant


def _goes_on(office: Office, request: Request, over: Grant) -> bool:
    if request.until is None or request.state is not RequestState.APPROVED or request.grant != over.id:
        return False
    if over.end_reason not in GOES_ON:
        return False
    if over.end_reason == EndReason.HANDED_BACK.value and over.activated_at is None:
        return False
    target = office.targets.get(over.target)
    policy = policy_of(office.policies.current.policies, target) if target is not None else None
    # Where policy allows projects no more, there are no more days.
    return policy is not None and policy.limits.project_ms is not None
