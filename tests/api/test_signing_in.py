"""Signing in with a browser: the cookie, and that no other site can use it."""

from __future__ import annotations

import http.client
import json
from http.cookies import SimpleCookie

import pytest

from daypass.identity.attempts import FAILURES_OF_ADDRESS
from tests.api.serving import Answer, Served

V1 = "/api/v1"
COOKIE = "__Host-daypass"


@pytest.fixture(scope="module")
def origin(served: Served) -> str:
    return f"http://127.0.0.1:{served.web}"


def sign_in(served: Served, token: str, **headers: str) -> Answer:
    sent = {"X_Daypass_CSRF": "1", "Origin": f"http://127.0.0.1:{served.web}", "Sec_Fetch_Site": "same-origin"}
    return served.call("POST", f"{V1}/sign-in/token", {"token": token}, **{**sent, **headers})


@pytest.fixture
def cookie(served: Served) -> str:
    answer = sign_in(served, served.token("ana"))
    assert answer.status == 200, answer.raw
    return f"{COOKIE}={SimpleCookie(answer.headers['set-cookie'])[COOKIE].value}"


def test_the_cookie_is_as_strict_as_cookies_are(served: Served) -> None:
    answer = sign_in(served, served.token("ana"))
    parts = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)
    assert answer.json["state"] == "SIGNED_IN" and answer.json["person"]["email"] == "ana@acme.test"


def test_the_cookie_says_who_is_calling(served: Served, cookie: str, origin: str) -> None:
    me = served.call("GET", f"{V1}/whoami", Cookie=cookie, Sec_Fetch_Site="same-origin").json
    assert (me["email"], me["way"]) == ("ana@acme.test", "token")
    assert served.call("GET", f"{V1}/whoami", by="ana").json["way"] == "bearer"
    asked = {"target": "orders", "role": "write", "duration_ms": 60_000, "reason": "by browser"}
    mine = {"Cookie": cookie, "X_Daypass_CSRF": "1", "Origin": origin}
    assert served.call("POST", f"{V1}/requests", asked, **mine).status == 201
    made = served.call("POST", f"{V1}/tokens", {"scopes": ["mcp"]}, **mine)
    assert made.status == 201 and made.json["expires_at"] <= me["token_expires_at"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Daypass_CSRF": "1"},
        {"Origin": "OURS"},
        {"X_Daypass_CSRF": "1", "Origin": "https://evil.test"},
        {"X_Daypass_CSRF": "1", "Origin": "http://localhost:1"},
        {"X_Daypass_CSRF": "1", "Origin": "null"},
        {"X_Daypass_CSRF": "1", "Origin": "http://["},
        {"X_Daypass_CSRF": "1", "Origin": "OURS", "Sec_Fetch_Site": "cross-site"},
        {"X_Daypass_CSRF": "1", "Origin": "OURS", "Sec_Fetch_Site": "same-site"},
        {"X_Daypass_CSRF": "1", "Origin": "OURS", "Sec_Fetch_Site": "none"},
        {"X_Daypass_CSRF": "1", "Sec_Fetch_Site": "cross-site"},
    ],
)
def test_another_site_does_nothing_with_it(served: Served, cookie: str, origin: str, headers: dict[str, str]) -> None:
    sent = {name: origin if value == "OURS" else value for name, value in headers.items()}
    for path in ("tokens", "sign-out"):
        assert served.call("POST", f"{V1}/{path}", {}, Cookie=cookie, **sent).status == 403, path
    assert served.call("POST", f"{V1}/sign-in/token", {"token": served.token("eve")}, **sent).status == 403
    assert served.call("GET", f"{V1}/whoami", Cookie=cookie).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_reads_nothing_with_it(served: Served, cookie: str, site: str) -> None:
    assert served.call("GET", f"{V1}/whoami", Cookie=cookie, Sec_Fetch_Site=site).status == 403


def test_a_header_of_its_own_is_judged_alone(served: Served, cookie: str) -> None:
    both = served.call("GET", f"{V1}/whoami", by="ben", Cookie=cookie).json
    assert (both["email"], both["way"]) == ("ben@acme.test", "bearer")
    wrong = served.call("GET", f"{V1}/whoami", Cookie=cookie, Authorization="Bearer dp_x")
    assert wrong.status == 401


def test_signing_out(served: Served, cookie: str, origin: str) -> None:
    mine = {"Cookie": cookie, "X_Daypass_CSRF": "1", "Origin": origin}
    listed = served.call("GET", f"{V1}/visits", Cookie=cookie).json["items"]
    (here,) = [one for one in listed if one["here"]]
    out = served.call("POST", f"{V1}/sign-out", None, **mine)
    assert (out.status, out.json["visits"]) == (200, [here["id"]])
    assert "max-age=0" in out.headers["set-cookie"].lower()
    assert served.call("GET", f"{V1}/whoami", Cookie=cookie).status == 401
    assert served.call("POST", f"{V1}/sign-out", {}, by="ana").status == 422


def test_signing_out_everywhere(served: Served, cookie: str) -> None:
    out = served.call("POST", f"{V1}/sign-out", {"everywhere": True}, by="ana").json
    assert out["visits"] and served.call("GET", f"{V1}/whoami", Cookie=cookie).status == 401
    assert served.call("GET", f"{V1}/visits", by="ana").json["items"] == []


def test_an_empty_body_revokes_no_tokens(served: Served) -> None:
    before = served.call("GET", f"{V1}/tokens", by="cleo").json["items"]
    for body in ({}, {"person": ""}, {"all": False}):
        assert served.call("POST", f"{V1}/tokens/revoke", body, by="cleo").status == 422
    assert served.call("GET", f"{V1}/tokens", by="cleo").json["items"] == before


def test_guessing_ends_in_waiting_for_who_guesses(served: Served) -> None:
    wrong = "dp_" + "0" * 38
    answers = [from_elsewhere(served, wrong) for _ in range(FAILURES_OF_ADDRESS + 1)]
    assert {status for status, _ in answers[:-1]} == {401}
    assert answers[-1][0] == 429 and int(answers[-1][1]) > 0
    assert from_elsewhere(served, served.token("ana"))[0] == 429
    assert sign_in(served, served.token("ana")).status == 200


def test_what_another_site_can_have_a_browser_do_shuts_nobody_out(served: Served) -> None:
    """Images of the way back from the provider, and forms to where it signs people out, from somebody's address."""
    far = "127.0.0.3"
    for _ in range(FAILURES_OF_ADDRESS + 10):
        assert asked_from(far, served, "GET", f"{V1}/sign-in/oidc/callback?state=x&code=y").status == 303
        answer = asked_from(far, served, "POST", f"{V1}/sign-in/oidc/logout", b"logout_token=x")
        assert answer.status == 400
    assert from_elsewhere(served, served.token("ana"), far)[0] == 200


def asked_from(
    address: str, served: Served, method: str, path: str, body: bytes | None = None
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", served.web, timeout=30, source_address=(address, 0))
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def from_elsewhere(served: Served, token: str, address: str = "127.0.0.2") -> tuple[int, str]:
    """A sign-in from another address: the status, and how long to wait."""
    connection = http.client.HTTPConnection("127.0.0.1", served.web, timeout=30, source_address=(address, 0))
    headers = {"Content-Type": "application/json", "X-Daypass-CSRF": "1", "Origin": f"http://127.0.0.1:{served.web}"}
    try:
        connection.request("POST", f"{V1}/sign-in/token", json.dumps({"token": token}), headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After", "")
    finally:
        connection.close()
