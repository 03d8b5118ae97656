"""Routes of an emergency and of what is owed afterwards: break the glass, ratify, sign off, settle."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, APage, Front
from daypass.api.strict import Strict
from daypass.domain.durations import LONGEST_MS
from daypass.domain.obligation import Obligation
from daypass.services.asking import Wish
from daypass.services.reviewing import Receipt, Reviewing, plain_counts

router = APIRouter(tags=["obligations"])


class BreakGlass(Strict):
    """Access without a decision."""

    target: str = Field(min_length=1, max_length=models.NAME_MAX)
    role: str = Field(min_length=1, max_length=models.NAME_MAX)
    duration_ms: int = Field(gt=0, le=LONGEST_MS)
    reason: str = Field(min_length=1, max_length=models.TEXT_MAX)
    ticket: str = Field(default="", max_length=models.NAME_MAX)
    drill: bool = Field(default=False, description="Go the whole way as an exercise; it ends at once.")


class Ratify(Strict):
    """Whether somebody stands for a broken glass."""

    refuse: bool = False
    note: str = Field(default="", max_length=models.TEXT_MAX)


class SignOff(Strict):
    """What a reviewer says of access that is over."""

    note: str = Field(min_length=1, max_length=models.TEXT_MAX)
    flag: bool = Field(default=False, description="A follow-up is needed.")


class Settle(Strict):
    """What came of a follow-up."""

    note: str = Field(min_length=1, max_length=models.TEXT_MAX)


class ReceiptView(BaseModel):
    """What was asked, and what was done. Counts are by name."""

    target: str
    role: str
    reason: str
    ticket: str
    asked_ms: int
    used_ms: int | None
    ended_because: str
    scope: list[str] = Field(default=[], description="What it was limited to in the target; empty: not limited.")
    sessions: list[models.SessionView]
    statements: int
    kinds: dict[str, Any]
    effects: dict[str, Any]
    reads: dict[str, Any]
    writes: dict[str, Any]
    rows: int
    failed: int
    refused: int
    remarks: list[str]


class ObligationView(BaseModel):
    """Something owed. With a receipt where one is looked at alone."""

    id: str
    state: str
    kind: str
    person: models.Someone = Field(description="Whose access it is about.")
    request: str
    grant: str
    session: str
    by: list[str]
    escalate: list[str]
    otherwise: str
    drill: bool
    created_at: int
    due_at: int
    done_at: int | None
    done_by: models.Someone | None
    note: str
    settled_at: int | None
    settled_note: str
    receipt: ReceiptView | None = None


async def _shown(front: Front, one: Obligation, receipt: Receipt | None = None) -> ObligationView:
    return _view(one, await front.reading.people(), receipt)


def _view(one: Obligation, people: mapping.People, receipt: Receipt | None = None) -> ObligationView:
    return ObligationView(
        id=one.id,
        state=one.state.value,
        kind=one.kind,
        person=mapping.someone(people, one.person),
        request=one.request,
        grant=one.grant,
        session=one.session,
        by=list(one.by),
        escalate=list(one.escalate),
        otherwise=one.otherwise,
        drill=one.drill,
        created_at=one.created_at,
        due_at=one.due_at,
        done_at=one.done_at,
        done_by=mapping.someone(people, one.done_by) if one.done_by else None,
        note=one.note,
        settled_at=one.settled_at,
        settled_note=one.settled_note,
        receipt=_receipt(receipt, people) if receipt is not None else None,
    )


def _receipt(found: Receipt, people: mapping.People) -> ReceiptView:
    request, grant, done = found.request, found.grant, found.done
    used = grant.ended_at - grant.activated_at if grant and grant.ended_at and grant.activated_at else None
    return ReceiptView(
        target=request.items[0].target,
        role=grant.role if grant is not None else request.items[0].role,
        reason=request.reason,
        ticket=request.ticket,
        asked_ms=request.duration_ms,
        used_ms=used,
        ended_because=grant.end_reason if grant is not None else "",
        scope=list(grant.scope if grant is not None else request.items[0].scope),
        sessions=[mapping.session(one, people) for one in found.sessions],
        statements=done.statements,
        kinds=plain_counts(done.kinds),
        effects=plain_counts(done.effects),
        reads=plain_counts(done.reads),
        writes=plain_counts(done.writes),
        rows=done.rows,
        failed=done.failed,
        refused=done.refused,
        remarks=list(found.remarks),
    )


@router.post("/break-glass", status_code=201)
async def break_the_glass(wanted: BreakGlass, caller: ACaller, front: AFront) -> models.RequestView:
    """Take access now, where policy lets one, and owe its ratification."""
    wish = Wish(wanted.target, wanted.role, wanted.duration_ms, wanted.reason, wanted.ticket)
    made = await front.glass.break_(caller.person, wish, drill=wanted.drill)
    return mapping.request(made, await front.reading.people())


@router.post("/requests/{id}/ratify")
async def ratify_break_glass(id: Part, said: Ratify, caller: ACaller, front: AFront) -> models.RequestView:
    """Stand for a broken glass, or refuse to."""
    decided = await front.glass.ratify(caller.person, id, said.note, refuse=said.refuse)
    return mapping.request(decided, await front.reading.people())


@router.get("/obligations")
async def list_obligations(
    caller: ACaller,
    front: AFront,
    page: APage,
    everything: Annotated[bool, Query(description="Also those that are done, and about me.")] = False,
) -> models.Page[ObligationView]:
    """What I owe, newest first."""
    found = await front.duties.list(caller.person, everything=everything, page=page)
    people = await front.reading.people()
    items = [_view(one, people) for one in found]
    return models.Page(items=items, next=found[-1].id if len(found) == page.limit else None)


@router.get("/obligations/{id}")
async def show_obligation(id: Part, caller: ACaller, front: AFront) -> ObligationView:
    """One obligation, with what was asked and what was done."""
    found = await front.duties.show(caller.person, id)
    return await _shown(front, found, await Reviewing(front.office).receipt(found))


@router.post("/obligations/{id}/sign-off")
async def sign_off(id: Part, said: SignOff, caller: ACaller, front: AFront) -> ObligationView:
    """Sign off what was done, or flag it."""
    return await _shown(front, await front.duties.sign_off(caller.person, id, said.note, flag=said.flag))


@router.post("/obligations/{id}/settle")
async def settle_follow_up(id: Part, said: Settle, caller: ACaller, front: AFront) -> ObligationView:
    """Say what came of the follow-up of something flagged."""
    return await _shown(front, await front.duties.settle(caller.person, id, said.note))
