"""Signing in at a real OpenID provider, being signed out by it, and the command line's way in."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from daypass.identity.attempts import BEGUN_OF_ADDRESS
from tests.api.serving import Answer, Served
from tests.servers.oidc_provider import CLIENT, SECRET, Browser, OidcProvider

V1 = "/api/v1"
BINDING, COOKIE = "__Host-daypass-oidc", "__Host-daypass"
SECONDS_MAX = 20.0


class Joined(Served):
    """A Daypass whose people come from a provider."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.url = f"http://localhost:{self.web}"
        self.provider = OidcProvider(home / "provider", self.url)
        (home / "secret").write_text(SECRET)
        file = home / "daypass.yaml"
        oidc = f"identity:\n  oidc: {{ issuer: '{self.provider.issuer}', client_id: {CLIENT}, "
        file.write_text(file.read_text().replace("identity:\n", oidc + "client_secret: { file: secret } }\n"))

    def begin(self, after: str = "/", cookie: str = "") -> tuple[str, str]:
        """Where the browser is sent, and its binding cookie."""
        answer = self.call("GET", f"{V1}/sign-in/oidc?next={after}", Cookie=cookie)
        assert answer.status == 302, answer.headers
        return answer.headers["location"], f"{BINDING}={SimpleCookie(answer.headers['set-cookie'])[BINDING].value}"

    def back(self, url: str, cookie: str) -> Answer:
        parts = urlsplit(url)
        return self.call("GET", f"{parts.path}?{parts.query}", Cookie=cookie)

    def signed_in(self, login: str, browser: Browser | None = None) -> str:
        """Sign in as this account of the provider; the cookie."""
        url, binding = self.begin()
        answer = self.back((browser or Browser()).to_us(url, login, self.url), binding)
        assert answer.status == 303 and answer.headers["location"] == "/", answer.headers
        return f"{COOKIE}={SimpleCookie(answer.headers['set-cookie'])[COOKIE].value}"

    def me(self, cookie: str) -> Answer:
        return self.call("GET", f"{V1}/whoami", Cookie=cookie)

    def press(self, path: str, cookie: str, body: object = None) -> Answer:
        """What a page of ours sends."""
        return self.call(
            "POST", f"{V1}/{path}", body, Cookie=cookie, X_Daypass_CSRF="1", Origin=f"http://127.0.0.1:{self.web}"
        )


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    made = Joined(tmp_path_factory.mktemp("joined"))
    made.provider.tell(
        nora={"email": "Nora@acme.test", "email_verified": True, "name": "Nora", "groups": ["engineers"]},
        ana={"email": "ana@acme.test", "email_verified": True, "name": "Somebody", "groups": ["security"]},
        mallory={"email": "ana@acme.test", "email_verified": True, "name": "Mallory"},
        unsure={"email": "unsure@acme.test", "email_verified": False, "name": "Unsure"},
    )
    with made.provider, made:
        yield made


def until_gone(joined: Joined, cookie: str) -> None:
    give_up = time.monotonic() + SECONDS_MAX
    while joined.me(cookie).status != 401:
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_somebody_new_comes_from_the_provider(joined: Joined) -> None:
    me = joined.me(joined.signed_in("nora")).json
    assert (me["email"], me["way"], me["groups"]) == ("nora@acme.test", "oidc", ["engineers"])
    assert joined.call("GET", f"{V1}/sign-in").json["ways"] == ["token", "oidc"]


def test_whom_the_settings_list_keeps_their_groups_and_is_bound(joined: Joined) -> None:
    me = joined.me(joined.signed_in("ana")).json
    assert (me["email"], me["name"], me["groups"]) == ("ana@acme.test", "Ana", ["engineers"])
    url, binding = joined.begin()
    stolen = joined.back(Browser().to_us(url, "mallory", joined.url), binding)
    assert stolen.status == 303 and stolen.headers["location"].startswith("/sign-in?problem=")
    assert COOKIE + "=" not in stolen.headers.get("set-cookie", "")


def test_an_address_that_nobody_verified_lets_nobody_in(joined: Joined) -> None:
    url, binding = joined.begin()
    answer = joined.back(Browser().to_us(url, "unsure", joined.url), binding)
    assert answer.headers["location"].startswith("/sign-in?problem=")


def test_groups_follow_the_provider_at_the_next_sign_in(joined: Joined) -> None:
    joined.provider.tell(gil={"email": "gil@acme.test", "email_verified": True, "name": "G", "groups": ["a", "b c"]})
    first = joined.me(joined.signed_in("gil")).json
    joined.provider.tell(gil={"email": "gil@acme.test", "email_verified": True, "name": "G", "groups": ["c"]})
    again = joined.me(joined.signed_in("gil")).json
    assert (first["groups"], again["groups"], first["id"]) == (["a"], ["c"], again["id"])


