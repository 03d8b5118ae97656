"""Routes of tokens: make one, list them with their last use, revoke one or all."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, Caller, Front
from daypass.api.strict import Strict
from daypass.domain.durations import HOUR_MS
from daypass.domain.token_scopes import SCOPES_MAX
from daypass.services.revoking import Revoked
from daypass.services.tokens import LABEL_CHARS_MAX, LASTS_MAX_MS
from daypass.store.interface import Token

router = APIRouter(tags=["tokens"])

LASTS_MS = 12 * HOUR_MS
"""A token that somebody makes for a day's work."""


class NewToken(Strict):
    """A token for me, or for an agent of mine. It can do no more than the one I call with, and lasts no longer."""

    duration_ms: int = Field(default=LASTS_MS, gt=0, le=LASTS_MAX_MS)
    scopes: list[str] = Field(default_factory=list, max_length=SCOPES_MAX, description="None: good for everything.")
    label: str = Field(default="", max_length=LABEL_CHARS_MAX)
    person: str = Field(default="", max_length=models.NAME_MAX, description="My agent's address; empty: me.")


class Whose(Strict):
    """Whose tokens, all of them. It is said in so many words, so that no empty body takes everything away."""

    all: Literal[True]
    person: str = Field(default="", max_length=models.NAME_MAX, description="Whose; empty: mine.")


class TokenView(BaseModel):
    """A token, of which nothing that opens anything is here."""

    id: str
    state: Literal["LIVE", "EXPIRED", "REVOKED"]
    person: models.Someone
    label: str
    scopes: list[str] = Field(description="`api`, `mcp`, `connect:TARGET`, `connect:*`; none: all of it.")
    made_at: int
    expires_at: int
    last_used_at: int | None = Field(description="Exact to a minute.")
    last_used_from: str
    in_use: bool = Field(description="Whether this call was made with it.")


class Made(TokenView):
    """A new token. `token` is shown now and never again."""

    token: str


class RevokedView(BaseModel):
    """Tokens that are no more, and what came of the sessions that they had opened. `id` is the first token's."""

    id: str
    state: Literal["REVOKED"]
    tokens: list[TokenView]
    sessions: list[str] = Field(description="The sessions that have ended because of it.")
    unconfirmed: list[str] = Field(description="Those whose end could not be shown.")


@router.get("/tokens")
async def list_tokens(
    caller: ACaller,
    front: AFront,
    person: Annotated[str, Query(max_length=models.NAME_MAX, description="Whose; empty: mine.")] = "",
) -> models.Page[TokenView]:
    """Live tokens, newest first: mine, my agent's, and anybody's for security and auditors."""
    found = await front.revoking.list(caller.person, person)
    people = await front.reading.people()
    return models.Page(items=[shown(front, caller, one, people) for one in found])


@router.post("/tokens", status_code=201)
async def make_token(wanted: NewToken, caller: ACaller, front: AFront) -> Made:
    """Make a token. It is shown once."""
    _, issued = await front.tokens.issue_by(
        caller.person,
        caller.token,
        wanted.person,
        label=wanted.label,
        lasts_ms=wanted.duration_ms,
        scopes=wanted.scopes,
    )
    view = shown(front, caller, issued.token, await front.reading.people())
    return Made(**view.model_dump(), token=issued.secret)


@router.post("/tokens/revoke")
async def revoke_tokens(whose: Whose, caller: ACaller, front: AFront) -> RevokedView:
    """Revoke all of somebody's tokens: mine (the one I call with, too), my agent's, anybody's for security."""
    return await _revoked(front, caller, await front.revoking.revoke_all(caller.person, whose.person))


@router.post("/tokens/{id}/revoke")
async def revoke_token(id: Part, caller: ACaller, front: AFront) -> RevokedView:
    """Revoke one token; the sessions that it opened end now."""
    return await _revoked(front, caller, await front.revoking.revoke(caller.person, id))


async def _revoked(front: Front, caller: Caller, done: Revoked) -> RevokedView:
    people = await front.reading.people()
    return RevokedView(
        id=done.tokens[0].id if done.tokens else caller.token.id,
        state="REVOKED",
        tokens=[shown(front, caller, one, people) for one in done.tokens],
        sessions=[end.session for end in done.ends if end.confirmed],
        unconfirmed=[end.session for end in done.ends if not end.confirmed],
    )


def shown(front: Front, caller: Caller, token: Token, people: mapping.People) -> TokenView:
    """A token as everybody who may see it sees it."""
    return TokenView(
        id=token.id,
        state=_state(token, front.office.now()),
        person=mapping.someone(people, token.person),
        label=token.label,
        scopes=list(token.scopes),
        made_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        last_used_from=token.last_used_from,
        in_use=token.id == caller.token.id,
    )


def _state(token: Token, now: int) -> Literal["LIVE", "EXPIRED", "REVOKED"]:
    if token.revoked_at is not None:
        return "REVOKED"
    return "LIVE" if now < token.expires_at else "EXPIRED"
