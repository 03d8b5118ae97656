"""A request, or a bundle of them, as a task of AuthZEN's Access Request and Approval Profile (draft 1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from daypass.domain.request import RequestState

PENDING, PARTIAL = "pending", "partial"

STATUS: Mapping[RequestState, str] = {
    RequestState.PENDING: PENDING,
    RequestState.NEEDS_INFO: PENDING,
    RequestState.APPROVED: "approved",
    RequestState.BROKEN_GLASS: "approved",
    RequestState.RATIFIED: "approved",
    RequestState.DENIED: "denied",
    RequestState.NOT_RATIFIED: "denied",
    RequestState.EXPIRED: "expired",
    RequestState.WITHDRAWN: "cancelled",
}
"""What the task says for each state of a request."""

EVENTS = ("approved", "denied", "expired", "cancelled", "failed", PARTIAL)
"""What a callback can be asked for."""


def whole(states: Collection[RequestState]) -> str:
    """The status of a task of several items: `partial` once they ended differently."""
    found = {STATUS[state] for state in states}
    if PENDING in found:
        return PENDING
    return found.pop() if len(found) == 1 else PARTIAL
