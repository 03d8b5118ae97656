"""Where other systems tell us that something happened. They are known by their signature over the body, not a token."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from daypass.api import models
from daypass.api.front import AFront

router = APIRouter(tags=["hooks"])


class HookView(BaseModel):
    """What came of it. Its `id` is the ticket system's name."""

    id: str
    state: Literal["TOLD"]
    ended: int = 0


@router.post("/hooks/tickets/{name}")
async def ticket_changed(
    name: Annotated[str, Path(max_length=models.NAME_MAX, description="The ticket system's name in the settings.")],
    request: Request,
    front: AFront,
) -> HookView:
    """A ticket system's webhook (GitHub, Jira): the ticket is looked at, and grants that hang on it end if it is
    closed."""
    headers = {key.lower(): value for key, value in request.headers.items()}
    ended = await front.ticketing.told(name, headers, await request.body())
    return HookView(id=name, state="TOLD", ended=len(ended))
