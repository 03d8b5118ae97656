"""The published log over HTTP, as C2SP tlog-tiles wants it: `/ledger/checkpoint`, `/ledger/tile/…`, `/ledger/vkey`.

The very files of DATA/ledger; nothing is made here. Any path but that of a tile is refused, so that nothing else of the
disk can be asked for. Who may read is a setting (`ledger.public`). C2SP describes these routes, our OpenAPI does not.
"""

from __future__ import annotations

import asyncio
import gzip
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials

from daypass.api.front import AFront, Front, bearer, cookie, the_caller, the_front
from daypass.domain.errors import NotFound, Refused
from daypass.domain.roles import Verb
from daypass.ledger.paths import parse_path

BRIEF = "max-age=1"
"""Checkpoints follow each other every half second."""
FOREVER = "max-age=31536000, immutable"
"""What stands under a tile's path never changes."""
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
PACKING = 4
"""How hard bundles are compressed (tlog-tiles: they should be): a fifth of the bytes, in a few milliseconds."""
READ = ["GET", "HEAD"]
"""HEAD is what mirrors and caches look with whether something is there."""


async def a_reader(
    request: Request,
    front: Annotated[Front, Depends(the_front)],
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    shown: Annotated[str | None, Depends(cookie)],
) -> None:
    """Let everybody in, or, where the log is not public, only those who read everything."""
    if front.log.public:
        return
    caller = await the_caller(request, front, given, shown)
    if not front.office.may(caller.person, Verb.READ_LOG):
        raise Refused("the published log is not public here", hint="auditors may read it (ledger.public)")


router = APIRouter(prefix="/ledger", include_in_schema=False, dependencies=[Depends(a_reader)])


@router.api_route("/checkpoint", methods=READ, response_class=Response)
async def get_checkpoint(request: Request, front: AFront) -> Response:
    """The newest published checkpoint: a signed note, with the cosignatures that it has."""
    return await _newest(request, front, "checkpoint")


@router.api_route("/vkey", methods=READ, response_class=Response)
async def get_vkey(request: Request, front: AFront) -> Response:
    """The log's verifier key. Whoever checks the log should know it from elsewhere."""
    return await _newest(request, front, "vkey")


@router.api_route("/tile/{path:path}", methods=READ, response_class=Response)
async def get_tile(path: str, request: Request, front: AFront) -> Response:
    """A tile (`<L>/<N>`), a bundle of entries (`entries/<N>`), or a partial one (`….p/<W>`)."""
    whole = f"tile/{path}"
    if parse_path(whole) is None:
        raise NotFound(f"there is no tile {path[:200]}", hint="paths are those of C2SP tlog-tiles")
    packed = path.startswith("entries/") and _takes_gzip(request)
    etag = f'"{path}{"-gzip" if packed else ""}"'
    headers = _headers(front, FOREVER, etag)
    if path.startswith("entries/"):
        headers["Vary"] = "Accept-Encoding"
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    raw = await _read(front, whole)
    if packed:
        raw = await asyncio.to_thread(gzip.compress, raw, PACKING, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(raw, media_type=BYTES, headers=headers)


def _takes_gzip(request: Request) -> bool:
    """Whether the client names gzip, and not to refuse it (`gzip;q=0`)."""
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "").rstrip("0.") != "q="
    return False


async def _newest(request: Request, front: Front, name: str) -> Response:
    raw = await _read(front, name)
    etag = f'"{sha256(raw).hexdigest()[:32]}"'
    headers = _headers(front, BRIEF, etag)
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(raw, media_type=TEXT, headers=headers)


async def _read(front: Front, path: str) -> bytes:
    if front.log.elsewhere:
        raise NotFound("this node does not publish the log", hint=front.log.elsewhere)
    raw = await asyncio.to_thread(front.log.read, path)
    if raw is None:
        raise NotFound(f"there is no {path} here", hint="the checkpoint says how many entries are published")
    return raw


def _headers(front: Front, caching: str, etag: str) -> dict[str, str]:
    return {"Cache-Control": f"{'public' if front.log.public else 'private'}, {caching}", "ETag": etag}
