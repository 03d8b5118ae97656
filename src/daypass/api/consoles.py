"""Routes of the SQL console: open one under an access that one holds, run statements in it, follow it, close it.

What runs there goes through the gateway as a client's session does. Answers that stream are lines of JSON (NDJSON):
what was sent stands, so that what goes wrong in the middle is a line as well.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from daypass.api import models
from daypass.api.following import MEDIA as EVENTS
from daypass.api.front import ACaller, AFront, Caller, client_of
from daypass.api.strict import Strict
from daypass.gateway.console import Console
from daypass.gateway.console_results import Line
from daypass.services.consoles import Because, Opener
from daypass.services.following import BEAT_SECONDS

router = APIRouter(tags=["console"])
MEDIA = "application/x-ndjson"
TEXT_CHARS_MAX = 512 * 1024
"""A text for a console is typed, or pasted; what is longer is a job for a client."""
STREAM_HEADERS = {"X-Accel-Buffering": "no"}

Id = Annotated[str, Path(max_length=models.NAME_MAX)]


class OpenConsole(Strict):
    """Where, and as what."""

    target: str = Field(min_length=1, max_length=models.NAME_MAX)
    role: str = Field(min_length=1, max_length=models.NAME_MAX)


class RunText(Strict):
    """One statement or several: they run one after the other, up to the first that fails."""

    text: str = Field(min_length=1, max_length=TEXT_CHARS_MAX)
    rows_max: int | None = Field(
        default=None, ge=1, description="Rows of one result that are sent; null: as many as can be."
    )


class ConsoleLimits(BaseModel):
    """What a console does at most."""

    consoles: int
    rows: int
    bytes: int
    statement_ms: int
    idle_ms: int


class ConsoleView(BaseModel):
    """A console: a session that this gateway carries for me, as long as I am signed in with what opened it."""

    id: str
    state: Literal["OPEN", "RUNNING", "OVER"]
    target: str
    role: str
    session: str
    grant: str
    request: str
    transaction: Literal["idle", "open", "failed"]
    opened_at: int
    because: Because | None = Field(default=None, description="Why it is over.")
    message: str = ""
    hint: str = ""
    limits: ConsoleLimits
    schema_query: str = Field(description="What to run for the tables that can be read: schema, table, column, type.")


class Cancelled(BaseModel):
    """Whether there was something to stop. What came of it is told where it runs."""

    id: str
    state: Literal["CANCELLED", "IDLE"]


@router.post("/consoles", status_code=201)
async def open_console(wanted: OpenConsole, request: Request, caller: ACaller, front: AFront) -> ConsoleView:
    """Open a session at a target, under an access that I hold. It is a session like any other from here on."""
    return _shown(front, await front.consoles.open(_opener(request, caller), wanted.target, wanted.role))


@router.get("/consoles")
async def list_consoles(request: Request, caller: ACaller, front: AFront) -> models.Page[ConsoleView]:
    """My consoles here, those that were over lately too, the newest first."""
    return models.Page(items=[_shown(front, one) for one in front.consoles.list(_opener(request, caller))])


@router.get("/consoles/{id}")
async def show_console(id: Id, request: Request, caller: ACaller, front: AFront) -> ConsoleView:
    """One console; why it is over, if it is."""
    return _shown(front, front.consoles.find(_opener(request, caller), id))


@router.post("/consoles/{id}/run", response_class=StreamingResponse)
async def run_in_console(id: Id, what: RunText, request: Request, caller: ACaller, front: AFront) -> StreamingResponse:
    """Run statements; their results as lines of JSON, as they come. Whoever goes away has what runs stopped."""
    console = front.consoles.find(_opener(request, caller), id)
    lines = console.run(what.text, what.rows_max or front.consoles.bounds.rows_max)
    first = await anext(lines)
    return StreamingResponse(_ndjson(first, lines), media_type=MEDIA, headers=STREAM_HEADERS)


@router.post("/consoles/{id}/cancel")
async def cancel_in_console(id: Id, request: Request, caller: ACaller, front: AFront) -> Cancelled:
    """Stop the running statement, as Ctrl-C does in a client. The console stays."""
    console = front.consoles.find(_opener(request, caller), id)
    return Cancelled(id=console.id, state="CANCELLED" if await console.cancel() else "IDLE")


@router.get("/consoles/{id}/events", response_class=StreamingResponse)
async def follow_console(id: Id, request: Request, caller: ACaller, front: AFront) -> StreamingResponse:
    """What is told besides results (how much time is left, that it is over), as server-sent events. A console that was
    followed is closed when nobody follows it any more."""
    console = front.consoles.find(_opener(request, caller), id)
    front.following.check_room(caller.person.id)
    return StreamingResponse(
        front.following.counted(caller.person.id, _events(front, console)), media_type=EVENTS, headers=STREAM_HEADERS
    )


@router.post("/consoles/{id}/close")
async def close_console(id: Id, request: Request, caller: ACaller, front: AFront) -> ConsoleView:
    """Close it: its session ends, an open transaction is rolled back, a running statement is stopped."""
    console = front.consoles.find(_opener(request, caller), id)
    console.end("closed", "you closed this console")
    return _shown(front, console)


def _opener(request: Request, caller: Caller) -> Opener:
    return Opener(caller.person, caller.token, caller.visit.id if caller.visit is not None else "", client_of(request))


def _shown(front: AFront, console: Console) -> ConsoleView:
    session, over, bounds = console.session, console.over, front.consoles.bounds
    assert session is not None  # it is listed only once it has one
    return ConsoleView(
        id=console.id,
        state="OVER" if over is not None else "RUNNING" if console.running else "OPEN",
        target=console.target,
        role=console.role,
        session=session.id,
        grant=session.grant,
        request=session.request,
        transaction=console.transaction,
        opened_at=session.opened_at,
        because=over.because if over is not None else None,
        message=over.message if over is not None else "",
        hint=over.hint if over is not None else "",
        limits=ConsoleLimits(
            consoles=bounds.consoles_max,
            rows=bounds.rows_max,
            bytes=bounds.bytes_max,
            statement_ms=round(bounds.statement_seconds * 1000),
            idle_ms=round(bounds.idle_seconds * 1000),
        ),
        schema_query=console.talk.schema,
    )


async def _ndjson(first: Line, rest: AsyncGenerator[Line, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield _line(first)
        async for line in rest:
            yield _line(line)


def _line(line: Line) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


async def _events(front: AFront, console: Console) -> AsyncGenerator[str, None]:
    async with aclosing(console.follow(BEAT_SECONDS)) as lines:
        async for line in lines:
            told = {**line, "now": front.office.now()} if line else {"kind": "beat", "now": front.office.now()}
            yield f"event: {told['kind']}\ndata: {json.dumps(told)}\n\n"
