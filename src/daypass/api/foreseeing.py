"""Routes of what asking would take, and of what was asked like it before."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daypass.api import answers, mapping, models
from daypass.api.asking import Part, wish_of
from daypass.api.front import ACaller, AFront
from daypass.domain.scope import NAMES_MAX

router = APIRouter(tags=["requests"])


class Preview(answers.Asked):
    """A wish that is not sent yet."""

    start_at: int | None = Field(default=None, ge=0, le=models.T_MAX, description="Not before this time.")
    scope: list[models.ScopeName] = Field(default=[], max_length=NAMES_MAX, description=models.LIMITED)


class PreviewView(answers.Explained):
    """What asking would take. `preview` says it in one sentence."""

    preview: str
    usual_wait_ms: int | None = Field(description="The median wait of former requests under the same rule.")
    decided_before: int = Field(description="How many former requests that is taken from.")
    longest_ms: int | None = Field(description="The longest that may be asked for; null: no limit.")
    owes: dict[str, Any] = Field(description="What will be owed: `sign_off`, `ratify`, each with `by` and `within_ms`.")
    ticket: dict[str, Any] | None = Field(description="What the ticket's system says of it.")
    ticket_problem: str = Field(description="Why it does not.")


class SimilarView(BaseModel):
    """What was asked like a request before. Its `id` is the request's."""

    id: str
    state: str
    last_time: str = Field(description="What the requester did last time with the same access, in one sentence.")
    cases: list[models.RequestView] = Field(description="The requester's own first, then the newest.")
    risk: Literal["LOW", "MEDIUM", "HIGH"] = Field(description="What hangs on the decision. It decides nothing.")
    risk_reasons: list[str] = Field(description="Why, the heaviest first.")
    ticket: dict[str, Any] | None = Field(description="What the ticket's system says of it now.")
    ticket_problem: str = Field(description="Why it does not.")


@router.post("/requests/preview")
async def preview_request(asked: Preview, caller: ACaller, front: AFront) -> PreviewView:
    """What asking for this now would take. Nothing is asked and nothing is recorded."""
    found = await front.foreseeing.preview(caller.person, wish_of(asked, break_glass=asked.break_glass))
    explained = mapping.explained(found.explained, await front.reading.people())
    return PreviewView(
        **explained.model_dump(),
        preview=found.sentence,
        usual_wait_ms=found.usual_wait_ms,
        decided_before=found.decided_before,
        longest_ms=found.longest_ms,
        owes=dict(found.owes),
        ticket=dict(found.ticket) if found.ticket is not None else None,
        ticket_problem=found.ticket_problem,
    )


@router.get("/requests/{id}/similar")
async def similar_requests(id: Part, caller: ACaller, front: AFront) -> SimilarView:
    """What the requester did last time with the same access, how its like was decided, and what hangs on it."""
    found = await front.foreseeing.similar(caller.person, id)
    people = await front.reading.people()
    return SimilarView(
        id=found.request.id,
        state=found.request.state.value,
        last_time=found.last_time,
        cases=[mapping.request(one, people) for one in found.cases],
        risk=found.risk.state,
        risk_reasons=list(found.risk.reasons),
        ticket=dict(found.ticket) if found.ticket is not None else None,
        ticket_problem=found.ticket_problem,
    )
