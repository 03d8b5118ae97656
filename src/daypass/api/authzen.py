"""OpenID AuthZEN, as a façade: the Access Evaluation of one thing, and of the Access Request and Approval Profile
(draft 1) the endpoint, the task with its states, and cancelling. docs/authzen.md says what of it is there.

A subject is a person (`user`, by address), a resource a `target`, an action a role. Nobody asks for somebody else: the
subject is who calls. Our states map one to one onto the task's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from daypass.api import models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, Caller, Front
from daypass.domain.durations import instant_ms
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.grant import Grant
from daypass.domain.people import Person
from daypass.domain.request import Request, RequestState
from daypass.services.asking import Wish

router = APIRouter(tags=["authzen"])

BASE = "/access/v1"
PROBLEM = "urn:openid:authzen:access-request:error:"
USER, TARGET = "user", "target"

STATUS: Mapping[RequestState, str] = {
    RequestState.PENDING: "pending",
    RequestState.NEEDS_INFO: "pending",
    RequestState.APPROVED: "approved",
    RequestState.BROKEN_GLASS: "approved",
    RequestState.RATIFIED: "approved",
    RequestState.DENIED: "denied",
    RequestState.NOT_RATIFIED: "denied",
    RequestState.EXPIRED: "expired",
    RequestState.WITHDRAWN: "cancelled",
}
"""What the task says for each state of a request."""


class Open(BaseModel):
    """What other systems send: members that are not known are passed over, as AuthZEN wants it."""

    model_config = ConfigDict(extra="ignore")


class Thing(Open):
    """A subject or a resource."""

    type: str = Field(max_length=models.NAME_MAX)
    id: str = Field(min_length=1, max_length=models.NAME_MAX)


class Action(Open):
    """What is to be done: a role of the target."""

    name: str = Field(min_length=1, max_length=models.NAME_MAX)


class Approval(Open):
    """An approval that a task told of."""

    id: str = Field(max_length=models.NAME_MAX)


class Context(Open):
    """What is said beside it."""

    approval: Approval | None = None
    business_justification: str = Field(default="", max_length=models.TEXT_MAX)
    ticket: str = Field(default="", max_length=models.NAME_MAX)


class Evaluation(Open):
    """May this subject do this to this resource?"""

    subject: Thing
    resource: Thing
    action: Action
    context: Context = Context()


class Denial(Open):
    """The denial that an access request is about."""

    binding_token: str = Field(default="", max_length=models.TEXT_MAX)


class Wanted(Open):
    """What is asked for beside the thing itself."""

    requested_until: str = Field(default="", max_length=models.NAME_MAX)


class Submission(Evaluation):
    """A request for what was denied."""

    denial: Denial = Denial()
    requested_access: Wanted = Wanted()


class Decision(BaseModel):
    """Yes or no; a no says whether it could be asked for."""

    decision: bool
    context: dict[str, Any]


class Task(BaseModel):
    """An access request, and what came of it."""

    task: dict[str, Any]
    result: dict[str, Any] | None = None


class Configuration(BaseModel):
    """Where this decision point answers."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_request_endpoint: str
    capabilities: list[str]


@router.get("/.well-known/authzen-configuration")
async def authzen_configuration(caller: ACaller, front: AFront) -> Configuration:
    """Where AuthZEN's endpoints are."""
    url = front.public_url
    return Configuration(
        policy_decision_point=url,
        access_evaluation_endpoint=f"{url}{BASE}/evaluation",
        access_request_endpoint=f"{url}{BASE}/requests",
        capabilities=["urn:openid:authzen:capability:access-request"],
    )


@router.post(f"{BASE}/evaluation")
async def evaluate_access(asked: Evaluation, caller: ACaller, front: AFront) -> Decision:
    """Whether the caller has access now; if not, whether it could be asked for."""
    by = _subject(asked, caller)
    approval = asked.context.approval.id if asked.context.approval is not None else None
    found = await front.evaluating.evaluate(by, asked.resource.id, asked.action.name, approval)
    context: dict[str, Any] = {
        "evaluation_id": found.id,
        "evaluated_at": _time(found.t),
        "reason": found.reason,
    }
    if found.binding:
        context["access_request"] = {
            "endpoint": f"{front.public_url}{BASE}/requests",
            "expires_at": _time(found.binding_until),
            "binding_token": found.binding,
        }
    return Decision(decision=found.decision, context=context)


