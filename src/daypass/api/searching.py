"""Routes that find things: search, one entry with its bodies, the bodies of a session's record."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront
from daypass.domain.errors import Invalid
from daypass.domain.events import Blob
from daypass.domain.finding import OUTCOMES, Sought, phrases_of
from daypass.domain.people import Person
from daypass.services.counting_hits import Facet
from daypass.services.searching import PAGE_MAX, Hit

router = APIRouter(tags=["record"])

BODIES_PAGE = 200
"""Bodies of one answer: a recording's chunk has some 32 KiB unpacked."""


class FacetValue(BaseModel):
    """A value that hits have, and how many have it."""

    value: str = Field(description="To narrow with: as the parameter of the facet's name takes it.")
    label: str
    count: int


class FacetView(BaseModel):
    """One way to narrow down. `time` is by day (`2026-11-25`) or by month (`2026-11`), in UTC."""

    name: Literal["person", "target", "table", "kind", "time", "outcome"]
    values: list[FacetValue]
    more: int = Field(description="Further values, which are rarer.")


class FacetsView(BaseModel):
    """What the hits of a search have in common. NEWEST: only the newest were counted, of which there are `hits`."""

    id: Literal["facets"] = "facets"
    state: Literal["WHOLE", "NEWEST"]
    hits: int
    facets: list[FacetView]


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for, and whose."""

    sought: Sought
    person: str | None


async def the_question(
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
    outcome: Annotated[
        str | None, Query(max_length=models.NAME_MAX, description=f"How it came out: {', '.join(OUTCOMES)}.")
    ] = None,
) -> Question:
    """The parameters of search, read once for all that search."""
    if outcome is not None and outcome not in OUTCOMES:
        raise Invalid(f"there is no outcome {outcome}", hint=f"one of {', '.join(OUTCOMES)}")
    return Question(Sought(phrases_of(q), None, target, table, kind, since, until, outcome), person)


AQuestion = Annotated[Question, Depends(the_question)]


@router.get("/search")
async def search(
    caller: ACaller,
    front: AFront,
    asked: AQuestion,
    before: Annotated[int | None, Query(ge=0, le=2**62, description="Only entries with a smaller index.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> models.Page[models.HitView]:
    """What was said and done, the newest first, as far as I may see it. Each hit was checked against the log."""
    found = await front.searching.search(caller.person, asked.sought, person=asked.person, before=before, limit=limit)
    people = await front.reading.people()
    items = [_hit(hit, people) for hit in found.hits]
    return models.Page(items=items, next=str(found.next) if found.next is not None else None)


@router.get("/search/facets")
async def count_hits(caller: ACaller, front: AFront, asked: AQuestion) -> FacetsView:
    """How many of the hits, as far as I may see them, are of each person, target, table, kind, time and outcome."""
    found = await front.counting_hits.count(caller.person, asked.sought, person=asked.person)
    people = await front.reading.people()
    return FacetsView(
        state="WHOLE" if found.whole else "NEWEST",
        hits=found.hits,
        facets=[_facet(one, people) for one in found.facets if one.values],
    )


def _facet(facet: Facet, people: Mapping[str, Person]) -> FacetView:
    if facet.name == "person":
        named = [(mapping.someone(people, id), count) for id, count in facet.values]
        values = [FacetValue(value=one.email, label=one.name, count=count) for one, count in named]
    else:
        values = [FacetValue(value=value, label=value, count=count) for value, count in facet.values]
    return FacetView(name=facet.name, values=values, more=facet.more)


@router.get("/log/{index}")
async def open_entry(index: Annotated[int, Path(ge=0, le=2**62)], caller: ACaller, front: AFront) -> models.OpenedView:
    """The entry with this index, checked, and its bodies as they are stored."""
    hit, blobs = await front.searching.one(caller.person, index)
    seen = _hit(hit, await front.reading.people())
    return models.OpenedView(**seen.model_dump(), bodies=[_body(blob) for blob in blobs])


@router.get("/sessions/{id}/bodies")
async def list_bodies(
    id: Part,
    caller: ACaller,
    front: AFront,
    since: Annotated[int, Query(ge=0, le=2**62, description="From this one on.")] = 0,
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
