"""Routes of changing policy through the app: propose a file, look, approve as a second person, reject."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, APage, Front
from daypass.api.strict import Strict
from daypass.domain.standing import Proposal
from daypass.services.proposing import PROPOSED, TEXT_CHARS_MAX

router = APIRouter(tags=["policy"])


class Propose(Strict):
    """A changed policy file, whole, and why."""

    text: str = Field(min_length=1, max_length=TEXT_CHARS_MAX)
    note: str = Field(min_length=1, max_length=models.TEXT_MAX)
    was: str = Field(
        default="",
        max_length=64,
        pattern="^([0-9a-f]{64})?$",
        description="The SHA-256 of the text that this is a change of; another one by now is a conflict. Empty: any.",
    )


class ApproveProposal(Strict):
    """Yes, to exactly the text of this digest."""

    digest: str = Field(min_length=64, max_length=64)
    note: str = Field(default="", max_length=models.TEXT_MAX)


class RejectProposal(Strict):
    """No, and why."""

    note: str = Field(min_length=1, max_length=models.TEXT_MAX)


class ProposalView(BaseModel):
    """A changed policy file. `present`: what the file says now, where one proposal is looked at alone."""

    id: str
    state: str
    policy: str
    was: str = Field(description="The SHA-256 of the file that it is for.")
    digest: str = Field(description="The SHA-256 of the proposed text.")
    note: str
    made_by: models.Someone
    made_at: int
    decided_by: models.Someone | None
    decided_at: int | None
    decided_note: str
    text: str | None = None
    present: str | None = None
    stale: bool = Field(default=False, description="It waits, but the file has changed since: it has to be made anew.")


async def _shown(front: Front, one: Proposal, text: str | None = None, present: str | None = None) -> ProposalView:
    people = await front.reading.people()
    return ProposalView(
        id=one.id,
        state=one.state,
        policy=one.policy,
        was=one.was,
        digest=one.digest,
        note=one.note,
        made_by=mapping.someone(people, one.made_by),
        made_at=one.made_at,
        decided_by=mapping.someone(people, one.decided_by) if one.decided_by else None,
        decided_at=one.decided_at,
        decided_note=one.decided_note,
        text=text,
        present=present,
        stale=present is not None and one.state == PROPOSED and mapping.digest(present) != one.was,
    )


@router.post("/policy/proposals", status_code=201)
async def propose_policy(asked: Propose, caller: ACaller, front: AFront) -> ProposalView:
    """Propose a changed policy file. It has to load, its cases included, and waits for a second person."""
    return await _shown(front, await front.proposing.propose(caller.person, asked.text, asked.note, asked.was))


@router.get("/policy/proposals")
async def list_proposals(caller: ACaller, front: AFront, page: APage) -> models.Page[ProposalView]:
    """Proposals, newest first."""
    found = await front.proposing.list(caller.person, page)
    items = [await _shown(front, one) for one in found]
    return models.Page(items=items, next=found[-1].id if len(found) == page.limit else None)


@router.get("/policy/proposals/{id}")
async def show_proposal(id: Part, caller: ACaller, front: AFront) -> ProposalView:
    """One proposal, with its text and what the file says now."""
    found, present = await front.proposing.show(caller.person, id)
    return await _shown(front, found, found.text, present)


@router.post("/policy/proposals/{id}/approve")
async def approve_proposal(id: Part, vote: ApproveProposal, caller: ACaller, front: AFront) -> ProposalView:
    """Approve as a second person: the file is written and loaded."""
    return await _shown(front, await front.proposing.approve(caller.person, id, vote.digest, vote.note))


@router.post("/policy/proposals/{id}/reject")
async def reject_proposal(id: Part, vote: RejectProposal, caller: ACaller, front: AFront) -> ProposalView:
    """Reject a proposal, or take mine back."""
    return await _shown(front, await front.proposing.reject(caller.person, id, vote.note))
