"""Routes of what happened: sessions, their statements and recordings, and the ledger's entries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, APage, Caller, Front
from daypass.api.proving import noted
from daypass.domain.errors import NotFound, Refused, Unavailable
from daypass.domain.events import CATALOGUE, Blob
from daypass.domain.session import LIVE, Session
from daypass.ledger.entry import BodyDamaged, is_locked, open_blob
from daypass.ledger.recording import MEDIA as CAST
from daypass.ledger.recording import cast_footer, cast_header
from daypass.services.reading import ENTRIES_MAX

router = APIRouter(tags=["record"])

TOLD_SECONDS_MAX = 5.0
"""How long an answer waits for the end of a killed session to be told; its work has ended by then in any case."""
TOLD_POLL_SECONDS = 0.02

ENDED_BY = ("session.ended", "session.end_unconfirmed", "session.end_settled")
"""What the newest entry about the end of a session may be."""


@router.get("/sessions")
async def list_sessions(
    caller: ACaller,
    front: AFront,
    page: APage,
    grant: Annotated[str | None, Query(max_length=models.NAME_MAX, description="Only those of this grant.")] = None,
    live: Annotated[bool, Query(description="Only those that are open now.")] = False,
    current: Annotated[bool, Query(description="Also what open ones do; reading that is on record.")] = False,
) -> models.Page[models.SessionView]:
    """Sessions that I may see, newest first."""
    found = await front.reading.sessions(caller.person, page, grant=grant, live=live)
    doing = await front.recordings.current(caller.person, found) if current else {}
    people = await front.reading.people()
    items = [mapping.session(each, people, doing.get(each.id)) for each in found]
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


@router.post("/sessions/{id}/close")
async def close_session(id: Part, why: models.Because, caller: ACaller, front: AFront) -> models.SessionView:
    """Close the end of a session that could not be confirmed, and answer for it."""
    return await _shown(front, await front.doubts.close_unconfirmed(caller.person, id, why.reason))


async def _shown(front: Front, session: Session) -> models.SessionView:
    """The session, with the entry of its end (of its opening, while it lasts) and its receipt."""
    view = mapping.session(session, await front.reading.people())
    types = ("session.registered", "session.opened") if session.state in LIVE else ENDED_BY
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
    _check_open(blobs)
    return StreamingResponse(_cast(session, blobs), media_type=CAST)


class RecordingBeginning(BaseModel):
    """Where a part of a recording begins. Its `id` is the `after` that it is asked for with."""

    id: str
    state: Literal["KEPT"] = "KEPT"
    statement: int | None = Field(description="The first statement in it, or that an outcome in it belongs to.")
    t: int | None = Field(description="When that was (ms).")


class RecordingPart(BaseModel):
    """A part of a recording: lines of asciicast v3 with a header before them. `next`: the part behind it."""

    id: str
    state: Literal["KEPT"] = "KEPT"
    text: str
    next: str | None


@router.get("/sessions/{id}/parts")
async def list_parts(id: Part, caller: ACaller, front: AFront) -> models.Page[RecordingBeginning]:
    """Where the parts of a recording begin; each can be shown without those before it."""
    _, found = await front.recordings.parts(caller.person, id)
    return models.Page(items=[RecordingBeginning(id=str(one.place), statement=one.statement, t=one.t) for one in found])


@router.get("/sessions/{id}/parts/{after}")
async def show_part(
    id: Part, after: Annotated[int, Path(ge=0, le=2**62)], caller: ACaller, front: AFront
) -> RecordingPart:
    """The part of a recording that begins there, some 1 MiB of it."""
    session, blobs, next = await front.recordings.part(caller.person, id, after)
    _check_open(blobs)
    lines = [cast_header(session), *await asyncio.to_thread(lambda: [opened(blob) for blob in blobs])]
    if next is None:
        lines.append(cast_footer(session))
    text = b"".join(lines).decode(errors="replace")
    return RecordingPart(id=str(after), text=text, next=str(next) if next is not None else None)


def _check_open(blobs: Sequence[Blob]) -> None:
    if any(is_locked(blob.content) for blob in blobs):
        raise Refused("this recording is encrypted, and not to us", hint="daypass replay ID --identity FILE")


@router.get("/sessions/{id}/statements")
async def list_statements(
    id: Part,
    caller: ACaller,
    front: AFront,
    since: Annotated[int, Query(ge=0, le=2**62, description="From this ledger index on.")] = 0,
    first: Annotated[int | None, Query(ge=0, le=2**62, description="From the statement with this number on.")] = None,
    last: Annotated[int | None, Query(ge=0, le=2**62, description="Up to the statement with this number.")] = None,
) -> models.Page[models.StatementView]:
    """The statements of a session, in order, each with what came of it. `next` is the following `since`."""
    found, next = await front.recordings.statements(caller.person, id, since=since, first=first, last=last)
    return models.Page(items=[mapping.statement(each) for each in found], next=None if next is None else str(next))


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
    said: Annotated[bool, Query(description="Also what was said in each, as far as I may read it.")] = False,
) -> models.Page[models.EntryView]:
    """Entries of the ledger in their order: of one thing I may see, or all for auditors. `next` is the next `since`."""
    unknown = [name for name in type or () if name not in CATALOGUE]
    if unknown:
        raise NotFound(f"there is no entry type {unknown[0]}", hint="docs/events.md lists them")
    found = await front.reading.entries(
        caller.person, since=since, limit=limit, types=type or (), request=request, grant=grant, session=session
    )
    words = await front.searching.said(caller.person, found) if said else {}
    people = await front.reading.people()
    items = [mapping.entry(each, people, words.get(each.id)) for each in found]
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
