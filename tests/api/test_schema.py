"""The OpenAPI document is valid, and tells of every answer that routes give, errors included."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.api.serving import Served

V1 = "/api/v1"
PUBLIC = ("/healthz", "/metrics", f"{V1}/sign-in/token", f"{V1}/sign-in", f"{V1}/devices", f"{V1}/devices/poll")
PUBLIC += tuple(f"{V1}/sign-in/{way}" for way in ("password", "passkey/begin", "passkey", "invitation"))
SIGNED = (f"{V1}/hooks/tickets/{{name}}",)
"""Known by a signature, where the system that it names is there."""


@pytest.fixture(scope="module")
def document(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.call("GET", f"{V1}/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, told) for path, methods in document["paths"].items() for method, told in methods.items()]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    names = [told["operationId"] for _, _, told in operations(document)]
    assert len(set(names)) == len(names)
    for path, _, told in operations(document):
        assert told["description"], path
        for status, answer in told["responses"].items():
            if status == "204":
                continue
            (media,) = answer["content"]
            if status.startswith("2"):
                schema = answer["content"][media].get("schema", {})
                named = [one for one in schema.get("anyOf", [schema]) if "$ref" in one]
                assert media != "application/json" or named == schema.get("anyOf", [schema]), path
            elif path.startswith("/scim/v2") and status not in ("413", "421"):
                assert media == "application/scim+json", (path, status)
            elif (path, status) != ("/healthz", "503"):
                assert media == "application/problem+json", (path, status)


def test_every_number_that_is_taken_fits_into_64_bits(document: dict[str, Any]) -> None:
    """More fits into no column."""
    numbers = 0
    for path, method, told in operations(document):
        for one in told.get("parameters", ()):
            for kind in one["schema"].get("anyOf", [one["schema"]]):
                if kind.get("type") == "integer":
                    assert kind.get("maximum", 2**64) < 2**63, (method, path, one["name"])
                    assert {"minimum", "exclusiveMinimum"} & kind.keys(), (method, path, one["name"])
                    numbers += 1
    assert numbers > 20


def test_what_needs_a_token_says_so(document: dict[str, Any], served: Served) -> None:
    for path, method, told in operations(document):
        assert bool(told.get("security")) is (path not in (*PUBLIC, *SIGNED)), path
        if path not in (*PUBLIC, *SIGNED):
            answer = served.call(method.upper(), re.sub(r"\{\w+\}", "x", path), {} if method == "post" else None)
            assert answer.status == 401, path


def test_every_route_answers_as_it_says(document: dict[str, Any], served: Served) -> None:
    for path, method, told in operations(document):
        concrete = re.sub(r"\{\w+\}", "0" * 36, path)
        if "text/event-stream" in str(told["responses"].get("200")):
            concrete += "?seconds=0"  # it would go on for ever
        answer = served.call(method.upper(), concrete, {} if method == "post" else None, by="ana")
        assert str(answer.status) in told["responses"], (path, answer.raw)
        assert answer.headers["content-type"].split(";")[0] in told["responses"][str(answer.status)]["content"], path
