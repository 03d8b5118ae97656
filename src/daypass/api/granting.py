"""Routes of grants: look, activate, hand back, revoke, extend."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, APage, Front
from daypass.api.proving import noted
from daypass.domain.grant import Grant

router = APIRouter(tags=["grants"])

TOLD_BY = (
    "grant.started",
    "grant.activated",
    "grant.extended",
    "grant.ending",
    "grant.ended",
    "grant.lapsed",
    "grant.end_unconfirmed",
)
"""What a grant's newest entry may be."""


async def _shown(front: Front, grant: Grant) -> models.GrantView:
    view = mapping.grant(grant, await front.reading.people())
    return view.model_copy(update=await noted(front, *TOLD_BY, request=grant.request))


@router.get("/grants")
async def list_grants(
    caller: ACaller,
    front: AFront,
    page: APage,
    view: Annotated[Literal["mine", "all"], Query(description="My own, or all that I may see.")] = "mine",
    live: Annotated[bool, Query(description="Only those that open something now or soon.")] = False,
) -> models.Page[models.GrantView]:
    """Grants, newest first."""
    found = await front.reading.grants(caller.person, page, mine=view == "mine", live=live)
    people = await front.reading.people()
    items = [mapping.grant(each, people) for each in found]
    return models.Page(items=items, next=found[-1].id if len(found) == page.limit else None)


@router.get("/grants/{id}")
async def show_grant(id: Part, caller: ACaller, front: AFront) -> models.GrantView:
    """One grant, with the timeline of its end."""
    return await _shown(front, await front.reading.grant(caller.person, id))


@router.post("/grants/{id}/activate")
async def activate_grant(id: Part, caller: ACaller, front: AFront) -> models.GrantView:
    """Start my grant's clock before its first use."""
    return await _shown(front, await front.grants.activate(caller.person, id))


@router.post("/grants/{id}/return")
async def hand_grant_back(id: Part, caller: ACaller, front: AFront) -> models.GrantView:
    """Hand my grant back: all of its sessions end now."""
    return await _shown(front, await front.grants.hand_back(caller.person, id))


@router.post("/grants/{id}/revoke")
async def revoke_grant(id: Part, why: models.Because, caller: ACaller, front: AFront) -> models.GrantView:
    """Take somebody's grant away: all of its sessions end now."""
    return await _shown(front, await front.grants.revoke(caller.person, id, why.reason))


@router.post("/grants/{id}/extend")
async def extend_grant(
    id: Part, more: models.Extend, caller: ACaller, front: AFront
) -> models.GrantView | models.RequestView:
    """Have my grant last longer: the grant with its new deadline, or the request that people decide on first."""
    found = await front.grants.extend(caller.person, id, more.by_ms, more.reason)
    if isinstance(found, Grant):
        return await _shown(front, found)
    return mapping.request(found, await front.reading.people())


@router.post("/grants/{id}/close")
async def close_grant(id: Part, why: models.Because, caller: ACaller, front: AFront) -> models.GrantView:
    """Close an end that could not be confirmed, and answer for it."""
    return await _shown(front, await front.grants.close_unconfirmed(caller.person, id, why.reason))