@router.post(f"{BASE}/requests", status_code=202, response_model=Task)
async def submit_access_request(asked: Submission, caller: ACaller, front: AFront) -> Response:
    """Ask for what was denied. 201 with the result where a rule approves by itself, else 202 with the task."""
    by = _subject(asked, caller)
    target, role = asked.resource.id, asked.action.name
    try:
        await front.evaluating.check_binding(by, target, role, asked.denial.binding_token)
    except (Conflict, ValueError, KeyError) as problem:
        return _problem(400, "invalid_denial_binding", str(problem))
    try:
        until = instant_ms(asked.requested_access.requested_until)
    except ValueError as problem:
        raise Invalid(f"requested_access.requested_until must be {problem}") from None
    lasts = until - front.office.now()
    reason = asked.context.business_justification
    made = await front.requests.create(by, Wish(target, role, lasts, reason, asked.context.ticket))
    status = 201 if made.state is RequestState.APPROVED else 202
    task = await _task(front, made, by)
    return JSONResponse(task.model_dump(exclude_none=True), status, {"Location": task.task["status_endpoint"]})


@router.get(f"{BASE}/requests/{{id}}", response_model=Task, response_model_exclude_none=True)
async def show_access_request(id: Part, caller: ACaller, front: AFront) -> Any:
    """The task, and its result once it is approved."""
    try:
        return await _task(front, await front.reading.request(caller.person, id), caller.person)
    except NotFound as problem:
        return _problem(404, "unknown_task", problem.message)


@router.post(f"{BASE}/requests/{{id}}/cancel", response_model=Task, response_model_exclude_none=True)
async def cancel_access_request(id: Part, caller: ACaller, front: AFront) -> Any:
    """Take the access request back."""
    try:
        return await _task(front, await front.requests.withdraw(caller.person, id), caller.person)
    except NotFound as problem:
        return _problem(404, "unknown_task", problem.message)
    except Conflict as problem:
        return _problem(409, "invalid_task_state", problem.message)


def _subject(asked: Evaluation, caller: Caller) -> Person:
    if asked.subject.type != USER or asked.subject.id.lower() != caller.person.email:
        raise Refused("the subject has to be who calls", hint='{"type": "user", "id": their address}')
    if asked.resource.type != TARGET:
        raise Invalid(f"a resource is of type {TARGET!r} here, not {asked.resource.type!r}")
    return caller.person


async def _task(front: Front, request: Request, by: Person) -> Task:
    url = f"{front.public_url}{BASE}/requests/{request.id}"
    status = STATUS[request.state]
    task: dict[str, Any] = {"id": request.id, "status": status, "status_endpoint": url}
    if status == "pending":
        task |= {"expires_at": _time(request.decide_by), "links": {"cancel": f"{url}/cancel"}}
    if status != "approved" or request.grant is None:
        return Task(task=task)
    return Task(task=task, result=_result(request, await front.reading.grant(by, request.grant)))


def _result(request: Request, grant: Grant) -> dict[str, Any]:
    """An approval is not access: what asked evaluates it anew, with this in its context."""
    until = grant.ended_at or grant.expires_at or grant.activate_by + grant.duration_ms
    decided = request.decided_at or request.created_at
    approval = {"id": grant.id, "approved_at": _time(decided), "approved_until": _time(until)}
    return {"mode": "reevaluate", "approval": approval}


def _time(t: int) -> str:
    return datetime.fromtimestamp(t / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _problem(status: int, kind: str, detail: str) -> Response:
    told = {"type": PROBLEM + kind, "title": kind.replace("_", " "), "status": status, "detail": detail}
    return JSONResponse(told, status, media_type="application/problem+json")
