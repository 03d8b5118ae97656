"""Routes that find things: search, one entry with its bodies, the bodies of a session's record."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront
from daypass.domain.events import Blob
from daypass.domain.finding import Sought, phrases_of
from daypass.domain.people import Person
from daypass.services.searching import PAGE_MAX, Hit

router = APIRouter(tags=["record"])

BODIES_PAGE = 200
"""Bodies of one answer: a recording's chunk has some 32 KiB unpacked."""


@router.get("/search")
async def search(
    caller: ACaller,
    front: AFront,
    q: Annotated[
        str, Query(max_length=1000, description='Words; "in quotes" next to each other; a `*` ends a beginning.')
    ] = "",
    person: Annotated[str | None, Query(max_length=models.NAME_MAX, description="An address or an id.")] = None,
    target: Annotated[str | None, Query(max_length=models.NAME_MAX)] = None,
    table: Annotated[str | None, Query(max_length=models.NAME_MAX, description="With or without its schema.")] = None,
    kind: Annotated[
        str | None, Query(max_length=models.NAME_MAX, description="Of a statement, or a type of entry.")
    ] = None,
    since: Annotated[int | None, Query(ge=0, le=models.T_MAX, description="From this time (ms) on.")] = None,
    until: Annotated[int | None, Query(ge=0, le=models.T_MAX, description="Before this time (ms).")] = None,
    before: Annotated[int | None, Query(ge=0, le=2**62, description="Only entries with a smaller index.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> models.Page[models.HitView]:
    """What was said and done, the newest first, as far as I may see it. Each hit was checked against the log."""
    sought = Sought(phrases_of(q), None, target, table, kind, since, until)
    found = await front.searching.search(caller.person, sought, person=person, before=before, limit=limit)
    people = await front.reading.people()
    items = [_hit(hit, people) for hit in found.hits]
    return models.Page(items=items, next=str(found.next) if found.next is not None else None)


@router.get("/log/{index}")
async def open_entry(index: Annotated[int, Path(ge=0, le=2**62)], caller: ACaller, front: AFront) -> models.OpenedView:
    """The entry with this index, checked, and its bodies as they are stored."""
    hit, blobs = await front.searching.one(caller.person, index)
    seen = _hit(hit, await front.reading.people())
    return models.OpenedView(**seen.model_dump(), bodies=[_body(blob) for blob in blobs])


@router.get("/sessions/{id}/bodies")
async def list_bodies(
    id: Part, caller: ACaller, front: AFront, since: Annotated[int, Query(ge=0, description="From this one on.")] = 0
) -> models.Page[models.BodyView]:
    """The bodies of a session's record as they are stored, in order: for who has the identity that opens them."""
    _, blobs = await front.recordings.open(caller.person, id)
    part = blobs[since : since + BODIES_PAGE]
    more = since + BODIES_PAGE < len(blobs)
    return models.Page(items=[_body(blob) for blob in part], next=str(since + BODIES_PAGE) if more else None)


def _body(blob: Blob) -> models.BodyView:
    content = base64.b64encode(blob.content).decode()
    return models.BodyView(id=blob.sha256, state="KEPT", media=blob.media, content=content)


def _hit(hit: Hit, people: Mapping[str, Person]) -> models.HitView:
    try:
        entry: dict[str, Any] = json.loads(hit.entry.entry)
        body = dict(entry["body"])
        actor = mapping.someone(people, str(entry["actor"]["id"]))
    except (ValueError, KeyError, TypeError):
        entry, body, actor = {}, {}, None
    return models.HitView(
        id=hit.entry.id,
        state=hit.state,
        index=hit.entry.index,
        type=hit.entry.type,
        t=hit.entry.t,
        leaf=hit.entry.leaf,
        person=actor,
        target=(entry.get("target") or {}).get("name"),
        session=entry.get("session"),
        request=entry.get("request"),
        kind=str(body.get("kind", "")),
        effect=str(body.get("effect", "")),
        tables=list(dict.fromkeys((*body.get("reads", ()), *body.get("writes", ())))),
        body=hit.body,
        said=dict(hit.said),
        entry=hit.entry.entry.decode(errors="replace"),
    )
