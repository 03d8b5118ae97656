"""Closing a session's row, with the event that tells of it: by its gateway, or for a gateway that is gone."""

from __future__ import annotations

from typing import Any

from daypass.domain import session as sessions
from daypass.domain.events import Event
from daypass.domain.grant import EndReason
from daypass.domain.people import SYSTEM, Actor
from daypass.domain.session import Session
from daypass.services.office import Change, Office

STATEMENTS_MAX = 100_000
"""Statements of a lost session that are counted; beyond, the count stands still."""


def session_event(
    office: Office,
    type: str,
    session: Session,
    by: Actor,
    *,
    body: dict[str, Any] | None = None,
    secret: dict[str, str] | None = None,
) -> Event:
    """An event about a session."""
    return Event(
        type,
        office.now(),
        by,
        request=session.request,
        grant=session.grant,
        session=session.id,
        target=office.target_ref(session.target),
        body=body or {},
        secret={name: value for name, value in (secret or {}).items() if value},
    )


async def close_unopened(office: Office, session_id: str, note: str) -> None:
    """Close a session that was registered and whose target will not be dialled."""
    async with office.change() as change:
        session = await change.tx.session_for_change(session_id)
        if session is None or session.state not in sessions.LIVE:
            return
        over = sessions.ended(session, EndReason.REFUSED, office.now(), statements=0, recording="complete")
        await change.tx.save_session(over)
        event = session_event(office, "session.ended", over, SYSTEM, body=ended_body(over), secret={"note": note})
        await change.record(event)


async def close_recovered(
    office: Office, change: Change, session_id: str, *, node_gone: str | None = None
) -> Session | None:
    """Close a session that a crash left open, after its work was ended at the target. Its journal has been shipped, so
    that what was submitted is complete; an outcome may be missing, and then the recording has a gap.

    `node_gone`: the node that carried it, whose journal cannot be had. How far that is shipped stands in the event, and
    is held until the commit: what turns up later stands behind this event, and is marked `late`."""
    unshipped_after = None if node_gone is None else await change.tx.shipped_for_change(node_gone)
    session = await change.tx.session_for_change(session_id)
    if session is None or session.state not in sessions.LIVE:
        return session
    submitted = await _count(change, session_id, "statement.submitted")
    completed = await _count(change, session_id, "statement.completed")
    recording = "complete" if submitted == completed and unshipped_after is None else "gap"
    over = sessions.ended(session, EndReason.RECOVERED, office.now(), statements=submitted, recording=recording)
    await change.tx.save_session(over)
    lost = {} if unshipped_after is None else {"unshipped_after": unshipped_after}
    await change.record(session_event(office, "session.ended", over, SYSTEM, body={**ended_body(over), **lost}))
    return over


async def _count(change: Change, session_id: str, type: str) -> int:
    return len(await change.tx.entries(session=session_id, types=(type,), limit=STATEMENTS_MAX))


def ended_body(session: Session) -> dict[str, Any]:
    """How a session ended."""
    return {
        "reason": session.end_reason,
        "state": session.state.value,
        "statements": session.statements,
        "recording": session.recording,
        "duration_ms": (session.ended_at or session.opened_at) - session.opened_at,
    }
