"""The web app: its one page at every path that it knows, its assets under names that hold their digest. Files alone.

The page comes with a policy for the browser that runs nothing but our own assets: no inline script, and inline style
only under a number that is used once. What is not built is said, with the command; the API works without it.
"""

from __future__ import annotations

import asyncio
import mimetypes
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, Request, Response

from daypass.api import ahead
from daypass.api.problems import problem
from daypass.domain.errors import NotFound

BUILT = Path(__file__).with_name("built")
"""Where `scripts/web` puts the app; it is in the wheel, and not in git."""
PLACES = (
    "admin",
    "catalogue",
    "console",
    "device",
    "inbox",
    "insights",
    "log",
    "me",
    "password",
    "policy",
    "requests",
    "reviews",
    "search",
    "sessions",
    "settings",
    "sign-in",
    "signed-out",
)
"""The first words of the app's own paths; everything else is no page of it and answers as before."""
NONCE_BYTES = 18
NONCE = b"__NONCE__"
"""What stands in the built page where the number goes."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""`wasm-unsafe-eval` is for the terminal that plays recordings, which is WebAssembly; it allows no JavaScript."""
FOREVER = "public, max-age=31536000, immutable"
ASSET = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")
READ = ["GET", "HEAD"]
TO_BUILD = "make web   (it needs node 20.19 or newer and npm; the API works without it)"

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=READ, response_class=Response)
async def show_home(request: Request, questions: ahead.Questions) -> Response:
    """The app; without it, what to run for it."""
    return await _page(request, questions)


@router.api_route("/assets/{name}", methods=READ, response_class=Response)
async def show_asset(name: str, request: Request) -> Response:
    """A script, style, font or picture of the app: never another one under the same name."""
    path = BUILT / "assets" / name
    if not ASSET.fullmatch(name) or name.endswith(".gz"):
        raise NotFound(f"there is no asset {name[:100]}")
    packed = "gzip" in request.headers.get("accept-encoding", "")
    raw, coding = await asyncio.to_thread(_read, path, packed)
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
    if coding:
        headers["Content-Encoding"] = coding
    return Response(raw, media_type=mimetypes.guess_type(name)[0] or "application/octet-stream", headers=headers)


async def _show_place(request: Request, questions: ahead.Questions) -> Response:
    return await _page(request, questions)


for _place in PLACES:
    router.add_api_route(f"/{_place}", _show_place, methods=READ, response_class=Response)
    router.add_api_route(f"/{_place}/{{rest:path}}", _show_place, methods=READ, response_class=Response)


async def _page(request: Request, questions: Sequence[str]) -> Response:
    try:
        page = await asyncio.to_thread((BUILT / "index.html").read_bytes)
        files = await asyncio.to_thread(ahead.files, BUILT, ahead.path_of(request))
    except OSError:
        return problem(501, "not_built", "the web app is not built here", hint=TO_BUILD)
    nonce = secrets.token_urlsafe(NONCE_BYTES)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY.format(nonce=nonce),
        "Link": ", ".join([*files, *questions]),
    }
    return Response(page.replace(NONCE, nonce.encode()), media_type="text/html; charset=utf-8", headers=headers)


def _read(path: Path, packed: bool) -> tuple[bytes, str]:
    """The file, and how it is packed. Raises `NotFound`."""
    if packed:
        try:
            return path.with_name(f"{path.name}.gz").read_bytes(), "gzip"
        except OSError:
            pass  # small ones are not worth packing
    try:
        return path.read_bytes(), ""
    except OSError:
        raise NotFound(f"there is no asset {path.name[:100]}", hint="reload the page: the app is a newer one") from None
