"""Routes that go on: what changes, and a recording as it grows, as server-sent events (WHATWG HTML, 9.2).

Each event is one line of JSON. A client that comes back asks anew for what it shows; a recording goes on at the place
that its last event's id names.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials

from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, bearer, cookie, the_caller
from daypass.api.watching import opened
from daypass.domain.errors import DaypassError, Refused
from daypass.domain.people import Person
from daypass.ledger.entry import is_locked
from daypass.ledger.recording import MEDIA as CAST
from daypass.ledger.recording import cast_footer, cast_header
from daypass.services.following import Changed, Grown, Still

router = APIRouter(tags=["following"])
MEDIA = "text/event-stream"
Seconds = Annotated[int | None, Query(ge=0, le=86_400, description="End after so long, for who asks now and then.")]


async def still_there(
    caller: ACaller,
    request: Request,
    front: AFront,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    shown: Annotated[str | None, Depends(cookie)],
) -> Still:
    """What tells who is calling, by what they called with, again and again: an answer may go on for hours."""

    async def again() -> Person | None:
        try:
            return (await the_caller(request, front, given, shown)).person
        except DaypassError:
            return None

    return again


AStill = Annotated[Still, Depends(still_there)]


@router.get("/changes", response_class=StreamingResponse)
async def follow_changes(caller: ACaller, still: AStill, front: AFront, seconds: Seconds = None) -> StreamingResponse:
    """What changes from now on, as far as I may see it: ids to ask for anew, and the server's clock."""
    front.following.check_room(caller.person.id)
    changes = _changes(front.following.changes(still, seconds))
    return _stream(front.following.counted(caller.person.id, changes))


@router.get("/sessions/{id}/watch", response_class=StreamingResponse)
async def watch_session(
    id: Part,
    caller: ACaller,
    still: AStill,
    front: AFront,
    after: Annotated[int, Query(ge=0, le=2**62, description="From behind this place on.")] = 0,
    seconds: Seconds = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None,
) -> StreamingResponse:
    """The recording so far and as it grows, in lines of asciicast v3; it ends with the session."""
    front.following.check_room(caller.person.id)
    session, _ = await front.recordings.follow(caller.person, id, after=0, limit=0)
    place = after if last_event_id is None else last_event_id
    grown = front.following.recording(still, session.id, place, seconds)
    return _stream(front.following.counted(caller.person.id, _lines(grown, place == 0)))


def _stream(events: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(events, media_type=MEDIA, headers={"X-Accel-Buffering": "no"})


async def _changes(changes: AsyncIterator[Changed]) -> AsyncGenerator[str, None]:
    async for one in changes:
        yield _event("changed", json.dumps(asdict(one)))


async def _lines(grown: AsyncIterator[Grown], from_start: bool) -> AsyncGenerator[str, None]:
    async for one in grown:
        if any(is_locked(blob.content) for blob in one.blobs):
            refused = Refused("this recording is encrypted, and not to us", hint="daypass replay ID --identity FILE")
            yield _event("refused", json.dumps({"detail": refused.message, "hint": refused.hint}))
            return
        lines = [cast_header(one.session)] if from_start else []
        from_start = False
        lines += [opened(blob) for blob in one.blobs if blob.media == CAST]
        if one.over:
            lines.append(cast_footer(one.session))
        text = b"".join(lines).decode()
        yield _event("over" if one.over else "lines", json.dumps(text), one.place)


def _event(name: str, data: str, id: int | None = None) -> str:
    place = "" if id is None else f"id: {id}\n"
    return f"{place}event: {name}\ndata: {data}\n\n"
