"""Routes of snippets: texts that one keeps for the SQL console."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from daypass.api import models
from daypass.api.front import ACaller, AFront
from daypass.api.strict import Strict
from daypass.domain.standing import Snippet
from daypass.services.snippets import NAME_CHARS_MAX, TEXT_CHARS_MAX

router = APIRouter(tags=["console"])


class SaveSnippet(Strict):
    """A text under a name, in the place of what was there."""

    name: str = Field(min_length=1, max_length=NAME_CHARS_MAX)
    text: str = Field(min_length=1, max_length=TEXT_CHARS_MAX)


class RemoveSnippet(Strict):
    """Which."""

    name: str = Field(min_length=1, max_length=NAME_CHARS_MAX)


class SnippetView(BaseModel):
    """A snippet. Its `id` is its name."""

    id: str
    state: Literal["KEPT", "REMOVED"]
    text: str = ""
    saved_at: int = 0


def _shown(one: Snippet) -> SnippetView:
    return SnippetView(id=one.name, state="KEPT", text=one.text, saved_at=one.saved_at)


@router.get("/snippets")
async def list_snippets(caller: ACaller, front: AFront) -> models.Page[SnippetView]:
    """My snippets, by name."""
    return models.Page(items=[_shown(one) for one in await front.snippets.list(caller.person)])


@router.post("/snippets", status_code=201)
async def save_snippet(wanted: SaveSnippet, caller: ACaller, front: AFront) -> SnippetView:
    """Keep a text under a name."""
    return _shown(await front.snippets.save(caller.person, wanted.name, wanted.text))


@router.post("/snippets/remove")
async def remove_snippet(which: RemoveSnippet, caller: ACaller, front: AFront) -> SnippetView:
    """Remove one."""
    await front.snippets.remove(caller.person, which.name)
    return SnippetView(id=which.name, state="REMOVED")
