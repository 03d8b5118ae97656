"""A stand-in for Vault and OpenBao: their documented HTTP API (v1) as far as Daypass asks it, over a real PostgreSQL.

`tests/e2e/test_openbao.py` asks a real one. What this holds is what their documentation says: AppRole sign-in, KV
version 2, the database engine's logins with their leases (https://openbao.org/api-docs/), and what Vault 1.21.4
answered when it was asked the same by hand. Faults are fields.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from tests.servers.http import Serving

Execute = Callable[[str], None]


class VaultServer:
    """Keeps `kv` (path to fields), lends logins by running `creation` and `revocation` with `execute`."""

    def __init__(self, execute: Execute | None = None, creation: str = "", revocation: str = "") -> None:
        self.kv: dict[str, dict[str, str]] = {}
        self.leases: dict[str, str] = {}
        self.passwords: list[str] = []
        self.renewed: list[tuple[str, int]] = []
        self.tokens = {"root-token"}
        self.approle = ("a-role-id", "a-secret-id")
        self.lease_seconds = 3600
        self.silent = False
        self.stuck = False
        self._execute, self._creation, self._revocation = execute, creation, revocation
        self._server = Serving(self._handler())
        self.address = self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            do_PUT = do_POST = do_GET

            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = self.headers.get("X-Vault-Token", "")
                status, told = vault.asked(self.command, self.path, token, json.loads(raw) if raw else {})
                body = json.dumps(told).encode() if told is not None else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: what is asked for is a secret."""

        return Handler

    def asked(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and JSON of one answer."""
        if self.silent:
            return 503, {"errors": ["Vault is sealed"]}
        if path == "/v1/auth/approle/login":
            if (body.get("role_id"), body.get("secret_id")) != self.approle:
                return 400, {"errors": ["invalid role or secret ID"]}
            fresh = secrets.token_hex(8)
            self.tokens.add(fresh)
            return 200, {"auth": {"client_token": fresh, "lease_duration": 60, "renewable": True}}
        if token not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        if "/data/" in path:
            held = self.kv.get(path.removeprefix("/v1/").replace("/data/", "/", 1))
            return (200, {"data": {"data": held, "metadata": {"version": 1}}}) if held else (404, {"errors": []})
        if "/creds/" in path:
            return self._lend(path)
        return self._leases(path.removeprefix("/v1/sys/leases/"), body)

    def _lend(self, path: str) -> tuple[int, Any]:
        user, password = f"v-approle-{secrets.token_hex(4)}", secrets.token_hex(10)
        self.passwords.append(password)
        self._run(self._creation, user, password)
        lease = f"{path.removeprefix('/v1/')}/{secrets.token_hex(12)}"
        self.leases[lease] = user
        data = {"username": user, "password": password}
        return 200, {"lease_id": lease, "lease_duration": self.lease_seconds, "renewable": True, "data": data}

    def _leases(self, what: str, body: dict[str, Any]) -> tuple[int, Any]:
        lease = body.get("lease_id", "")
        if lease not in self.leases:
            return (204, None) if what == "revoke" else (400, {"errors": ["invalid lease"]})
        if what == "lookup":
            return 200, {"data": {"id": lease, "ttl": self.lease_seconds}}
        if what == "renew":
            self.renewed.append((lease, body["increment"]))
            seconds = min(body["increment"], self.lease_seconds)
            return 200, {"lease_id": lease, "lease_duration": seconds, "renewable": True}
        if self.stuck:
            return 400, {"errors": ["failed to revoke entry"]}
        self._run(self._revocation, self.leases.pop(lease), "")
        return 204, None

    def _run(self, statement: str, user: str, password: str) -> None:
        if self._execute is not None and statement:
            self._execute(statement.replace("{{name}}", user).replace("{{password}}", password))
