"""SCIM 2.0 (RFC 7643, 7644) at /scim/v2: by it a directory says who there is and in which groups.

scim2-server speaks the protocol; `scim_storage` is what it reads and writes. It runs in threads of its own, as a large
group takes long to look at. Every error is told in SCIM's form.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer
from starlette.responses import Response

from daypass.api.front import AFront, Front, client_of
from daypass.api.problems import TooLarge
from daypass.api.scim_forms import plainly
from daypass.domain.errors import DaypassError, TooMany, Unauthenticated
from daypass.domain.people import Person
from daypass.domain.token_scopes import SCIM

PREFIX = "/scim/v2"
MEDIA = "application/scim+json"
THREADS = 2
"""Calls that are worked on at once; a directory sends one after the other, mostly."""
TRIES_MAX = 4
"""How often a call is made again whose resource was changed meanwhile."""
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

log = structlog.get_logger()
router = APIRouter(prefix=PREFIX, tags=["scim"])
_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="scim")

bearer = HTTPBearer(auto_error=False, scheme_name="ScimToken", description="A Daypass token of the scope `scim`.")
# What every route needs is read from the request itself: this is for the OpenAPI document.
ABearer = Annotated[Any, Depends(bearer)]


async def answered(request: Request, front: Front) -> Response:
    """One SCIM request, from whoever may."""
    try:
        by = await _provisioner(request, front)
        return await _served(request, front, by)
    except DaypassError as problem:
        return _told(problem)
    except TooLarge:
        raise  # told as it is before a body is read, which is not by us
    except Exception:
        log.exception("a SCIM call failed", method=request.method, path=request.url.path)
        return _error(500, "Daypass failed to answer; its log says why")


async def _provisioner(request: Request, front: Front) -> Person:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("a token of the scope scim is needed", hint="Authorization: Bearer TOKEN")
    person, _ = await front.tokens.authenticate(secret.strip(), client_of(request), SCIM)
    front.directory.admit(person)
    return person


async def _served(request: Request, front: Front, by: Person) -> Response:
    # Imported where it is needed first: most installations have no directory, and it takes a while.
    from scim2_models import PreconditionFailedException, SCIMException
    from scim2_server.requests import ScimRequest
    from scim2_server.service import ScimService

    from daypass.api.scim_members import Handler
    from daypass.api.scim_models import make_provider
    from daypass.api.scim_storage import Storage

    loop = asyncio.get_running_loop()
    service = ScimService(_made(make_provider, f"{front.public_url}{PREFIX}"))
    handler = Handler(service, Storage(front.directory, by, loop))
    body = await request.body()
    asked = ScimRequest(
        method=request.method,
        base_url=f"{front.public_url}{PREFIX}",
        path=request.url.path.removeprefix(PREFIX),
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=plainly(body) if request.method == "PATCH" else body,
    )
    conditional = "if-match" in request.headers
    for tries in range(TRIES_MAX):
        try:
            answer = await loop.run_in_executor(_threads, partial(handler.handle, asked))
            break
        except PreconditionFailedException as problem:
            if conditional or tries == TRIES_MAX - 1:
                answer = service.error_response(problem)
                break
        except SCIMException as problem:
            answer = service.error_response(problem)
            break
    content = json.dumps(answer.body, ensure_ascii=False).encode() if answer.body is not None else None
    return Response(content, int(answer.status), dict(answer.headers))


_provider: dict[str, Any] = {}


def _made(make: Any, url: str) -> Any:
    """The description of what we serve, made once."""
    if url not in _provider:
        _provider[url] = make(url)
    return _provider[url]


def _told(problem: DaypassError) -> Response:
    headers = {"WWW-Authenticate": 'Bearer realm="daypass"'} if problem.http_status == 401 else {}
    if isinstance(problem, TooMany):
        headers["Retry-After"] = str(-(-problem.wait_ms // 1000))
    status = 400 if problem.http_status == 422 else problem.http_status
    return _error(status, str(problem), headers)


def _error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    told = {"schemas": [ERROR], "status": str(status), "detail": detail}
    return Response(json.dumps(told).encode(), status, dict(headers or {}), media_type=MEDIA)


_RESOURCE = {"type": "object", "required": ["schemas"], "additionalProperties": True}
_BODY = {"requestBody": {"required": True, "content": {MEDIA: {"schema": {"type": "object"}}}}}
_ANSWER = {"content": {MEDIA: {"schema": _RESOURCE}}}


def _query(*names: str) -> dict[str, Any]:
    return {"parameters": [{"name": one, "in": "query", "schema": {"type": "string"}} for one in names]}


_SHAPE = _query("attributes", "excludedAttributes")
_SEARCH = _query("filter", "startIndex", "count", "sortBy", "sortOrder", "attributes", "excludedAttributes")


def _route(
    method: str, path: str, name: str, what: str, more: Mapping[str, Any] | None = None, status: int = 200
) -> None:
    """One route. All of them are answered alike; each has its name for the table of roles and the document."""

    async def endpoint(request: Request, front: AFront, given: ABearer) -> Response:
        return await answered(request, front)

    told: dict[str, Any] = {"description": what, **(_ANSWER if status != 204 else {})}
    extra = dict(more or {})
    if "{id}" in path:
        there = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        extra["parameters"] = [*extra.get("parameters", []), there]
    router.add_api_route(
        path,
        endpoint,
        methods=[method],
        name=name,
        status_code=status,
        response_class=Response,
        responses={status: told},
        description=what,
        openapi_extra=extra,
    )


_route("GET", "/ServiceProviderConfig", "scim_config", "What this server can do.")
_route("GET", "/ResourceTypes", "scim_resource_types", "The kinds of resources: people and groups.")
_route("GET", "/ResourceTypes/{id}", "scim_resource_type", "One kind of resource.")
_route("GET", "/Schemas", "scim_schemas", "What is kept of people and groups.")
_route("GET", "/Schemas/{id}", "scim_schema", "One schema.")
for _path, _name, _what in (("/Users", "scim_person", "a person"), ("/Groups", "scim_group", "a group")):
    _many = {"scim_person": "scim_people", "scim_group": "scim_groups"}[_name]
    _route("GET", _path, f"list_{_many}", "Those that a filter finds, in pages.", _SEARCH)
    _route("POST", _path, f"add_{_name}", f"Make {_what}.", _BODY, 201)
    _route("POST", f"{_path}/.search", f"search_{_many}", "The same as GET, with a body.", _BODY)
    _route("GET", f"{_path}/{{id}}", f"show_{_name}", f"Show {_what}.", _SHAPE)
    _route("PUT", f"{_path}/{{id}}", f"replace_{_name}", f"Replace {_what}.", _BODY)
    _route("PATCH", f"{_path}/{{id}}", f"patch_{_name}", f"Change {_what} in part.", _BODY)
    _route("DELETE", f"{_path}/{{id}}", f"remove_{_name}", f"Remove {_what}; a person is disabled.", status=204)


@router.api_route(
    "/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False, response_model=None
)
async def scim_elsewhere(request: Request, front: AFront) -> Response:
    """What is nowhere, told in SCIM's form."""
    return await answered(request, front)
