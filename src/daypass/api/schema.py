"""The OpenAPI document: what FastAPI knows of the routes, and the errors that every one of them can answer with."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from daypass.api.problems import MEDIA, Problem
from daypass.api.verbs import SCIM
from daypass.protocols import PROTOCOLS

COMMON = {
    413: "The body is too large.",
    429: "Too many tries from here; `Retry-After` says how long to wait.",
    421: "The Host header names another server.",
    422: "What was sent cannot be understood, or is out of bounds.",
    500: "Daypass failed; its log says why.",
    503: "The store, the journal or a target cannot be reached; nothing was done.",
}
WITH_TOKEN = {
    401: "Nobody holds this token.",
    403: "Somebody we know who may not do this.",
    404: "No such thing, or none that you may know of.",
    409: "The thing is no longer in the state that this needs.",
    501: "This version cannot do that yet.",
}
SIGNED = {
    "poll_device": {401: "Nothing waits with this.", 403: "It was not allowed."},
    "sign_in_with_token": {401: "Nobody signs in with this.", 403: "No page of ours sent it, or they are locked."},
    "sign_in_with_password": {401: "Nobody signs in with this.", 403: "No page of ours sent it, or they are locked."},
    "begin_passkey_sign_in": {403: "No page of ours sent it.", 404: "There are no passkeys here."},
    "sign_in_with_passkey": {401: "Nobody signs in with this.", 403: "No page of ours sent it, or it was refused."},
    "accept_invitation": {401: "This link is not good.", 403: "No page of ours sent it, or they are locked."},
    "ticket_changed": {401: "This is not signed by who it should come from.", 404: "There is no such system."},
}
"""What is known by its body, and not by a token."""
IN_SCIM = {
    **{status: told for status, told in {**COMMON, **WITH_TOKEN}.items() if status not in (413, 421, 422)},
    400: "What was sent cannot be understood, or is out of bounds.",
    403: "Not the account by which the directory speaks, or a filter where there is none.",
    405: "This cannot be done to it.",
    409: "It belongs to somebody else, or the settings keep it.",
    412: "It was changed since it was read.",
    415: "The body is no JSON.",
    501: "This server cannot do that.",
}
SCIM_ERROR = {
    "type": "object",
    "required": ["schemas", "status"],
    "properties": {
        "schemas": {"type": "array", "items": {"type": "string"}},
        "status": {"type": "string"},
        "scimType": {"type": "string"},
        "detail": {"type": "string"},
    },
    "description": "RFC 7644, 3.12.",
}
SCIM_MEDIA = "application/scim+json"
BODIES = {
    "get_recording": ("application/x-asciicast", "A header line, then one event a line."),
    "follow_changes": ("text/event-stream", "Server-sent events: `changed`, every few seconds even if nothing did."),
    "watch_session": ("text/event-stream", "Server-sent events: `lines`, and `over` with the last ones."),
    "run_in_console": ("application/x-ndjson", "Lines of JSON: columns, rows, notices, and how each statement ended."),
    "follow_console": ("text/event-stream", "Server-sent events: the time that is left, and that it is over."),
    "get_receipt": ("text/plain", "A `.tlog-proof` (C2SP tlog-proof)."),
    "metrics": ("text/plain", "Prometheus text."),
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        schemas["ScimError"] = SCIM_ERROR
        for view in ("TargetView", "ConnectView", "SessionView"):
            schemas[view]["properties"]["protocol"]["enum"] = list(PROTOCOLS)
        for path in document["paths"].values():
            for operation in path.values():
                _complete(operation)
        app.openapi_schema = document
    return app.openapi_schema


def _complete(operation: dict[str, Any]) -> None:
    """Add the problems, and the media types of answers that are no JSON."""
    name = operation["operationId"]
    responses = operation["responses"]
    if name in SCIM:
        responses.pop("422", None)
        error = {SCIM_MEDIA: {"schema": {"$ref": "#/components/schemas/ScimError"}}}
        responses.update({str(status): {"description": told, "content": error} for status, told in IN_SCIM.items()})
        responses.update({str(status): _problem(COMMON[status]) for status in (413, 421)})
        return
    problems = {**COMMON, **(WITH_TOKEN if operation.get("security") else SIGNED.get(name, {}))}
    for status, description in problems.items():
        if status == 422 or str(status) not in responses:
            responses[str(status)] = _problem(description)
    if name in BODIES:
        media, description = BODIES[name]
        responses["200"] = {"description": description, "content": {media: {"schema": {"type": "string"}}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
