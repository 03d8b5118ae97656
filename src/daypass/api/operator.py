"""What the operator's commands ask of a running Daypass, over a Unix socket that only its own user can open.

No token: who can open the socket can read the store as well. It is never served over the network.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import Field
from starlette.types import ASGIApp

from daypass.api import SOCKET_HOST, problems
from daypass.api.guarding import Guard
from daypass.api.models import NAME_MAX, TEXT_MAX
from daypass.api.strict import Strict
from daypass.config.secrets import SECRET_BYTES_MAX
from daypass.domain.durations import DAY_MS, LONGEST_MS
from daypass.domain.token_scopes import SCOPES_MAX
from daypass.ledger.locking import IDENTITY_BYTES_MAX
from daypass.services.codes import CODES_MAX
from daypass.services.erasing import Order

BODY_BYTES_MAX = 256 * 1024
"""Orders are a few words; an identity is a short file."""
AGE_MS_MAX = 36_500 * DAY_MS
"""A hundred years."""


class NewToken(Strict):
    """A token for a local person."""

    email: str = Field(min_length=1, max_length=NAME_MAX)
    lasts_ms: int = Field(gt=0, le=LONGEST_MS)
    label: str = Field(default="", max_length=NAME_MAX)
    scopes: list[str] = Field(default_factory=list, max_length=SCOPES_MAX)


class NewCodes(Strict):
    """Sealed one-time codes for a target."""

    target: str = Field(min_length=1, max_length=NAME_MAX)
    count: int = Field(gt=0, le=CODES_MAX)


class KeepSecret(Strict):
    """Set (with its value), remove or list sealed secrets."""

    word: Literal["set", "remove", "list"]
    name: str = Field(default="", max_length=NAME_MAX)
    value: str = Field(default="", max_length=SECRET_BYTES_MAX, repr=False)


class NewPasswordLink(Strict):
    """A link by which a local person sets their password, or their password removed."""

    email: str = Field(min_length=1, max_length=NAME_MAX)
    lasts_ms: int = Field(gt=0, le=LONGEST_MS)
    remove: bool = False


class Erasure(Strict):
    """What to erase (one thing), and why."""

    session: str | None = Field(default=None, max_length=NAME_MAX)
    request: str | None = Field(default=None, max_length=NAME_MAX)
    person: str | None = Field(default=None, max_length=NAME_MAX)
    older_than_ms: int | None = Field(default=None, gt=0, le=AGE_MS_MAX)
    reason: str = Field(min_length=1, max_length=TEXT_MAX)
    dry_run: bool = False


class Index(Strict):
    """Make the search index anew. `identity` opens encrypted bodies; it is used for this and forgotten."""

    identity: str | None = Field(default=None, max_length=IDENTITY_BYTES_MAX)


def make_operator(
    issue: Callable[[str, int, str, list[str]], Awaitable[dict[str, Any]]],
    erase: Callable[[Order, str, bool], Awaitable[dict[str, Any]]],
    reindex: Callable[[str | None], Awaitable[dict[str, Any]]],
    seal_codes: Callable[[str, int], Awaitable[dict[str, Any]]],
    keep_secret: Callable[[str, str, str], Awaitable[dict[str, Any]]],
    set_password: Callable[[str, int, bool], Awaitable[dict[str, Any]]],
) -> ASGIApp:
    """The socket's app. `issue` makes a token for (email, ms, label, scopes)."""
    app = FastAPI(title="Daypass operator", openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)

    @app.post("/operator/tokens", status_code=201)
    async def new_token(wanted: NewToken) -> dict[str, Any]:
        return await issue(wanted.email, wanted.lasts_ms, wanted.label, wanted.scopes)

    @app.post("/operator/passwords", status_code=201)
    async def invite(wanted: NewPasswordLink) -> dict[str, Any]:
        return await set_password(wanted.email, wanted.lasts_ms, wanted.remove)

    @app.post("/operator/erasures")
    async def erase_bodies(wanted: Erasure) -> dict[str, Any]:
        order = Order(wanted.session, wanted.request, wanted.person, wanted.older_than_ms)
        return await erase(order, wanted.reason, wanted.dry_run)

    @app.post("/operator/index")
    async def make_index(wanted: Index) -> dict[str, Any]:
        return await reindex(wanted.identity)

    @app.post("/operator/codes", status_code=201)
    async def make_codes(wanted: NewCodes) -> dict[str, Any]:
        return await seal_codes(wanted.target, wanted.count)

    @app.post("/operator/secrets")
    async def keep(wanted: KeepSecret) -> dict[str, Any]:
        return await keep_secret(wanted.word, wanted.name, wanted.value)

    return Guard(app, public_url=f"http://{SOCKET_HOST}", listening=(), body_bytes_max=BODY_BYTES_MAX)
