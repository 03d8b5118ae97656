"""Routes of bundles and projects, of former requests asked again, and of favourites."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from daypass.api import mapping, models
from daypass.api.asking import Part, signed_of
from daypass.api.front import ACaller, AFront, Front
from daypass.api.strict import Strict
from daypass.domain.durations import LONGEST_MS
from daypass.domain.request import Item
from daypass.domain.scope import NAMES_MAX
from daypass.domain.standing import Favourite
from daypass.services.asking import Wish
from daypass.services.bundles import PARTS_MAX, Bundle, BundleWish
from daypass.services.favourites import Instead
from daypass.services.requests import Narrowed

router = APIRouter(tags=["bundles"])
Id = Annotated[str, Path(max_length=models.NAME_MAX)]
_Name = Annotated[str, Field(min_length=1, max_length=models.NAME_MAX)]
_Digest = Annotated[str, Field(min_length=64, max_length=64)]


class ItemAsked(Strict):
    """One target and role."""

    target: _Name
    role: _Name
    scope: list[models.ScopeName] = Field(default=[], max_length=NAMES_MAX, description=models.LIMITED)


class AskBundle(Strict):
    """Several targets and roles, for several people, at once."""

    items: list[ItemAsked] = Field(min_length=1, max_length=PARTS_MAX)
    people: list[_Name] = Field(default=[], max_length=PARTS_MAX, description="Addresses; none: I myself.")
    duration_ms: int = Field(gt=0, le=LONGEST_MS, description="Of each access; in a project, of each day's.")
    reason: str = Field(min_length=1, max_length=models.TEXT_MAX)
    ticket: str = Field(default="", max_length=models.NAME_MAX)
    start_at: int | None = Field(default=None, ge=0, le=models.T_MAX)
    until: int | None = Field(default=None, ge=0, le=models.T_MAX, description="A project: each day until then.")


class ApproveBundle(models.Signable):
    """Yes, to exactly what the digests stand for."""

    digests: dict[str, _Digest] = Field(max_length=PARTS_MAX, description="Each request's `digest`, by its id.")
    duration_ms: int | None = Field(default=None, gt=0, le=LONGEST_MS, description="For less time than asked.")
    until: int | None = Field(default=None, ge=0, le=models.T_MAX, description="For a project that ends earlier.")
    note: str = Field(default="", max_length=models.TEXT_MAX)


class DenyBundle(models.Signable):
    """No, and why."""

    digests: dict[str, _Digest] = Field(max_length=PARTS_MAX)
    note: str = Field(min_length=1, max_length=models.TEXT_MAX)


class BundleView(BaseModel):
    """What was asked for together. PENDING while any part waits; PARTIAL if the parts ended differently."""

    id: str
    state: str
    requests: list[models.RequestView]


class Again(Strict):
    """What is to be different this time; null: as before."""

    duration_ms: int | None = Field(default=None, gt=0, le=LONGEST_MS)
    reason: str | None = Field(default=None, min_length=1, max_length=models.TEXT_MAX)
    ticket: str | None = Field(default=None, max_length=models.NAME_MAX)
    start_at: int | None = Field(default=None, ge=0, le=models.T_MAX)

    def instead(self) -> Instead:
        return Instead(self.duration_ms, self.reason, self.ticket, self.start_at)


class SaveFavourite(Strict):
    """Something to ask for again and again."""

    name: _Name
    target: _Name
    role: _Name
    duration_ms: int = Field(gt=0, le=LONGEST_MS)
    reason: str = Field(default="", max_length=models.TEXT_MAX)
    ticket: str = Field(default="", max_length=models.NAME_MAX)
    scope: list[models.ScopeName] = Field(default=[], max_length=NAMES_MAX, description=models.LIMITED)


class FavouriteView(BaseModel):
    """A favourite. Its `id` is its name."""

    id: str
    state: Literal["KEPT", "REMOVED"]
    target: str = ""
    role: str = ""
    duration_ms: int = 0
    reason: str = ""
    ticket: str = ""
    scope: list[str] = []


async def _shown(front: Front, bundle: Bundle) -> BundleView:
    people = await front.reading.people()
    return BundleView(id=bundle.id, state=bundle.state, requests=[mapping.request(one, people) for one in bundle.parts])


def _favourite(one: Favourite) -> FavouriteView:
    return FavouriteView.model_validate({"id": one.name, "state": "KEPT", **one.wish})


@router.post("/bundles", status_code=201)
async def ask_for_bundle(asked: AskBundle, caller: ACaller, front: AFront) -> BundleView:
    """Ask for several things at once. Where policy refuses one of them, nothing is asked for."""
    wish = BundleWish(
        tuple(Item(one.target, one.role, tuple(one.scope)) for one in asked.items),
        asked.duration_ms,
        asked.reason,
        asked.ticket,
        tuple(asked.people),
        asked.start_at,
        asked.until,
    )
    return await _shown(front, await front.bundles.create(caller.person, wish))


@router.get("/bundles/{id}")
async def show_bundle(id: Id, caller: ACaller, front: AFront) -> BundleView:
    """What was asked for together, as far as I may see it."""
    return await _shown(front, await front.bundles.show(caller.person, id))


@router.post("/bundles/{id}/approve")
async def approve_bundle(id: Id, vote: ApproveBundle, caller: ACaller, front: AFront) -> BundleView:
    """Approve everything of it that I may decide on."""
    narrowed = Narrowed(vote.duration_ms, until=vote.until)
    signed = signed_of(vote)
    done = await front.bundles.approve(
        caller.person, id, vote.digests, note=vote.note, narrowed=narrowed, signed=signed
    )
    return await _shown(front, done)


@router.post("/bundles/{id}/deny")
async def deny_bundle(id: Id, vote: DenyBundle, caller: ACaller, front: AFront) -> BundleView:
    """Deny everything of it that I may decide on."""
    signed = signed_of(vote)
    return await _shown(front, await front.bundles.deny(caller.person, id, vote.digests, note=vote.note, signed=signed))


@router.post("/bundles/{id}/withdraw")
async def withdraw_bundle(id: Id, caller: ACaller, front: AFront) -> BundleView:
    """Take back what is still open of it."""
    return await _shown(front, await front.bundles.withdraw(caller.person, id))


@router.post("/requests/{id}/repeat", status_code=201)
async def repeat_request(id: Part, again: Again, caller: ACaller, front: AFront) -> models.RequestView:
    """Ask again for what a former request asked for."""
    made = await front.favourites.repeat(caller.person, id, again.instead())
    return mapping.request(made, await front.reading.people())


@router.get("/favourites")
async def list_favourites(caller: ACaller, front: AFront) -> models.Page[FavouriteView]:
    """What I ask for again and again, by name."""
    return models.Page(items=[_favourite(one) for one in await front.favourites.list(caller.person)])


@router.post("/favourites", status_code=201)
async def save_favourite(wanted: SaveFavourite, caller: ACaller, front: AFront) -> FavouriteView:
    """Keep a favourite under a name."""
    wish = Wish(wanted.target, wanted.role, wanted.duration_ms, wanted.reason, wanted.ticket, scope=tuple(wanted.scope))
    return _favourite(await front.favourites.save(caller.person, wanted.name, wish))


@router.post("/favourites/{name}/ask", status_code=201)
async def ask_for_favourite(name: Id, again: Again, caller: ACaller, front: AFront) -> models.RequestView:
    """Ask for a favourite."""
    made = await front.favourites.ask(caller.person, name, again.instead())
    return mapping.request(made, await front.reading.people())


@router.post("/favourites/{name}/remove")
async def remove_favourite(name: Id, caller: ACaller, front: AFront) -> FavouriteView:
    """Remove a favourite."""
    await front.favourites.remove(caller.person, name)
    return FavouriteView(id=name, state="REMOVED")
