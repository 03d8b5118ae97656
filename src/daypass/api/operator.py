"""What the operator's commands ask of a running Daypass, over a Unix socket that only its own user can open.

No token: who can open the socket can read the store as well. It is never served over the network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from pydantic import Field
from starlette.types import ASGIApp

from daypass.api import problems
from daypass.api.guarding import Guard
from daypass.api.models import NAME_MAX, Strict
from daypass.domain.durations import LONGEST_MS

SOCKET_HOST = "daypass.sock"
BODY_BYTES_MAX = 64 * 1024
"""Orders are a few words."""


class NewToken(Strict):
    """A token for a local person."""

    email: str = Field(min_length=1, max_length=NAME_MAX)
    lasts_ms: int = Field(gt=0, le=LONGEST_MS)
    label: str = Field(default="", max_length=NAME_MAX)


def make_operator(issue: Callable[[str, int, str], Awaitable[dict[str, Any]]]) -> ASGIApp:
    """The socket's app. `issue` makes a token for (email, ms, label)."""
    app = FastAPI(title="Daypass operator", openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)

    @app.post("/operator/tokens", status_code=201)
    async def new_token(wanted: NewToken) -> dict[str, Any]:
        return await issue(wanted.email, wanted.lasts_ms, wanted.label)

    return Guard(app, public_url=f"http://{SOCKET_HOST}", listening=(), body_bytes_max=BODY_BYTES_MAX)
