"""The cookie of a browser that is signed in, and whether a page of our own made a call.

`__Host-` binds it to this very host, `Secure` to TLS; browsers take http://localhost for as good (docs/sign-in.md).
Cookies know no ports, and `SameSite` neither, so that a page at another port of this machine would count as ours: a
call by cookie is taken only if the browser says that it is of the same origin.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from daypass.domain.errors import Refused

COOKIE = "__Host-daypass"
BINDING_COOKIE = "__Host-daypass-oidc"
BINDING_SECONDS = 600
"""Binds a sign-in at the provider to the browser that began it. `Lax`, as the way back begins at another site."""
CSRF_HEADER = "x-daypass-csrf"
"""A header that no other site's page can send, as that would take our leave (CORS), which nobody gets."""

SAFE = ("GET", "HEAD")
HINT = "X-Daypass-CSRF: 1, from a page of this Daypass"


def set_cookie(response: Response, secret: str, seconds: int) -> None:
    """Have the browser keep it for so long; no script reads it, no other site sends it."""
    response.set_cookie(COOKIE, secret, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")


def set_binding(response: Response, secret: str) -> None:
    """Have the browser keep what its sign-in at the provider is bound by."""
    response.set_cookie(
        BINDING_COOKIE, secret, max_age=BINDING_SECONDS, path="/", secure=True, httponly=True, samesite="lax"
    )


def drop_cookie(response: Response) -> None:
    """Have the browser forget it."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def check_own_page(request: Request, public_url: str) -> None:
    """Raise `Refused` for a call with a cookie that is not made by a page of ours. Reading takes no header, but the
    browser must not say that another site asks."""
    site = request.headers.get("sec-fetch-site")
    if request.method in SAFE:
        if site not in (None, "same-origin", "none"):
            raise Refused("this was asked for by a page of another site", hint=HINT)
        return
    if not request.headers.get(CSRF_HEADER):
        raise Refused("a browser's call needs the header X-Daypass-CSRF", hint=HINT)
    origin = request.headers.get("origin")
    ours = origin is not None and _same(origin, request, public_url)
    if site not in (None, "same-origin") or not (ours or (origin is None and site == "same-origin")):
        raise Refused("this was sent by a page of another site", hint=HINT)


def _same(origin: str, request: Request, public_url: str) -> bool:
    """Whether an Origin is the one that this request is for. The Host header was judged before."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    schemes = (request.url.scheme, urlsplit(public_url).scheme)
    return parts.scheme in schemes and parts.netloc.lower() == request.headers.get("host", "").lower()
