"""The web listener's app: the routes, the guard before them, errors as problems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from daypass import __version__
from daypass.api import (
    asking,
    authzen,
    bundling,
    consoles,
    devices,
    following,
    foreseeing,
    granting,
    hooking,
    insights,
    ledger,
    locking,
    myself,
    overseeing,
    owing,
    pages,
    passkeys,
    passwords,
    probing,
    problems,
    proposing,
    provided,
    proving,
    scim,
    searching,
    signing,
    snippets,
    surveying,
    telling,
    tokens,
    trying,
    visiting,
    watching,
)
from daypass.api.front import Front
from daypass.api.guarding import Guard
from daypass.api.proxied import Proxied
from daypass.api.schema import describe

PREFIX = "/api/v1"


def make_api(front: Front | None) -> FastAPI:
    """The API alone, without the guard: what `make_web` serves. Without a front it can only be described."""
    app = _Api(
        title="Daypass",
        version=__version__,
        description="Temporary production access, on the record.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.front = front
    problems.install(app)
    app.include_router(probing.router)
    app.include_router(ledger.router)
    app.include_router(authzen.router)
    app.include_router(scim.router)
    app.include_router(pages.router)
    parts = (
        myself,
        asking,
        foreseeing,
        granting,
        watching,
        following,
        proving,
        searching,
        insights,
        signing,
        owing,
        hooking,
        bundling,
        proposing,
        trying,
        surveying,
        overseeing,
        telling,
        locking,
        tokens,
        visiting,
        provided,
        devices,
        passkeys,
        passwords,
        consoles,
        snippets,
    )
    for part in parts:
        app.include_router(part.router, prefix=PREFIX)
    return app


def make_web(
    front: Front, *, public_url: str, listening: Sequence[str], body_bytes_max: int, proxies: Sequence[str] = ()
) -> ASGIApp:
    """Everything that the web listener serves. `listening` are the `host:port` that it may be called by besides
    `public_url`; `body_bytes_max` is the longest body it takes; `proxies` tell where calls come from."""
    guard = Guard(make_api(front), public_url=public_url, listening=listening, body_bytes_max=body_bytes_max)
    return Proxied(guard, proxies)


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return describe(self)
