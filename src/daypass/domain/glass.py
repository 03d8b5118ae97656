"""Breaking the glass: access first, decision afterwards. What ratifying, refusing and time make of it. Pure."""

from __future__ import annotations

from dataclasses import replace

from daypass.domain.deciding import involved, written
from daypass.domain.errors import Conflict, Refused
from daypass.domain.people import Person
from daypass.domain.request import Request, RequestAction, RequestState, step

BROKEN = (RequestState.BROKEN_GLASS, RequestState.RATIFIED, RequestState.NOT_RATIFIED)
"""The states of requests that broke the glass."""

OPENS = (RequestState.BROKEN_GLASS, RequestState.RATIFIED)
"""Those in which what it gave may still be used."""


def ratified(request: Request, by: Person, note: str, now: int) -> Request:
    """The request after somebody said that it was right."""
    return _settled(request, by, note, now, RequestAction.RATIFY, "ratified")


def refused(request: Request, by: Person, note: str, now: int) -> Request:
    """The request after somebody said that it was not; why stands in the note."""
    written(note, "note", needed=True)
    return _settled(request, by, note, now, RequestAction.NOT_RATIFY, "ratification refused")


def _settled(request: Request, by: Person, note: str, now: int, action: RequestAction, because: str) -> Request:
    if request.state not in BROKEN:
        raise Conflict(f"request {request.id} did not break the glass", hint=f"daypass approve {request.id}")
    written(note, "note")
    if by.id in involved(request):
        raise Refused("nobody ratifies their own break-glass")
    return replace(step(request, action), decided_at=now, decided_because=because)
