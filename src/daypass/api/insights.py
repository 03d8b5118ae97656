"""Routes of the named questions over what happened. Numbers are made in `insights`; nothing is counted here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from daypass.api import models
from daypass.api.front import ACaller, AFront
from daypass.insights.asking import Answer
from daypass.insights.questions import QUESTIONS, Question

router = APIRouter(prefix="/insights", tags=["insights"])

ROWS_MAX = 10_000
"""Rows of one answer, some 3 MB; the next ones come with `skip`."""
KEY_MAX = 2 * models.NAME_MAX + 10
"""The name of a group: at most two addresses, with what is between them."""


class QuestionView(BaseModel):
    """A question that can be asked."""

    id: str
    state: Literal["ASKABLE"] = "ASKABLE"
    title: str
    definition: str
    unit: Literal["ms", "share", "count"] = Field(description="A share is from 0 to 1.")
    by: list[str] = Field(description="What it can be grouped by; the first is the usual one.")
    columns: list[str] = Field(description="The keys of its rows, in order.")


class GroupView(BaseModel):
    """The part of it that has something in common. A thing may be in several groups."""

    key: str
    number: float | None
    former: float | None
    count: int


class PointView(BaseModel):
    """One day or week of the chart."""

    t: int
    number: float | None
    count: int


class AnswerView(BaseModel):
    """An answer. `number` is null where there is nothing to take it of; `former` is that of as long right before."""

    id: str
    state: Literal["ANSWERED"] = "ANSWERED"
    title: str
    definition: str
    unit: Literal["ms", "share", "count"]
    about: Literal["everybody", "me"] = Field(description="Auditors and security see all, others their own.")
    since: int
    until: int
    number: float | None
    former: float | None
    count: int = Field(description="Of how many things the number is.")
    former_count: int
    by: str
    only: str | None = Field(description="The group that number, chart and rows are of; null: everything.")
    groups: list[GroupView] = Field(description="The largest first, at most 200; all of them, whatever `only` says.")
    step_ms: int = Field(description="How long the time of each point is.")
    series: list[PointView]
    columns: list[str]
    rows: list[dict[str, str | int | None]] = Field(description="What is behind it, the newest first.")
    rows_count: int
    next: str | None = Field(description="The `skip` of the next rows; null: there are none.")


@router.get("")
async def list_insights(caller: ACaller) -> models.Page[QuestionView]:
    """The questions, with their definitions."""
    items = [QuestionView(by=list(one.by), columns=list(one.columns), **_told(one)) for one in QUESTIONS.values()]
    return models.Page(items=items, next=None)


@router.get("/{name}")
async def ask_insight(
    name: Annotated[str, Path(max_length=models.NAME_MAX)],
    caller: ACaller,
    front: AFront,
    since: Annotated[int | None, Query(ge=0, le=models.T_MAX, description="From this time (ms) on.")] = None,
    until: Annotated[int | None, Query(ge=0, le=models.T_MAX, description="Before this time (ms); now.")] = None,
    by: Annotated[str | None, Query(max_length=models.NAME_MAX, description="What it is grouped by.")] = None,
    only: Annotated[str | None, Query(max_length=KEY_MAX, description="Of this group (a key of `by`) alone.")] = None,
    skip: Annotated[int, Query(ge=0, le=models.T_MAX, description="So many rows are passed over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX, description="At most so many rows.")] = 100,
) -> AnswerView:
    """One question's number, the former period's, its groups, its chart and the rows behind it."""
    found = await front.insights.ask(caller.person, name, since=since, until=until, by=by, only=only)
    return _view(found, skip, limit)


def _told(one: Question) -> dict[str, Any]:
    return {"id": one.name, "title": one.title, "definition": one.definition, "unit": one.unit}


def _view(found: Answer, skip: int, limit: int) -> AnswerView:
    end = skip + limit
    return AnswerView.model_validate(
        {
            **_told(found.question),
            "about": "everybody" if found.everybody else "me",
            "since": found.period.since,
            "until": found.period.until,
            "number": found.number,
            "former": found.former,
            "count": found.count,
            "former_count": found.former_count,
            "by": found.by,
            "only": found.only,
            "groups": [asdict(group) for group in found.groups],
            "step_ms": found.period.step,
            "series": [asdict(point) for point in found.chart],
            "columns": found.question.columns,
            "rows": [{name: row[name] for name in found.question.columns} for row in found.rows[skip:end]],
            "rows_count": len(found.rows),
            "next": str(end) if end < len(found.rows) else None,
        }
    )
