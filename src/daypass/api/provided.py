"""Signing in at the identity provider: where the browser is sent, where it comes back to, and the provider's own
sign-outs.

These are pages of the way, no JSON: they answer with redirects. What goes wrong is told by our own page, in our words.
Nothing can be guessed here, and any site can send a browser or a form here: failures shut nobody out.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from daypass.api.cookies import BINDING_COOKIE, set_binding, set_cookie
from daypass.api.front import AFront, client_of
from daypass.domain.errors import DaypassError

router = APIRouter(include_in_schema=False)

TEXT_MAX = 8192
"""Codes and states are short; some providers' codes are long."""
BODY_BYTES_MAX = 96 * 1024
PROBLEM_PAGE = "/sign-in"


@router.get("/sign-in/oidc")
async def begin_at_provider(
    request: Request, front: AFront, next: Annotated[str, Query(max_length=TEXT_MAX)] = "/"
) -> Response:
    """Send the browser to the identity provider."""
    try:
        begun = await front.provided.begin(next, request.cookies.get(BINDING_COOKIE, ""))
    except DaypassError as problem:
        return _told(problem)
    response = RedirectResponse(begun.url, 302)
    set_binding(response, begun.binding)
    return response


@router.get("/sign-in/oidc/callback")
async def come_back(
    request: Request,
    front: AFront,
    state: Annotated[str, Query(max_length=TEXT_MAX)] = "",
    code: Annotated[str, Query(max_length=TEXT_MAX)] = "",
    iss: Annotated[str, Query(max_length=TEXT_MAX)] = "",
) -> Response:
    """Somebody comes back from the identity provider."""
    binding, client = request.cookies.get(BINDING_COOKIE, ""), client_of(request)
    try:
        flow = await front.provided.came_back(state, binding)
        # Counted where no other site can have the browser of somebody come to.
        front.attempts.begun(client, "provider", front.office.now())
        opened, after = await front.provided.finish(flow, code, iss, client)
    except DaypassError as problem:
        return _told(problem)
    response = RedirectResponse(after, 303)
    set_cookie(response, opened.cookie, (opened.visit.expires_at - front.office.now()) // 1000)
    return response


@router.post("/sign-in/oidc/logout")
async def provider_signs_out(request: Request, front: AFront) -> Response:
    """The provider signed somebody out (OpenID Connect Back-Channel Logout 1.0, 2.5): a form with `logout_token`."""
    given = parse_qs((await request.body())[:BODY_BYTES_MAX].decode("utf-8", "replace")).get("logout_token", [""])
    try:
        await front.provided.sign_out(given[0])
    except DaypassError as problem:
        if problem.http_status == 503:
            raise
        return JSONResponse({"error": "invalid_request", "error_description": problem.message}, 400)
    return Response(status_code=200)


def _told(problem: DaypassError) -> Response:
    told = {"problem": problem.message, "hint": problem.hint}
    return RedirectResponse(f"{PROBLEM_PAGE}?{urlencode(told)}", 303)
