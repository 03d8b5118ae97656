"""Every error is a problem (RFC 9457), whoever found it, and none says how the inside looks."""

from __future__ import annotations

import json

import pytest

from tests.api.serving import REQUEST_BYTES, Answer, Served

V1 = "/api/v1"
NONE = "00000000-0000-7000-8000-000000000000"


def told(answer: Answer, status: int, kind: str) -> dict[str, object]:
    """The problem, which must be one, of this status and kind."""
    assert answer.status == status, answer.raw
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = answer.json
    assert problem["type"] == f"https://daypass.dev/problems/{kind}"
    assert problem["status"] == status
    assert problem["title"] and problem["detail"]
    assert b"Traceback" not in answer.raw and b"daypass/" not in answer.raw
    return problem


@pytest.mark.parametrize(
    ("method", "path", "by", "status", "kind"),
    [
        ("GET", "/nowhere", None, 404, "not_found"),
        ("GET", f"{V1}/nowhere", "ana", 404, "not_found"),
        ("GET", f"{V1}/requests/", "ana", 404, "not_found"),
        ("DELETE", f"{V1}/requests", "ana", 405, "method_not_allowed"),
        ("PUT", "/healthz", None, 405, "method_not_allowed"),
        ("GET", f"{V1}/whoami", None, 401, "unauthenticated"),
        ("GET", f"{V1}/requests/{NONE}", "ana", 404, "not_found"),
        ("GET", f"{V1}/requests/x", "ana", 404, "not_found"),
        ("GET", f"{V1}/requests/{'x' * 300}", "ana", 422, "invalid"),
        ("GET", f"{V1}/requests/%00%ff", "ana", 404, "not_found"),
        ("GET", f"{V1}/grants/{NONE}", "ana", 404, "not_found"),
        ("GET", f"{V1}/sessions/{NONE}", "ana", 404, "not_found"),
        ("GET", f"{V1}/sessions/{NONE}/recording", "ana", 404, "not_found"),
        ("GET", f"{V1}/sessions/{NONE}/statements", "ana", 404, "not_found"),
        ("GET", f"{V1}/requests?limit=0", "ana", 422, "invalid"),
        ("GET", f"{V1}/requests?view=theirs", "ana", 422, "invalid"),
        ("GET", f"{V1}/entries?type=no.such", "cleo", 404, "not_found"),
        ("GET", f"{V1}/entries", "ana", 404, "not_found"),
        ("GET", f"{V1}/connect?target=orders", "eve", 404, "not_found"),
        ("POST", f"{V1}/requests/{NONE}/withdraw", "ana", 404, "not_found"),
        ("POST", f"{V1}/grants/{NONE}/return", "ana", 404, "not_found"),
    ],
)
def test_errors_of_routes(served: Served, method: str, path: str, by: str | None, status: int, kind: str) -> None:
    told(served.call(method, path, by=by), status, kind)


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"\xff\xfe", "body"),
        (b"\xff\xfa", "body"),
        (b'{"target":"orders","role":"read","duration_ms":"soon","reason":"x"}', "body.duration_ms"),
        (b'{"target":"orders","role":"read","duration_ms":"60000","reason":"x"}', "body.duration_ms"),
        (b'{"target":"orders","role":"read","duration_ms":true,"reason":"x"}', "body.duration_ms"),
        (b'{"target":"orders","role":"read","duration_ms":-1,"reason":"x"}', "body.duration_ms"),
        (b'{"target":"orders","role":"read","duration_ms":1,"start_at":"1795930000000","reason":"x"}', "body.start_at"),
        (b'{"target":"orders","role":"read","duration_ms":1e99,"reason":"x"}', "body.duration_ms"),
        (b'{"target":"orders","role":"read","duration_ms":60000,"reason":"x","state":"APPROVED"}', "body.state"),
        (b'{"target":"orders","role":"read","duration_ms":60000}', "body.reason"),
    ],
)
def test_what_is_sent_is_judged_in_words(served: Served, raw: bytes, where: str) -> None:
    problem = told(served.call("POST", f"{V1}/requests", by="ana", raw=raw), 422, "invalid")
    faults = problem["errors"]
    assert isinstance(faults, list) and str(faults[0]["where"]).startswith(where)


ASKED = {"target": "orders", "role": "read", "duration_ms": 60_000, "reason": "to see"}


