"""How requests and grants stand in events: what may be public in the body, what people wrote in the secret part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daypass.domain.events import Event
from daypass.domain.grant import Grant
from daypass.domain.people import GROUP, Actor
from daypass.domain.request import Request, Vote
from daypass.services.office import Office


def request_event(
    office: Office,
    type: str,
    request: Request,
    by: Actor,
    *,
    body: Mapping[str, Any] | None = None,
    secret: Mapping[str, str] | None = None,
    decision: str | None = None,
) -> Event:
    """An event about a request (and the grant that it gave, if it did)."""
    return Event(
        type,
        office.now(),
        by,
        request=request.id,
        grant=request.grant,
        target=office.target_ref(request.items[0].target),
        decision=decision,
        body=body or {},
        secret={name: value for name, value in (secret or {}).items() if value},
    )


ELIGIBLE_MAX = 500
"""Eligible people whom an event names, over all stages: an entry has 32 KiB. How many there are is always told."""


def asked_body(request: Request) -> dict[str, Any]:
    """What was asked and how it is decided."""
    each = ELIGIBLE_MAX // max(1, len(request.stages))
    body: dict[str, Any] = {
        "items": [item.plain() for item in request.items],
        "duration_ms": request.duration_ms,
        "digest": request.digest,
        "policy": request.policy,
        "policy_digest": request.policy_digest,
        "rule": request.rule,
        "how": "automatic" if request.automatic else "votes",
        "stages": [
            {
                "need": stage.need,
                # An address is not for the ledger; those whom it names are among the eligible ids.
                "of": [name for name in stage.of if name.startswith(GROUP)],
                "eligible": list(stage.eligible[:each]),
                "eligible_count": len(stage.eligible),
            }
            for stage in request.stages
        ],
        "decide_by": request.decide_by,
        "owes": dict(request.owes and {"duties": sorted(request.owes)}),
    }
    told = {"start_at": request.start_at, "asked_by": request.asked_by, "bundle": request.bundle}
    told |= {"until": request.until}
    body |= {name: value for name, value in told.items() if value is not None}
    return body


def asked_secret(request: Request) -> dict[str, str]:
    """What the requester wrote, and the salt without which the digest cannot be tried out."""
    return {"reason": request.reason, "ticket": request.ticket, "digest_salt": request.digest_salt}


def vote_body(vote: Vote, via: str = "") -> dict[str, Any]:
    """One decision: for which digest, how far narrowed, over which channel if it was one of those that tell people."""
    body: dict[str, Any] = {"vote": vote.id, "digest": vote.digest}
    if via:
        body["via"] = via
    if vote.narrowed_ms is not None:
        body["narrowed_ms"] = vote.narrowed_ms
    if vote.narrowed_role is not None:
        body["narrowed_role"] = vote.narrowed_role
    if vote.narrowed_until is not None:
        body["narrowed_until"] = vote.narrowed_until
    if vote.narrowed_scope:
        body["narrowed_scope"] = list(vote.narrowed_scope)
    if vote.passkey:
        body["signed"] = {"statement": vote.statement, "passkey": dict(vote.passkey)}
    elif vote.signature:
        body["signed"] = {"statement": vote.statement, "signature": vote.signature}
    return body


def grant_event(
    office: Office,
    type: str,
    grant: Grant,
    by: Actor,
    *,
    body: Mapping[str, Any] | None = None,
    secret: Mapping[str, str] | None = None,
) -> Event:
    """An event about a grant."""
    return Event(
        type,
        office.now(),
        by,
        request=grant.request,
        grant=grant.id,
        target=office.target_ref(grant.target),
        body=body or {},
        secret={name: value for name, value in (secret or {}).items() if value},
    )
