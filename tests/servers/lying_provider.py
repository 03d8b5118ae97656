"""`Lying`: a provider that says what a test tells it to, forgeries too; a real one signs none."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.servers.http import Serving

NOW = 1_795_400_000
ISSUER, CLIENT, NONCE = "https://login.acme.test", "daypass", "the nonce"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
GOOD = {"iss": ISSUER, "aud": CLIENT, "sub": "s-1", "nonce": NONCE, "iat": NOW, "exp": NOW + 300}


def signed(claims: dict[str, Any], key: Any = KEY, alg: str = "RS256", **header: str) -> str:
    return jwt.encode({"alg": alg, "kid": "k1", **header}, claims, key, algorithms=[alg])


class Lying:
    """`asked`: the paths that it was asked for; `form`: what came to the token endpoint last."""

    def __init__(self) -> None:
        lying = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lying.asked.append(self.path)
                lying.answer(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = Serving(Handler)
        self.issuer = self.server.url
        self.keys: list[RSAKey] = [KEY]
        self.asked: list[str] = []
        self.claims: dict[str, Any] = {}
        self.signer = KEY
        self.form: dict[str, str] = {}
        self.metadata: dict[str, Any] = {"issuer": self.issuer}
        for name in ("jwks_uri", "token_endpoint", "authorization_endpoint"):
            self.metadata[name] = f"{self.issuer}/{name}"

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        said: dict[str, Any] = self.metadata
        if to.path == "/jwks_uri":
            said = {"keys": [one.as_dict(private=False) for one in self.keys]}
        if to.path == "/token_endpoint":
            length = int(to.headers["Content-Length"])
            self.form = {name: value[0] for name, value in parse_qs(to.rfile.read(length).decode()).items()}
            claims = {**GOOD, "iss": self.issuer, "email": "nora@acme.test", "groups": ["a"], **self.claims}
            said = {"id_token": signed(claims, self.signer, kid=str(self.signer.kid))}
        body = json.dumps(said).encode()
        to.send_response(200)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)