@pytest.mark.parametrize(
    ("path", "by", "body", "where"),
    [
        ("requests", "ana", {**ASKED, "reason": "x\0y"}, "body.reason"),
        ("requests", "ana", {**ASKED, "reason": "\0"}, "body.reason"),
        ("requests", "ana", {**ASKED, "scope": ["public.a", "public.b\0"]}, "body.scope"),
        (f"requests/{NONE}/ask", "ben", {"text": "which\0one?"}, "body.text"),
        (f"bundles/{NONE}/approve", "ben", {"digests": {"x\0": "0" * 64}}, "body.digests"),
        ("bundles", "ana", {**ASKED, "items": [{"target": "orders\0", "role": "read"}]}, "body.items.0.target"),
        ("snippets", "ana", {"name": "x\0y", "text": "select 1"}, "body.name"),
        ("tokens", "ana", {"label": "x\0y"}, "body.label"),
    ],
)
def test_text_that_no_store_could_keep_is_refused(
    served: Served, path: str, by: str, body: dict[str, object], where: str
) -> None:
    """SQLite would keep it, and PostgreSQL would not."""
    answer = served.call("POST", f"{V1}/{path}", body, by=by)
    told(answer, 422, "invalid")
    faults = {one["where"]: one["what"] for one in answer.json["errors"]}
    assert faults[where] == "Text holds no NUL character (U+0000)"


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "json", ""])
def test_a_body_that_is_not_said_to_be_json_is_told_so(served: Served, media: str) -> None:
    raw = json.dumps(ASKED).encode()
    answer = served.call("POST", f"{V1}/requests", by="ana", raw=raw, Content_Type=media)
    problem = told(answer, 422, "invalid")
    assert str(problem["detail"]).endswith(f"Content-Type must be application/json, it is {media or 'missing'}")
    assert problem["hint"] == "Content-Type: application/json"


@pytest.mark.parametrize(("path", "allowed"), [("requests", "GET, POST"), ("keys", "GET, POST"), ("search", "GET")])
def test_what_can_be_done_is_listed_whole(served: Served, path: str, allowed: str) -> None:
    assert served.call("DELETE", f"{V1}/{path}", by="ana").headers["allow"] == allowed


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer dp_" + "x" * 38, "Basic YTpi", "bearer  ", "é"])
def test_wrong_tokens_look_the_same(served: Served, header: str) -> None:
    answer = served.call("GET", f"{V1}/whoami", Authorization=header)
    told(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="daypass"'


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:80", "localhost:1", "localhost.evil.test", "[::2]", "", "a:b", "[", "[x]", "]:1"]
)
def test_other_hosts_are_refused(served: Served, host: str) -> None:
    told(served.call("GET", f"{V1}/whoami", Host=host), 421, "misdirected")
    assert served.call("GET", "/healthz", Host=host).status == 200


def test_what_stands_before_the_routes_lets_no_failure_out(served: Served) -> None:
    headers = served.call("GET", f"{V1}/whoami", Host="[").headers
    assert "default-src 'none'" in headers["content-security-policy"]


def test_our_own_names_are_taken(served: Served) -> None:
    for host in (
        f"localhost:{served.web}",
        f"LOCALHOST:{served.web}",
        f"127.0.0.1:{served.web}",
        f"[::1]:{served.web}",
    ):
        assert served.call("GET", f"{V1}/openapi.json", Host=host).status == 200


def test_large_bodies_are_refused(served: Served) -> None:
    told(served.call("POST", f"{V1}/requests", by="ana", raw=b"x" * (REQUEST_BYTES + 1)), 413, "too_large")


@pytest.mark.parametrize("path", ["requests", "hooks/tickets/x", "sign-in/oidc/logout"])
def test_large_bodies_are_refused_without_their_length(served: Served, path: str) -> None:
    """However they are read: as JSON, signed, or as a form."""
    parts = [b" " * 1024] * (REQUEST_BYTES // 1024 + 1)
    answer = served.call("POST", f"{V1}/{path}", by="ana", raw=parts)
    assert told(answer, 413, "too_large")["detail"] == f"a body may have at most {REQUEST_BYTES} bytes"


def test_every_answer_has_the_security_headers(served: Served) -> None:
    for path in ("/healthz", "/nowhere", f"{V1}/whoami", f"{V1}/openapi.json"):
        headers = served.call("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
