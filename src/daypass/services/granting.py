"""From an approved request to its grant: the only place where authority is made."""

from __future__ import annotations

from dataclasses import replace

from daypass.domain.deciding import granted_ms, granted_scope, granted_until, standing
from daypass.domain.durations import DAY_MS
from daypass.domain.grant import Grant, GrantState
from daypass.domain.people import Actor
from daypass.domain.policy import ACTIVATE_WITHIN_MS, policy_of
from daypass.domain.request import Request
from daypass.domain.target import Target, less
from daypass.services.extending import extended_by_vote
from daypass.services.office import Change, Office
from daypass.services.telling import request_event


async def give(office: Office, change: Change, approved: Request, by: Actor) -> Request:
    """Save the approved request with the grant that it gives, and the event that tells of both."""
    if approved.extends is not None:
        return await extended_by_vote(office, change, approved, by)
    grant = _granted(office, approved)
    with_grant = replace(approved, grant=grant.id)
    await change.tx.save_request(with_grant)
    await change.tx.save_grant(grant)
    body = {
        "digest": approved.digest,
        "duration_ms": grant.duration_ms,
        "activate_by": grant.activate_by,
        "policy": approved.policy,
        "rule": approved.rule,
        "how": "automatic" if approved.automatic else "votes",
        "role": grant.role,
        **({"scope": list(grant.scope)} if grant.scope else {}),
    }
    event = request_event(office, "request.approved", with_grant, by, body=body, decision="approved")
    await change.record(event)
    return with_grant


def _granted(office: Office, approved: Request) -> Grant:
    """What an approved request gives."""
    now = office.now()
    item = approved.items[0]
    start_at = approved.start_at if approved.start_at is not None and approved.start_at > now else None
    target = office.targets.get(item.target)
    policy = policy_of(office.policies.current.policies, target) if target else None
    within = policy.limits.activate_within_ms if policy else ACTIVATE_WITHIN_MS
    return Grant(
        id=office.new_id(),
        state=GrantState.READY if start_at is None else GrantState.SCHEDULED,
        request=approved.id,
        person=approved.requester,
        target=item.target,
        role=_role(target, approved),
        duration_ms=granted_ms(approved),
        start_at=start_at,
        activate_by=_activate_by(approved, start_at or now, within),
        created_at=now,
        policy=approved.policy,
        rule=approved.rule,
        owes=approved.owes,
        scope=granted_scope(approved),
    )


def _activate_by(approved: Request, start: int, within: int) -> int:
    """When it lapses unused: a project's day is over after a day, so that the next one comes."""
    until = granted_until(approved)
    return start + within if until is None else min(start + min(within, DAY_MS), until)


def _role(target: Target | None, approved: Request) -> str:
    """The role that was asked for, or the least that an approver narrowed it to."""
    asked = approved.items[0].role
    wanted = {vote.narrowed_role for vote in standing(approved) if vote.approve and vote.narrowed_role}
    roles = [target.roles[name] for name in sorted(wanted) if target is not None and name in target.roles]
    for role in roles:
        if all(role is other or not less(other, role) for other in roles):
            return role.name
    return asked
