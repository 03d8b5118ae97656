"""OpenID AuthZEN, as a façade: the Access Evaluation of one thing and of several (Authorization API 1.0), and of the
Access Request and Approval Profile (draft 1) the endpoint, the task with its states, several items, cancelling and
callbacks. docs/authzen.md says what of it is there.

A subject is a person (`user`, by address), a resource a `target`, an action a role. Nobody asks for somebody else: the
subject is who calls. Our states map one to one onto the task's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response
from starlette.responses import JSONResponse

from daypass.api import authzen_bodies as bodies
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, Caller, Front
from daypass.domain.durations import instant_ms
from daypass.domain.errors import Conflict, DaypassError, Invalid, NotFound, Refused
from daypass.domain.grant import Grant
from daypass.domain.people import Person
from daypass.domain.request import Item, Request, RequestState
from daypass.domain.task import PENDING, STATUS, whole
from daypass.services.asking import Wish
from daypass.services.bundles import Bundle, BundleWish
from daypass.services.tasks import Callback, Tasks

router = APIRouter(tags=["authzen"])

BASE = "/access/v1"
PROBLEM = "urn:openid:authzen:access-request:error:"
USER, TARGET = "user", "target"


@router.get("/.well-known/authzen-configuration")
async def authzen_configuration(caller: ACaller, front: AFront) -> bodies.Configuration:
    """Where AuthZEN's endpoints are."""
    url = front.public_url
    return bodies.Configuration(
        policy_decision_point=url,
        access_evaluation_endpoint=f"{url}{BASE}/evaluation",
        access_evaluations_endpoint=f"{url}{BASE}/evaluations",
        access_request_endpoint=f"{url}{BASE}/requests",
        capabilities=["urn:openid:authzen:capability:access-request"],
    )


# -- evaluating ---------------------------------------------------------------------------------------------------


@router.post(f"{BASE}/evaluation")
async def evaluate_access(asked: bodies.Evaluation, caller: ACaller, front: AFront) -> bodies.Decision:
    """Whether the caller has access now; if not, whether it could be asked for."""
    by = _subject(asked.subject, caller)
    _check_resource(asked.resource)
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
    return bodies.Decision(decision=found.decision, context=context)


@router.post(f"{BASE}/evaluations")
async def evaluate_several(
    asked: bodies.Evaluations, caller: ACaller, front: AFront
) -> bodies.Decisions | bodies.Decision:
    """The same for several at once. What one does not say is as the call says; one that cannot be answered is a no
    with its `error`."""
    if not asked.evaluations:
        return await evaluate_access(_completed(asked, bodies.OneOf()), caller, front)
    stops = {"deny_on_first_deny": False, "permit_on_first_permit": True}.get(asked.options.evaluations_semantic)
    found: list[bodies.Decision] = []
    for one in asked.evaluations:
        try:
            found.append(await evaluate_access(_completed(asked, one), caller, front))
        except DaypassError as problem:
            status = 403 if isinstance(problem, Refused) else 400
            error = {"status": status, "message": problem.message}
            found.append(bodies.Decision(decision=False, context={"error": error}))
        if found[-1].decision is stops:
            break
    return bodies.Decisions(evaluations=found)


def _completed(asked: bodies.Evaluations, one: bodies.OneOf) -> bodies.Evaluation:
    subject, resource = one.subject or asked.subject, one.resource or asked.resource
    action, context = one.action or asked.action, one.context or asked.context or bodies.Context()
    if subject is None or resource is None or action is None:
        raise Invalid("an evaluation needs subject, resource and action")
    return bodies.Evaluation(subject=subject, resource=resource, action=action, context=context)


# -- asking -------------------------------------------------------------------------------------------------------


@router.post(f"{BASE}/requests", status_code=202, response_model=bodies.Task)
async def submit_access_request(asked: bodies.Submission, caller: ACaller, front: AFront) -> Response:
    """Ask for what was denied, one thing or several `items`. 201 with the result where a rule approves by itself, else
    202 with the task."""
    by = _subject(asked.subject, caller)
    items = _items(asked)
    if problem := await _unbound(front, by, asked, items):
        return problem
    tasks, callback = Tasks(front.office), _callback(asked)
    tasks.check(callback)
    lasts = _lasts(front, asked)
    reason, ticket = asked.context.business_justification, asked.context.ticket
    if asked.items is None:
        one = await front.requests.create(by, Wish(items[0].target, items[0].role, lasts, reason, ticket))
        id, parts = one.id, [one]
    else:
        bundle = await front.bundles.create(by, BundleWish(items, lasts, reason, ticket))
        id, parts = bundle.id, list(bundle.parts)
    await tasks.remember(id, [part.id for part in parts], callback, _url(front, id))
    task = await (_task(front, parts[0], by) if asked.items is None else _tasks(front, id, parts, by))
    status = 202 if task.task["status"] == PENDING else 201
    return JSONResponse(task.model_dump(exclude_none=True), status, {"Location": task.task["status_endpoint"]})


def _items(asked: bodies.Submission) -> tuple[Item, ...]:
    if asked.items is None:
        if asked.resource is None or asked.action is None:
            raise Invalid("an access request names resource and action, or items")
        _check_resource(asked.resource)
        return (Item(asked.resource.id, asked.action.name),)
    if asked.resource is not None or asked.action is not None:
        raise Invalid("resource and action stand in each of the items, not beside them")
    for one in asked.items:
        _check_resource(one.resource)
    found = tuple(Item(one.resource.id, one.action.name) for one in asked.items)
    if len(set(found)) < len(found):
        raise Invalid("each of the items is asked for once")
    return found


