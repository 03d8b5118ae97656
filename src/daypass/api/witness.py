"""The HTTP of a witness (C2SP tlog-witness): `POST /add-checkpoint`, and its key at `/vkey`. All sense is in ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from daypass.ledger.witness import REQUEST_BYTES_MAX, Witness


def make_witness(witness: Witness, now: Callable[[], float] = time.time) -> Starlette:
    """The app of one witness. One submission at a time is considered, as checking and remembering are one step."""
    one_at_a_time = asyncio.Lock()

    async def add_checkpoint(request: Request) -> Response:
        try:
            raw = await _body(request)
        except ClientDisconnect:
            return PlainTextResponse("", 400)
        if raw is None:
            return PlainTextResponse(f"more than {REQUEST_BYTES_MAX} bytes\n", 413)
        async with one_at_a_time:
            try:
                answer = await asyncio.to_thread(witness.add_checkpoint, raw, int(now()))
            except (OSError, ValueError, KeyError) as problem:
                return PlainTextResponse(f"the witness cannot remember: {type(problem).__name__}\n", 500)
        # Given as a header it stays as it is: as a media type it would get a charset, and clients compare it whole.
        return Response(answer.body, answer.status, headers={"Content-Type": answer.media})

    async def vkey(request: Request) -> Response:
        return PlainTextResponse(f"{witness.key}\n")

    return Starlette(
        routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"]), Route("/vkey", vkey, methods=["GET"])]
    )


async def _body(request: Request) -> bytes | None:
    """The body, None where it is too long."""
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > REQUEST_BYTES_MAX:
            return None
    return raw
