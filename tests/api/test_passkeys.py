"""Passwords and passkeys as a browser sends them: from the first link to a vote that a passkey signed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx2
import pytest

from daypass.domain.passkey_signature import encode
from daypass.domain.vote_statement import statement
from daypass.identity.attempts import FAILURES_OF_NAME
from tests.api.inside import ORDERS, URL, V1, Inside, inside
from tests.identity.authenticator import Authenticator

COOKIE = "__Host-daypass"
PASSWORD, OTHER = "seven lamps hum quietly", "four otters knit a ladder"


class Browser:
    """One browser of somebody: its cookie, and calls as a page of ours makes them."""

    def __init__(self, it: Inside, client: str = "127.0.0.1") -> None:
        self.it, self.cookie = it, ""
        transport = httpx2.ASGITransport(app=it.app, client=(client, 7), raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url=URL)

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        sent = {"X-Daypass-CSRF": "1", "Origin": URL, "Sec-Fetch-Site": "same-origin", **headers}
        if self.cookie:
            sent["Cookie"] = f"{COOKIE}={self.cookie}"
        answer = await self.client.request(method, V1 + path, json=body, headers=sent)
        if "set-cookie" in answer.headers:
            self.cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE].value
        return answer

    async def must(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.call(method, path, body)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json()

    async def by_password(self, name: str, password: str = PASSWORD) -> Any:
        return await self.must("POST", "/sign-in/password", {"email": f"{name}@acme.test", "password": password})

    async def enrol(self, key: Authenticator, name: str = "laptop") -> Any:
        asked = await self.must("POST", "/passkeys/begin")
        return await self.must("POST", "/passkeys", {"name": name, **key.create(asked["public_key"])})


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path) as made:
        yield made


async def invited(it: Inside, name: str, password: str = PASSWORD) -> Browser:
    """Somebody who has set their password by the link that the operator was given."""
    made = await it.house.set_password(f"{name}@acme.test", 60_000, False)
    browser = Browser(it)
    code = str(made["link"]).partition("#")[2]
    await browser.must("POST", "/sign-in/invitation", {"code": code, "password": password})
    return browser


async def test_from_the_first_link_to_password_and_passkey(it: Inside) -> None:
    ways = await Browser(it).must("GET", "/sign-in")
    assert ways["ways"] == ["token", "password", "passkey"]
    ben = await invited(it, "ben")
    assert ben.cookie == ""
    found = await ben.by_password("ben")
    assert (found["state"], found["visit"]["way"]) == ("SIGNED_IN", "password")
    key = Authenticator()
    made = await ben.enrol(key)
    assert (made["state"], made["credential"], made["algorithm"]) == ("ENROLLED", key.id, "ES256")

    again = Browser(it)
    asked = await again.by_password("ben")
    assert (asked["state"], again.cookie) == ("PASSKEY_NEEDED", "")
    assert asked["challenge"]["public_key"]["allowCredentials"][0]["id"] == key.id
    visit = await again.must("POST", "/sign-in/passkey", key.get(asked["challenge"]["id"]))
    assert visit["way"] == "password"
    assert (await again.must("GET", "/whoami"))["email"] == "ben@acme.test"

    alone = Browser(it)
    asked = await alone.must("POST", "/sign-in/passkey/begin")
    assert asked["public_key"]["userVerification"] == "required" and asked["public_key"]["allowCredentials"] == []
    assert (await alone.must("POST", "/sign-in/passkey", key.get(asked["id"])))["way"] == "passkey"
    mine = await alone.must("GET", "/passkeys")
    assert (mine["rp_id"], mine["proof"], mine["password"]) == ("localhost", "passkey", True)


async def test_a_vote_signed_by_passkey_over_the_api(it: Inside) -> None:
    orders = it.home / "orders.yaml"
    orders.write_text(ORDERS.replace("undecided_after: 4h,", "undecided_after: 4h, step_up: passkey,"))
    await stepping_up(it)
    ben = await invited(it, "ben")
    await ben.by_password("ben")
    key = Authenticator()
    await ben.enrol(key)
    asked = await it.asked()
    shown = await ben.must("GET", f"/requests/{asked['id']}")
    assert shown["signed_by"] == "passkey"
    vote = {"digest": asked["digest"]}
    plain = await ben.call("POST", f"/requests/{asked['id']}/approve", vote)
    assert plain.status_code == 403 and "/inbox/" in plain.json()["hint"]
    said = statement(
        request=asked["id"],
        digest=asked["digest"],
        deadline=asked["decide_by"],
        decision="approve",
        nonce="0123456789abcdef",
        checkpoint="",
    )
    signed = {**vote, "statement": said, "passkey": key.vote(said)}
    done = await ben.must("POST", f"/requests/{asked['id']}/approve", signed)
    assert done["state"] == "APPROVED"
    assert (done["votes"][0]["signed"], done["votes"][0]["signed_by"]) == (True, "passkey")


async def stepping_up(it: Inside) -> None:
    """Put the changed policy into force."""
    from daypass.domain.policy_set import load_policies

    office = it.house.office
    texts = [(name, (it.home / name).read_text()) for name in ("orders.yaml", "parts.yaml")]
    async with office.reading() as tx:
        people = await tx.people()
    office.policies.current = load_policies(texts, office.targets, people, office.now())


async def test_stepping_up_renaming_and_removing(it: Inside) -> None:
    ben = await invited(it, "ben")
    await ben.by_password("ben")
    key = Authenticator()
    made = await ben.enrol(key)
    path = f"/passkeys/{made['id']}"
    assert (await ben.must("POST", f"{path}/rename", {"name": "blue key"}))["name"] == "blue key"
    refused = await ben.call("POST", f"{path}/remove")
    assert refused.status_code == 403 and "fresh proof" in refused.json()["detail"]
    asked = await ben.must("POST", "/step-up/begin")
    await ben.must("POST", "/step-up", key.get(asked["id"]))
    assert (await ben.must("POST", f"{path}/remove"))["state"] == "REMOVED"
    assert (await Browser(it).by_password("ben"))["state"] == "SIGNED_IN"


async def test_a_token_enrols_and_removes_nothing(it: Inside) -> None:
    for path in ("/passkeys/begin", "/step-up/begin"):
        answer = await it.call("POST", V1 + path, by="ben")
        assert answer.status_code == 403, answer.text


async def test_changing_a_password_signs_out_this_browser_too(it: Inside) -> None:
    ben = await invited(it, "ben")
    await ben.by_password("ben")
    wrong = await ben.call("POST", "/password", {"old": OTHER, "new": OTHER})
    assert wrong.status_code == 403
    await ben.must("POST", "/password", {"old": PASSWORD, "new": OTHER})
    assert (await ben.call("GET", "/whoami")).status_code == 401
    assert (await Browser(it).by_password("ben", OTHER))["state"] == "SIGNED_IN"


async def test_guessing_a_password_shuts_out_who_guesses_and_not_its_person(it: Inside) -> None:
    await invited(it, "ben")
    thief, told = Browser(it, "127.0.0.2"), set()
    guess = {"email": "ben@acme.test", "password": "a guess"}
    for _ in range(FAILURES_OF_NAME):
        answer = await thief.call("POST", "/sign-in/password", guess)
        told.add((answer.status_code, answer.json()["detail"]))
    nobody = await thief.call("POST", "/sign-in/password", {"email": "nobody@acme.test", "password": "a guess"})
    assert told == {(401, nobody.json()["detail"])}
    right = {"email": "BEN@acme.test ", "password": PASSWORD}
    assert (await thief.call("POST", "/sign-in/password", right)).status_code == 429
    assert (await Browser(it).by_password("ben"))["state"] == "SIGNED_IN"


@pytest.mark.parametrize("path", ["password", "passkey", "passkey/begin", "invitation"])
async def test_nobody_is_signed_in_by_a_page_of_somebody_elses(it: Inside, path: str) -> None:
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"X-Daypass-CSRF": ""}):
        body = None if path == "passkey/begin" else {}
        answer = await Browser(it).call("POST", f"/sign-in/{path}", body, **headers)
        assert answer.status_code in (403, 422), answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("challenge", ["\ud800", "é", "", "x" * 9000, None])
async def test_a_challenge_that_nobody_gave(it: Inside, challenge: str | None) -> None:
    said = encode(json.dumps({"type": "webauthn.get", "challenge": challenge}).encode()[:2048])
    given = {"credential": "AAAA", "authenticator_data": "AAAA", "client_data": said, "signature": "AAAA"}
    assert (await Browser(it).call("POST", "/sign-in/passkey", given)).status_code in (401, 422)


async def test_what_was_typed_is_in_no_answer(it: Inside) -> None:
    secret = "a secret that nobody may see again"
    for path, body in (
        ("/sign-in/password", {"email": "ben@acme.test", "password": secret}),
        ("/sign-in/password", {"email": 7, "password": secret * 10}),
        ("/sign-in/invitation", {"code": "dp_x", "password": secret}),
        ("/sign-in/invitation", {"code": [secret], "password": [secret]}),
    ):
        assert secret not in (await Browser(it).call("POST", path, body)).text
