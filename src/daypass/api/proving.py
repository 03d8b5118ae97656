"""Routes of single entries: one entry in its place, and the receipt that shows offline that it stands there."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from daypass.api import mapping, models
from daypass.api.front import ACaller, AFront, Front
from daypass.domain.durations import duration_ms
from daypass.domain.errors import Invalid, Unavailable
from daypass.domain.people import Person
from daypass.store.interface import StoredEntry

router = APIRouter(tags=["record"])

WAIT_MS_MAX = 30_000
"""Whoever waits longer asks again."""
PLACE_SECONDS = 2.0
"""How long an entry that was just made is waited for to get its place; it takes a few milliseconds."""
POLL_SECONDS = 0.005

EntryId = Annotated[str, Path(min_length=36, max_length=36, description="The entry's id.")]


@router.get("/entries/{id}")
async def show_entry(id: EntryId, caller: ACaller, front: AFront) -> models.EntryView:
    """One entry, in its place."""
    placed = await _placed(front, caller.person, id, monotonic() + PLACE_SECONDS)
    return mapping.entry(placed, await front.reading.people())


@router.get("/entries/{id}/receipt", response_class=Response)
async def get_receipt(
    id: EntryId,
    caller: ACaller,
    front: AFront,
    wait: Annotated[str | None, Query(max_length=16, description="Publish, and wait for so long, like `2s`.")] = None,
) -> Response:
    """The entry's receipt (C2SP tlog-proof) under the newest published checkpoint. `wait` has it published now."""
    seconds = _seconds(wait)
    give_up = monotonic() + seconds
    found = await _placed(front, caller.person, id, max(give_up, monotonic() + PLACE_SECONDS))
    if seconds and not await front.log.reach(found.index, max(give_up - monotonic(), 0.0)):
        raise Unavailable(f"entry {id} was not published within {wait}", hint="ask again; /healthz may say why")
    made = await front.log.receipt(found.index)
    if made.entry != bytes(found.entry):
        raise Unavailable(f"entry {id} is not what is published as number {found.index}", hint="/healthz may say why")
    name = f'attachment; filename="{found.index}.tlog-proof"'
    return Response(made.proof, media_type="text/plain; charset=utf-8", headers={"Content-Disposition": name})


def _seconds(wait: str | None) -> float:
    if wait is None:
        return 0.0
    try:
        asked = duration_ms(wait)
    except ValueError as problem:
        raise Invalid(f"wait must be {problem}, not {wait!r}", hint="?wait=2s") from None
    return min(asked, WAIT_MS_MAX) / 1000


async def _placed(front: Front, by: Person, id: str, give_up: float) -> StoredEntry:
    """The entry once it has its place. Raises `NotFound`, `Unavailable`."""
    while (found := await front.reading.entry(by, id, everyone=front.log.public)).index < 0:
        if monotonic() > give_up:
            raise Unavailable(f"entry {id} has no place in the log yet", hint="ask again in a moment")
        await asyncio.sleep(POLL_SECONDS)
    return found


async def noted(
    front: Front, *types: str, request: str | None = None, session: str | None = None, actor: str | None = None
) -> dict[str, str | None]:
    """The newest entry of these types about one thing, and where its receipt is: what an answer ends with."""
    id = await front.reading.newest_of(types, request=request, session=session, actor=actor)
    return {"entry": id, "receipt": f"{front.public_url}/api/v1/entries/{id}/receipt" if id else None}