def test_what_comes_back_counts_once_and_in_its_own_browser(joined: Joined) -> None:
    url, binding = joined.begin(after="//evil.test/x")
    back = Browser().to_us(url, "nora", joined.url)
    other = joined.back(back, f"{BINDING}=dp_wrong")
    assert "problem=" in other.headers["location"]
    url, binding = joined.begin(after="//evil.test/x")
    back = Browser().to_us(url, "nora", joined.url)
    assert joined.back(back, binding).headers["location"] == "/"
    assert "problem=" in joined.back(back, binding).headers["location"]
    forged = joined.call("GET", f"{V1}/sign-in/oidc/callback?state=x&code=y", Cookie=binding)
    assert "problem=" in forged.headers["location"]


def test_what_another_sites_page_begins_shuts_nobody_out(joined: Joined) -> None:
    """As many images of the way to the provider as it likes: none is counted, and none takes room."""
    connection = http.client.HTTPConnection("127.0.0.1", joined.web, timeout=30, source_address=("127.0.0.4", 0))
    for _ in range(BEGUN_OF_ADDRESS["provider"] + 1):
        connection.request("GET", f"{V1}/sign-in/oidc", headers={"Sec-Fetch-Site": "cross-site"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 302 and answer.headers["location"].startswith(joined.provider.issuer)
    connection.close()


def test_what_is_sent_to_the_provider_is_bound_three_times(joined: Joined) -> None:
    asked = parse_qs(urlsplit(joined.begin()[0]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["response_type"] == ["code"]
    assert len({asked[name][0] for name in ("state", "nonce", "code_challenge")}) == 3


def test_the_provider_may_change_its_keys(joined: Joined) -> None:
    joined.signed_in("nora")
    joined.provider.change_keys()
    time.sleep(11)  # keys are read again once in ten seconds at most
    assert joined.me(joined.signed_in("nora")).status == 200


def test_signing_out_here_and_at_the_provider(joined: Joined) -> None:
    browser = Browser()
    one, other = joined.signed_in("nora", browser), joined.signed_in("nora", browser)
    elsewhere = joined.signed_in("nora")
    out = joined.press("sign-out", one, {}).json
    assert out["elsewhere"].startswith(joined.provider.issuer) and joined.me(other).status == 200
    browser.sign_out(out["elsewhere"])
    until_gone(joined, other)
    assert joined.me(elsewhere).status == 200


def test_a_forged_sign_out_signs_nobody_out(joined: Joined) -> None:
    cookie = joined.signed_in("nora")
    raw = b"logout_token=eyJhbGciOiJub25lIn0.e30."
    answer = joined.call("POST", f"{V1}/sign-in/oidc/logout", raw=raw, Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 400 and joined.me(cookie).status == 200


def test_the_command_line_comes_in_through_a_browser(joined: Joined, tmp_path: Path) -> None:
    browser = Browser()
    cookie = joined.signed_in("nora", browser)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "daypass", "login", joined.url]
    waiting = subprocess.Popen(argv, cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert waiting.stdout is not None
    shown = ""
    while not (found := re.search(r"[B-Z]{4}-[B-Z]{4}", shown)):
        shown += waiting.stdout.readline()
    code = found[0]
    assert joined.call("GET", f"{V1}/devices/{code}", Cookie=cookie).json["state"] == "WAITING"
    assert joined.call("POST", f"{V1}/devices/{code}/allow", by="eve").status == 403
    assert joined.press(f"devices/{code.lower()}/allow", cookie).json["state"] == "ALLOWED"
    assert waiting.wait(SECONDS_MAX) == 0
    file = tmp_path / ".config" / "daypass" / "login.json"
    token = json.loads(file.read_text())["token"]
    assert file.stat().st_mode & 0o777 == 0o600 and token not in shown + waiting.stdout.read()
    bearer = {"Authorization": f"Bearer {token}"}
    me = joined.call("GET", f"{V1}/whoami", **bearer).json
    assert me["email"] == "nora@acme.test" and me["token_expires_at"] <= joined.me(cookie).json["token_expires_at"]
    browser.sign_out(joined.press("sign-out", cookie, {}).json["elsewhere"])
    give_up = time.monotonic() + SECONDS_MAX
    while joined.call("GET", f"{V1}/whoami", **bearer).status != 401:
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_a_device_that_is_refused_gets_nothing(joined: Joined) -> None:
    cookie = joined.signed_in("nora")
    made = joined.call("POST", f"{V1}/devices", {"client": "laptop"}).json
    poll = {"device": made["device"]}
    assert joined.call("POST", f"{V1}/devices/poll", poll).json["state"] == "WAITING"
    assert joined.call("POST", f"{V1}/devices/poll", poll).status == 429
    assert joined.press(f"devices/{made['id']}/refuse", cookie).json["state"] == "REFUSED"
    assert joined.call("POST", f"{V1}/devices/poll", poll).status == 403
    assert joined.call("POST", f"{V1}/devices/poll", poll).status == 401
    assert joined.press(f"devices/{made['id']}/allow", cookie).status == 404


def test_who_is_signed_in_stays_so_while_the_provider_is_away(joined: Joined) -> None:
    cookie = joined.signed_in("nora")
    joined.provider.stop()
    assert joined.me(cookie).status == 200
    asked = {"target": "orders", "role": "write", "duration_ms": 60_000, "reason": "to see"}
    assert joined.press("requests", cookie, asked).status == 201
    joined.provider.start()