async def _unbound(front: Front, by: Person, asked: bodies.Submission, items: Sequence[Item]) -> Response | None:
    """What is wrong with the denials that are to be asked about. One denial binds one thing."""
    denials = [asked.denial] if asked.items is None else [one.denial for one in asked.items]
    if len(items) == 1:
        denials = [denials[0] or asked.denial]
    for item, denial in zip(items, denials, strict=True):
        if denial is None:
            return _problem(400, "invalid_denial_binding", f"{item.target}:{item.role} comes without its own denial")
        try:
            await front.evaluating.check_denial(by, item.target, item.role, denial.binding_token, denial.evaluation_id)
        except (Conflict, ValueError, KeyError, TypeError) as problem:
            return _problem(400, "invalid_denial_binding", str(problem))
    return None


def _lasts(front: Front, asked: bodies.Submission) -> int:
    wanted = {one.requested_access.requested_until for one in asked.items or () if one.requested_access}
    wanted |= (
        {asked.requested_access.requested_until} if asked.requested_access.requested_until or not wanted else set()
    )
    if len(wanted) > 1:
        raise Invalid("all items are asked for until the same time", hint="ask for the others apart")
    try:
        return instant_ms(wanted.pop()) - front.office.now()
    except ValueError as problem:
        raise Invalid(f"requested_access.requested_until must be {problem}") from None


def _callback(asked: bodies.Submission) -> Callback | None:
    wanted = asked.callback
    return Callback(wanted.endpoint, wanted.state, tuple(wanted.events)) if wanted is not None else None


# -- the task -----------------------------------------------------------------------------------------------------


@router.get(f"{BASE}/requests/{{id}}", response_model=bodies.Task, response_model_exclude_none=True)
async def show_access_request(id: Part, caller: ACaller, front: AFront) -> Any:
    """The task, and its result once it is approved; of several items, each with its own."""
    try:
        return await _task(front, await front.reading.request(caller.person, id), caller.person)
    except NotFound as problem:
        bundle = await _bundle(front, caller.person, id)
        if bundle is None:
            return _problem(404, "unknown_task", problem.message)
        return await _tasks(front, bundle.id, await _ordered(front, bundle), caller.person)


@router.post(f"{BASE}/requests/{{id}}/cancel", response_model=bodies.Task, response_model_exclude_none=True)
async def cancel_access_request(id: Part, caller: ACaller, front: AFront) -> Any:
    """Take the access request back; of several items, those that are still open."""
    try:
        try:
            return await _task(front, await front.requests.withdraw(caller.person, id), caller.person)
        except NotFound:
            bundle = await front.bundles.withdraw(caller.person, id)
            return await _tasks(front, bundle.id, await _ordered(front, bundle), caller.person)
    except NotFound as problem:
        return _problem(404, "unknown_task", problem.message)
    except Conflict as problem:
        return _problem(409, "invalid_task_state", problem.message)


async def _bundle(front: Front, by: Person, id: str) -> Bundle | None:
    try:
        return await front.bundles.show(by, id)
    except NotFound:
        return None


async def _ordered(front: Front, bundle: Bundle) -> list[Request]:
    """Its parts in the order in which they were submitted."""
    order = list(await Tasks(front.office).order(bundle.id))
    return sorted(bundle.parts, key=lambda one: (order.index(one.id) if one.id in order else len(order), one.id))


def _subject(subject: bodies.Thing, caller: Caller) -> Person:
    if subject.type != USER or subject.id.lower() != caller.person.email:
        raise Refused("the subject has to be who calls", hint='{"type": "user", "id": their address}')
    return caller.person


def _check_resource(resource: bodies.Thing) -> None:
    if resource.type != TARGET:
        raise Invalid(f"a resource is of type {TARGET!r} here, not {resource.type!r}")


def _url(front: Front, id: str) -> str:
    return f"{front.public_url}{BASE}/requests/{id}"


def _head(front: Front, id: str, status: str, decide_by: int) -> dict[str, Any]:
    url = _url(front, id)
    task: dict[str, Any] = {"id": id, "status": status, "status_endpoint": url}
    if status == PENDING:
        task |= {"expires_at": _time(decide_by), "links": {"cancel": f"{url}/cancel"}}
    return task


async def _task(front: Front, request: Request, by: Person) -> bodies.Task:
    task = _head(front, request.id, STATUS[request.state], request.decide_by)
    return bodies.Task(task=task, result=await _result(front, request, by))


async def _tasks(front: Front, id: str, parts: Sequence[Request], by: Person) -> bodies.Task:
    """A task of several items, each with its status and its result."""
    task = _head(front, id, whole([one.state for one in parts]), max(one.decide_by for one in parts))
    task["items"] = []
    for part in parts:
        item, result = part.items[0], await _result(front, part, by)
        told = {"resource": {"type": TARGET, "id": item.target}, "action": {"name": item.role}}
        task["items"].append(told | {"status": STATUS[part.state]} | ({"result": result} if result else {}))
    return bodies.Task(task=task)


async def _result(front: Front, request: Request, by: Person) -> dict[str, Any] | None:
    """An approval is not access: what asked evaluates it anew, with this in its context."""
    if STATUS[request.state] != STATUS[RequestState.APPROVED] or request.grant is None:
        return None
    grant: Grant = await front.reading.grant(by, request.grant)
    until = grant.ended_at or grant.expires_at or grant.activate_by + grant.duration_ms
    decided = request.decided_at or request.created_at
    approval = {"id": grant.id, "approved_at": _time(decided), "approved_until": _time(until)}
    return {"mode": "reevaluate", "approval": approval}


def _time(t: int) -> str:
    return datetime.fromtimestamp(t / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _problem(status: int, kind: str, detail: str) -> Response:
    told = {"type": PROBLEM + kind, "title": kind.replace("_", " "), "status": status, "detail": detail}
    return JSONResponse(told, status, media_type="application/problem+json")
