"""Closing a session's row, with the event that tells of it: by its gateway, or for a gateway that is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from daypass.domain import session as sessions
from daypass.domain.durations import SECOND_MS
from daypass.domain.events import Event
from daypass.domain.grant import EndReason
from daypass.domain.people import SYSTEM, Actor
from daypass.domain.session import NOT_CONFIRMED, Over, Session
from daypass.services.interface import SessionEnd
from daypass.services.office import Change, Office
from daypass.services.sweeping import RETRY_FIRST_MS

FIRST_LOOK_MS = SECOND_MS
"""How long after a session left by itself it is looked whether its work is gone: a backend needs milliseconds to go."""

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
        over = sessions.ended(session, Over(session.id, EndReason.REFUSED), office.now())
        await change.tx.save_session(over)
        event = session_event(office, "session.ended", over, SYSTEM, body=ended_body(over), secret={"note": note})
        await change.record(event)


async def close_recovered(
    office: Office, change: Change, session_id: str, *, end: SessionEnd | None = None, node_gone: str | None = None
) -> Session | None:
    """Close a session that a crash left open, after its work was ended at the target (`end`), or was looked at by a
    person. Its journal has been shipped, so that what was submitted is complete; an outcome may be missing, and then
    the recording has a gap.

    `node_gone`: the node that carried it, whose journal cannot be had. How far that is shipped stands in the event, and
    is held until the commit: what turns up later stands behind this event, and is marked `late`."""
    unshipped_after = None if node_gone is None else await change.tx.shipped_for_change(node_gone)
    session = await change.tx.session_for_change(session_id)
    if session is None or session.state not in sessions.LIVE:
        return session
    submitted = await _count(change, session_id, "statement.submitted")
    completed = await _count(change, session_id, "statement.completed")
    recording = "complete" if submitted == completed and unshipped_after is None else "gap"
    over = sessions.ended(session, Over(session.id, EndReason.RECOVERED, "", submitted, recording), office.now())
    over = sessions.looked_at(over, kept_end(end, attempts=1) if end is not None else None, None)
    await change.tx.save_session(over)
    lost = {} if unshipped_after is None else {"unshipped_after": unshipped_after}
    await change.record(session_event(office, "session.ended", over, SYSTEM, body={**ended_body(over, end), **lost}))
    return over


async def _count(change: Change, session_id: str, type: str) -> int:
    return len(await change.tx.entries(session=session_id, types=(type,), limit=STATEMENTS_MAX))


def ended_body(session: Session, end: SessionEnd | None = None) -> dict[str, Any]:
    """How a session ended, with the steps of that where Daypass took them."""
    return {
        "reason": session.end_reason,
        "state": session.state.value,
        "statements": session.statements,
        "recording": session.recording,
        "duration_ms": (session.ended_at or session.opened_at) - session.opened_at,
        **({"end": {**told_end(end), "steps": _in_order(end)}} if end is not None else {}),
    }


def told_end(end: SessionEnd) -> dict[str, Any]:
    """The end of a session as events tell it: steps in microseconds since it began."""
    told: dict[str, Any] = {
        "session": end.session,
        "steps_us": {name: round(ms * 1000) for name, ms in end.steps.items()},
        "how": end.how,
        "read_back": "gone" if end.confirmed else NOT_CONFIRMED,
    }
    seen = {"was": end.was, "statement": end.statement, "outcome": end.outcome}
    return {**told, **{name: value for name, value in seen.items() if value}}


def _in_order(end: SessionEnd) -> list[str]:
    """Its steps in their order: entries sort their keys."""
    return sorted(end.steps, key=lambda step: end.steps[step])


def kept_end(end: SessionEnd, attempts: int) -> dict[str, Any]:
    """The same as the session keeps it; what a target said stands in the event alone, as it may quote people."""
    return {**told_end(end), "began_at": end.began_at, "attempts": attempts}


def since_first(session: Session | None, end: SessionEnd) -> SessionEnd:
    """This end together with what the session keeps of earlier looks: it began with the first of them, and a step was
    taken when it was taken first. What was found going on last counts; where nothing was, what was found before."""
    first: Mapping[str, Any] = (session.ending if session is not None else None) or {}
    began_at = int(first.get("began_at") or end.began_at)
    later = max(0, end.began_at - began_at)
    taken = {name: us / 1000 for name, us in first.get("steps_us", {}).items()}
    return replace(
        end,
        steps={**{name: later + ms for name, ms in end.steps.items()}, **taken},
        was=end.was or first.get("was", ""),
        how=end.how if end.was else first.get("how") or end.how,
        statement=end.statement or first.get("statement", 0),
        outcome=end.outcome or first.get("outcome", ""),
        began_at=began_at,
    )


def seen_end(session: Session, end: SessionEnd | None, now: int) -> Session:
    """A session that is over, with what was seen of that. What was not seen is looked at again, and soon where nobody
    has looked yet, as its side left by itself. What was never let in left nothing to look at."""
    ending: Mapping[str, object] | None = kept_end(end, attempts=1) if end is not None else None
    if not session.mark or (end is not None and end.confirmed):
        return sessions.looked_at(session, ending, None)
    return sessions.looked_at(session, ending, now + (FIRST_LOOK_MS if end is None else RETRY_FIRST_MS))
