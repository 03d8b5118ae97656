"""`OidcProvider`: the certified OpenID provider `oidc-provider` (npm), started by the tests, and a browser."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx2
from joserfc.jwk import RSAKey

from daypass.cli.demo.server import free_port

HERE = Path(__file__).parent / "oidc"
READY_SECONDS_MAX = 60.0
CLIENT = "daypass"
SECRET = "a secret / of the client: 7"


class OidcProvider:
    """The process. `people` says what it tells of whom; `back` is our own public URL."""

    def __init__(self, home: Path, back: str) -> None:
        self.home, self.port = home, free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.people: dict[str, dict[str, Any]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)
        self._write(
            "client",
            {
                "client_id": CLIENT,
                "client_secret": SECRET,
                "redirect_uris": [f"{back}/api/v1/sign-in/oidc/callback"],
                "post_logout_redirect_uris": [f"{back}/signed-out"],
                "backchannel_logout_uri": f"{back}/api/v1/sign-in/oidc/logout",
                "backchannel_logout_session_required": True,
            },
        )
        self._new_keys()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        node = shutil.which("node")
        assert node and (HERE / "node_modules").is_dir(), f"missing: run  (cd {HERE} && npm ci)"
        self.tell()
        files = [str(self.home / f"{name}.json") for name in ("keys", "client", "people")]
        with (self.home / "provider.log").open("ab") as log:
            self._process = subprocess.Popen(
                [node, "provider.mjs", str(self.port), *files], cwd=HERE, stdout=log, stderr=log
            )
        give_up = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                if httpx2.get(f"{self.issuer}/.well-known/openid-configuration").status_code == 200:
                    return
            except httpx2.HTTPError:
                assert time.monotonic() < give_up, (self.home / "provider.log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def change_keys(self) -> None:
        """Sign with new keys from here on; the old ones are gone, as after a leak."""
        self.stop()
        self._new_keys()
        self.start()

    def tell(self, **people: dict[str, Any]) -> None:
        """Tell this of these people from here on."""
        self.people.update(people)
        self._write("people", self.people)

    def _new_keys(self) -> None:
        key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        self._write("keys", [key.as_dict(private=True)])

    def _write(self, name: str, value: object) -> None:
        (self.home / f"{name}.json").write_text(json.dumps(value))


class Browser:
    """A person's browser at the provider: follows its pages, fills in its forms. It keeps cookies by host."""

    def __init__(self) -> None:
        self._client = httpx2.Client(follow_redirects=False, timeout=30)
        self._jars: dict[str, dict[str, str]] = {}

    def get(self, url: str, **headers: str) -> httpx2.Response:
        return self._send("GET", url, None, headers)

    def to_us(self, url: str, login: str, ours: str) -> str:
        """From where we sent the browser to where the provider sends it back: the URL of ours."""
        answer = self.get(url)
        for _ in range(20):
            if answer.is_redirect:
                url = urljoin(url, answer.headers["location"])
                if url.startswith(ours):
                    return url
                answer = self.get(url)
                continue
            assert answer.status_code == 200, (answer.status_code, answer.text)
            action, fields = _form(answer.text)
            url = urljoin(url, action)
            answer = self._send("POST", url, {**fields, "login": login, "password": "x"}, {})
        raise AssertionError("the provider sends the browser round in circles")

    def sign_out(self, url: str) -> None:
        """Go to where we sent the browser to sign out, and say yes."""
        answer = self.get(url)
        assert answer.status_code == 200, answer.text
        action, fields = _form(answer.text)
        done = self._send("POST", urljoin(url, action), {**fields, "logout": "yes"}, {})
        assert done.is_redirect, (done.status_code, done.text)

    def _send(self, method: str, url: str, form: dict[str, str] | None, headers: dict[str, str]) -> httpx2.Response:
        jar = self._jars.setdefault(urlsplit(url).netloc, {})
        sent = {**headers, "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        self._client.cookies.clear()
        answer = self._client.request(method, url, data=form, headers=sent)
        for name, value in answer.cookies.items():
            jar[name] = value
        return answer


def _form(page: str) -> tuple[str, dict[str, str]]:
    action = re.search(r'<form[^>]*action="([^"]+)"', page)
    assert action is not None, page
    inputs = re.findall(r'<input[^>]*type="hidden"[^>]*>', page)
    pairs = [(re.search(r'name="([^"]*)"', one), re.search(r'value="([^"]*)"', one)) for one in inputs]
    return html.unescape(action[1]), {name[1]: html.unescape(value[1]) for name, value in pairs if name and value}
