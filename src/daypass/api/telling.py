"""Routes of telling people: what I was told, what nobody could be told, and where Slack sends what people press.

Slack's own route takes no token: it is let in by its signature, and then does what the person may who pressed.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, APage
from daypass.domain.errors import NotFound
from daypass.domain.standing import Notice

router = APIRouter(tags=["telling"])

SLACK_PATH = "/slack/actions"
"""Below /api/v1: what the Slack app's interactivity request URL ends with."""
State = Literal["SENT", "WAITING", "GIVEN_UP", "DROPPED"]


class NoticeView(BaseModel):
    """Something that somebody is told. SENT, WAITING, GIVEN_UP, or DROPPED when nobody needed it any more."""

    id: str
    state: State
    kind: str
    channel: str
    to: models.Someone | None = Field(description="Who is told; null: whoever reads the channel.")
    title: str = Field(description="The news in a line, as it is now; empty: what it was about is gone.")
    request: str | None
    made_at: int
    sent_at: int | None
    attempts: int
    problem: str = Field(description="Why it was not sent, or not at once.")


@router.get("/notices")
async def list_notices(
    caller: ACaller,
    front: AFront,
    page: APage,
    view: Annotated[Literal["mine", "failed"], Query(description="What I was told, or what was given up.")] = "mine",
) -> models.Page[NoticeView]:
    """What I was told, newest first; `failed`: what nobody could be told, for those who read everything."""
    found = await (front.inbox.mine if view == "mine" else front.inbox.failed)(caller.person, page)
    people = await front.reading.people()
    items = [_shown(one.notice, one.title, people) for one in found]
    return models.Page(items=items, next=items[-1].id if len(items) == page.limit else None)


@router.post("/notices/{id}/retry")
async def retry_notice(id: Part, caller: ACaller, front: AFront) -> NoticeView:
    """Try again to tell somebody what was given up."""
    return _shown(await front.inbox.retry(caller.person, id), "", await front.reading.people())


@router.post(SLACK_PATH, include_in_schema=False)
async def take_slack(request: Request, front: AFront) -> Response:
    """What somebody pressed in Slack."""
    if front.slack is None:
        raise NotFound("no Slack app is set up here", hint="notify.slack in the settings")
    signed = request.headers.get("x-slack-signature", "")
    reply = await front.slack.take(request.headers.get("x-slack-request-timestamp", ""), signed, await request.body())
    after = BackgroundTask(reply.after) if reply.after else None
    return JSONResponse(dict(reply.body), background=after) if reply.body else Response(background=after)


def _shown(notice: Notice, title: str, people: mapping.People) -> NoticeView:
    return NoticeView(
        id=notice.id,
        state=_state(notice),
        kind=notice.kind,
        channel=notice.channel,
        to=mapping.someone(people, notice.person) if notice.person else None,
        title=title,
        request=notice.thread or None,
        made_at=notice.made_at,
        sent_at=notice.sent_at,
        attempts=notice.attempts,
        problem=notice.problem,
    )


def _state(notice: Notice) -> State:
    if notice.next_at:
        return "WAITING"
    if notice.sent_at is not None:
        return "SENT"
    return "GIVEN_UP" if notice.problem else "DROPPED"
