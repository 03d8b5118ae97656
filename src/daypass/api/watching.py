"""Routes of what happened: sessions, their statements and recordings, and the ledger's entries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, APage, Caller, Front
from daypass.api.proving import noted
from daypass.domain.errors import NotFound, Refused, Unavailable
from daypass.domain.events import CATALOGUE, Blob
from daypass.domain.session import LIVE, Session
from daypass.ledger.entry import BodyDamaged, is_locked, open_blob
from daypass.ledger.recording import MEDIA as CAST
from daypass.ledger.recording import QUESTION, cast_footer, cast_header, payloads
from daypass.services.reading import ENTRIES_MAX

router = APIRouter(tags=["record"])

TOLD_SECONDS_MAX = 5.0
"""How long an answer waits for the end of a killed session to be told; its work has ended by then in any case."""
TOLD_POLL_SECONDS = 0.02

STATEMENT_TYPES = ("statement.submitted", "statement.refused", "statement.completed")
"""What statements stand in the ledger as."""


@router.get("/sessions")
async def list_sessions(
    caller: ACaller,
    front: AFront,
    page: APage,
    grant: Annotated[str | None, Query(max_length=models.NAME_MAX, description="Only those of this grant.")] = None,
    live: Annotated[bool, Query(description="Only those that are open now.")] = False,
) -> models.Page[models.SessionView]:
    """Sessions that I may see, newest first."""
    found = await front.reading.sessions(caller.person, page, grant=grant, live=live)
    people = await front.reading.people()
    items = [mapping.session(each, people) for each in found]
    return models.Page(items=items, next=found[-1].id if len(found) == page.limit else None)


@router.get("/sessions/{id}")
async def show_session(id: Part, caller: ACaller, front: AFront) -> models.SessionView:
    """One session."""
    return await _shown(front, await front.reading.session(caller.person, id))


@router.post("/sessions/{id}/kill")
async def kill_session(id: Part, why: models.Because, caller: ACaller, front: AFront) -> models.SessionView:
    """End a session now; its grant stays."""
    found, end = await front.sessions.kill(caller.person, id, why.reason)
    if not end.confirmed:
        raise Unavailable(
            f"the end of session {found.id} is not confirmed: {end.problem}", hint=f"daypass show {found.id}"
        )
    return await _shown(front, await _told(front, caller, found))


async def _shown(front: Front, session: Session) -> models.SessionView:
    """The session, with the entry of its end (of its opening, while it lasts) and its receipt."""
    view = mapping.session(session, await front.reading.people())
    types = ("session.registered", "session.opened") if session.state in LIVE else ("session.ended",)
    return view.model_copy(update=await noted(front, *types, session=session.id))


async def _told(front: Front, caller: Caller, session: Session) -> Session:
    """The session once its last record is in the store and its end is told; as it is if that takes too long."""
    give_up = monotonic() + TOLD_SECONDS_MAX
    while session.state in LIVE and monotonic() < give_up:
        await asyncio.sleep(TOLD_POLL_SECONDS)
        session = await front.reading.session(caller.person, session.id)
    return session


@router.get("/sessions/{id}/recording", response_class=Response)
async def get_recording(id: Part, caller: ACaller, front: AFront) -> Response:
    """The recording so far, as asciicast v3: a header line, then one event a line."""
    session, blobs = await front.recordings.open(caller.person, id)
    if any(is_locked(blob.content) for blob in blobs):
        raise Refused("this recording is encrypted, and not to us", hint="daypass replay ID --identity FILE")
    return StreamingResponse(_cast(session, blobs), media_type=CAST)


@router.get("/sessions/{id}/statements")
async def list_statements(
    id: Part,
    caller: ACaller,
    front: AFront,
    since: Annotated[int, Query(ge=0, description="From this ledger index on.")] = 0,
) -> models.Page[models.StatementView]:
    """The statements of a session, in order, each with what came of it. `next` is the following `since`."""
    session, blobs = await front.recordings.open(caller.person, id)
    found = await front.reading.entries(
        caller.person, since=since, limit=ENTRIES_MAX, types=STATEMENT_TYPES, session=session.id
    )
    entries = [json.loads(each.entry) for each in found]
    outcomes = {each["body"]["statement"]: each for each in entries if each["type"] == "statement.completed"}
    said = await asyncio.to_thread(_said, blobs)
    items = [
        mapping.statement(each, outcomes.get(each["body"]["statement"]), said.get(each["body"]["statement"]))
        for each in entries
        if each["type"] != "statement.completed"
    ]
    return models.Page(items=items, next=str(found[-1].index + 1) if len(found) == ENTRIES_MAX else None)


@router.get("/entries")
async def list_entries(
    caller: ACaller,
    front: AFront,
    since: Annotated[int, Query(ge=0, le=2**62, description="From this index on.")] = 0,
    limit: Annotated[int, Query(ge=1, le=ENTRIES_MAX)] = 100,
    type: Annotated[list[str] | None, Query(description="Only these types.", max_length=64)] = None,
    request: Annotated[str | None, Query(max_length=models.NAME_MAX)] = None,
    grant: Annotated[str | None, Query(max_length=models.NAME_MAX)] = None,
    session: Annotated[str | None, Query(max_length=models.NAME_MAX)] = None,
) -> models.Page[models.EntryView]:
    """Entries of the ledger in their order: of one thing I may see, or all for auditors. `next` is the next `since`."""
    unknown = [name for name in type or () if name not in CATALOGUE]
    if unknown:
        raise NotFound(f"there is no entry type {unknown[0]}", hint="docs/events.md lists them")
    found = await front.reading.entries(
        caller.person, since=since, limit=limit, types=type or (), request=request, grant=grant, session=session
    )
    items = [mapping.entry(each) for each in found]
    return models.Page(items=items, next=str(found[-1].index + 1) if len(found) == limit else None)


def _cast(session: Session, blobs: Sequence[Blob]) -> Iterator[bytes]:
    yield cast_header(session)
    for blob in blobs:
        if blob.media == CAST:
            yield opened(blob)
    yield cast_footer(session)


def opened(blob: Blob) -> bytes:
    """What a piece of a recording holds. Raises `Unavailable` for a damaged one."""
    try:
        return open_blob(blob.content)
    except BodyDamaged as problem:
        raise Unavailable(f"a part of the recording is damaged: {problem}") from None


def _said(blobs: Sequence[Blob]) -> dict[int, Mapping[str, Any]]:
    """What the recording says of each statement, by its number."""
    said: dict[int, Mapping[str, Any]] = {}
    for blob in blobs:
        readable = blob.media == CAST and not is_locked(blob.content)
        for code, payload in payloads(opened(blob)) if readable else ():
            if code == QUESTION and "n" in payload:
                same = said.get(payload.get("same_as", 0), {})
                said[payload["n"]] = {**payload, "text": same["text"]} if "text" in same else payload
    return said
