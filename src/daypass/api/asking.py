"""Routes of requests: ask, look, decide, answer, withdraw. Whether one may is for the services to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Path, Query

from daypass.api import answers, mapping, models
from daypass.api.front import ACaller, AFront, APage, Front
from daypass.api.proving import noted
from daypass.domain.request import Request
from daypass.services.asking import Wish
from daypass.services.reading import View
from daypass.services.requests import Narrowed
from daypass.services.signing import Signed

router = APIRouter(tags=["requests"])
Shown = models.RequestView
VOTED = "request.voted"
Part = Annotated[
    str, Path(max_length=models.NAME_MAX, description="The id, or its beginning or end if that is unique.")
]


async def _shown(front: Front, request: Request, type: str = "request.created", actor: str | None = None) -> Shown:
    """The request, with the newest entry of this type (by this person) and its receipt."""
    view = mapping.request(request, await front.reading.people())
    return view.model_copy(update=await noted(front, type, request=request.id, actor=actor))


@router.post("/requests", status_code=201)
async def ask_for_access(asked: models.Ask, caller: ACaller, front: AFront) -> models.RequestView:
    """Ask for access. It comes back pending, or approved where a rule approves by itself."""
    return await _shown(front, await front.requests.create(caller.person, wish_of(asked)))


class Wished(Protocol):
    """A body that says what is asked for."""

    @property
    def target(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def duration_ms(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def ticket(self) -> str: ...
    @property
    def start_at(self) -> int | None: ...
    @property
    def scope(self) -> Sequence[str]: ...


def wish_of(asked: Wished, *, break_glass: bool = False) -> Wish:
    """What is asked for, as services take it: one reading for what is sent and for what is only looked at."""
    return Wish(
        asked.target,
        asked.role,
        asked.duration_ms,
        asked.reason,
        asked.ticket,
        asked.start_at,
        break_glass=break_glass,
        scope=tuple(asked.scope),
    )


@router.get("/requests")
async def list_requests(
    caller: ACaller,
    front: AFront,
    page: APage,
    view: Annotated[View, Query(description="My own, those I may decide now, or all that I may see.")] = "mine",
) -> models.Page[models.RequestView]:
    """Requests, newest first."""
    found = await front.reading.requests(caller.person, view, page)
    people = await front.reading.people()
    items = [mapping.request(each, people) for each in found]
    return models.Page(items=items, next=found[-1].id if len(found) == page.limit else None)


@router.get("/requests/{id}")
async def show_request(id: Part, caller: ACaller, front: AFront) -> models.RequestView:
    """One request, with its votes and messages."""
    return await _shown(front, await front.reading.request(caller.person, id))


@router.get("/requests/{id}/explain")
async def explain_request(id: Part, caller: ACaller, front: AFront) -> answers.Explained:
    """How the policy in force would decide on this request now, and why."""
    return mapping.explained(await front.deliberation.explain_request(caller.person, id), await front.reading.people())


@router.get("/requests/{id}/deciders")
async def who_decides(id: Part, caller: ACaller, front: AFront) -> answers.Deciders:
    """Who can still decide on this request, and how long it usually takes."""
    found = await front.deliberation.deciders(caller.person, id)
    people = await front.reading.people()
    return answers.Deciders(
        id=found.request,
        state=found.state,
        deciders=[
            answers.Decider(
                **mapping.someone(people, one.person).model_dump(),
                stages=list(one.stages),
                voted=one.voted,
                on_duty=one.on_duty,
            )
            for one in found.deciders
        ],
        missing=list(found.missing),
        usual_wait_ms=found.usual_wait_ms,
        decided_before=found.decided_before,
        lesser_roles=list(found.lesser),
    )


@router.post("/requests/{id}/approve")
async def approve_request(id: Part, vote: models.Approve, caller: ACaller, front: AFront) -> models.RequestView:
    """Say yes to exactly what the digest stands for, perhaps for less time, as a role that can do less, or for less of
    the target."""
    narrowed = Narrowed(vote.duration_ms, vote.role, vote.until, tuple(vote.scope))
    approved = await front.requests.approve(
        caller.person, id, digest=vote.digest, note=vote.note, narrowed=narrowed, signed=signed_of(vote)
    )
    return await _shown(front, approved, VOTED, caller.person.id)


@router.post("/requests/{id}/deny")
async def deny_request(id: Part, vote: models.Deny, caller: ACaller, front: AFront) -> models.RequestView:
    """Say no, and why."""
    denied = await front.requests.deny(caller.person, id, digest=vote.digest, note=vote.note, signed=signed_of(vote))
    return await _shown(front, denied, VOTED, caller.person.id)


def signed_of(vote: models.Signable) -> Signed | None:
    """The signature that a vote came with, if it did."""
    if vote.passkey is not None:
        return Signed(vote.statement, passkey=vote.passkey.read())
    return Signed(vote.statement, vote.signature) if vote.signature else None


@router.post("/requests/{id}/ask")
async def ask_requester(id: Part, question: models.Say, caller: ACaller, front: AFront) -> models.RequestView:
    """Ask the requester something, before deciding."""
    return await _shown(front, await front.requests.ask(caller.person, id, question.text), "request.asked")


@router.post("/requests/{id}/answer")
async def answer_question(id: Part, answer: models.Say, caller: ACaller, front: AFront) -> models.RequestView:
    """Answer what was asked about my request."""
    return await _shown(front, await front.requests.answer(caller.person, id, answer.text), "request.answered")


@router.post("/requests/{id}/withdraw")
async def withdraw_request(id: Part, caller: ACaller, front: AFront) -> models.RequestView:
    """Take my request back."""
    return await _shown(front, await front.requests.withdraw(caller.person, id), "request.withdrawn")
