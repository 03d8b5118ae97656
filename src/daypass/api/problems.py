"""Errors as RFC 9457 problem details: every one of them, whoever found it (a service, the router, a parser, a crash).

A problem says what is wrong (`detail`) and what to do (`hint`), and never how the inside looks.
"""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from daypass.domain.errors import DaypassError, TooMany

MEDIA = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
TYPES = "https://daypass.dev/problems/"
SHOWN_MAX = 20
"""Complaints about one body that are listed; whoever sends more is not reading them."""


TYPE_CHARS_MAX = 100
"""Of a Content-Type that is told back to who sent it."""


class Fault(BaseModel):
    """One part of what was sent that cannot be taken."""

    where: str = Field(description="The place in what was sent, like `body.duration_ms`.")
    what: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description=f"{TYPES} and the kind of problem, like `refused` or `not_found`.")
    title: str = Field(description="The HTTP status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, in one sentence.")
    hint: str | None = Field(default=None, description="What would be right, or what to type.")
    errors: list[Fault] | None = Field(
        default=None, description="Each fault of a body or query that was not understood."
    )


class TooLarge(HTTPException):
    """A body is longer than the limit. An `HTTPException`, as FastAPI takes any other that comes while it reads a body
    for what is wrong with its text."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(413, f"a body may have at most {bytes_max} bytes")


def problem(
    status: int,
    kind: str,
    detail: str,
    *,
    hint: str = "",
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that tells of a problem."""
    told = Problem(
        type=TYPES + kind,
        title=http.HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        hint=hint or None,
        errors=list(errors) or None,
    )
    return JSONResponse(told.model_dump(exclude_none=True), status, dict(headers or {}), media_type=MEDIA)


def of_error(error: DaypassError) -> Response:
    """The answer for something that Daypass says no with."""
    headers = {"WWW-Authenticate": 'Bearer realm="daypass"'} if error.http_status == 401 else None
    if isinstance(error, TooMany):
        headers = {"Retry-After": str(-(-error.wait_ms // 1000))}
    return problem(error.http_status, error.kind, error.message, hint=error.hint, headers=headers)


def of_too_large(error: TooLarge) -> Response:
    """The answer to a body that is too long, whether its length was said or found."""
    return problem(error.status_code, "too_large", error.detail)


def crashed() -> Response:
    """The answer when we are at fault. It says nothing of why: the log does."""
    return problem(500, "error", "Daypass failed to answer; nothing is said about what was done", hint="see its log")


def install(app: FastAPI) -> None:
    """Answer every error of this app with a problem."""
    app.add_exception_handler(DaypassError, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(TooLarge, _cut_off)
    app.add_exception_handler(HTTPException, _routed_nowhere)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DaypassError)
    return of_error(error)


async def _cut_off(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooLarge)
    return of_too_large(error)


async def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if isinstance(error.body, bytes):  # nobody read it as JSON: whatever is in it, it was not said to be some
        said = request.headers.get("content-type", "")[:TYPE_CHARS_MAX]
        what = f"Content-Type must be application/json, it is {said or 'missing'}"
        faults = [Fault(where="header.content-type", what=what)]
        hint = "Content-Type: application/json"
        return problem(422, "invalid", f"what was sent cannot be understood: {what}", hint=hint, errors=faults)
    faults = [_fault(each) for each in error.errors()[:SHOWN_MAX]]
    first = f"{faults[0].where}: {faults[0].what}" if faults else "it is malformed"
    return problem(422, "invalid", f"what was sent cannot be understood: {first}", errors=faults)


def _fault(told: Mapping[str, Any]) -> Fault:
    return Fault(where=".".join(str(part) for part in told["loc"]), what=str(told["msg"]))


async def _routed_nowhere(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        # What is not even text: told as every other body that is no JSON.
        fault = Fault(where="body", what="must be JSON in UTF-8")
        return problem(422, "invalid", "what was sent cannot be understood: it is not JSON", errors=(fault,))
    kind = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid")
    said = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.method} cannot be done to {request.url.path}",
    }
    detail = said.get(error.status_code, str(error.detail))
    headers = {"Allow": _methods(request)} if error.status_code == 405 else error.headers
    return problem(error.status_code, kind, detail, hint="see /api/v1/openapi.json", headers=headers)


def _methods(request: Request) -> str:
    """Everything that can be done to this path; the router itself tells only of the first route that has it."""
    tried = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    return ", ".join(m for m, scope in tried.items() if any(one.matches(scope)[0] is Match.FULL for one in routes))
