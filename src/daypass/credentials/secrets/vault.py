"""HashiCorp Vault and OpenBao over their HTTP API (v1): KV version 2, and the leases of the database engine.

A name is `MOUNT/PATH#FIELD` for KV, `MOUNT/creds/ROLE` for the database engine. What they answer on errors is not told
on: only the status and the path.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from daypass.config import read_secret
from daypass.config.vaults import VaultSettings
from daypass.credentials.secrets.asking import Answer, Asker
from daypass.domain.errors import Unavailable

WHO = "Vault"
KEPT_OF_LIFE = 2 / 3
"""How much of its life an AppRole's token is used for before a new one is got."""


@dataclass(frozen=True, slots=True)
class Lent:
    """A login that the database engine made, and its lease for so many seconds."""

    user: str
    password: str = field(repr=False)
    lease: str
    seconds: int


class Vault:
    """One Vault. The token is read anew for each question, so that a rotated file is used without a restart."""

    def __init__(self, settings: VaultSettings) -> None:
        self._settings = settings
        self._asker = Asker(WHO, settings.address, settings.ca)
        self._login = ("", 0.0)

    async def read(self, name: str) -> str:
        """A field of a secret in KV version 2. Raises `Unavailable`."""
        path, _, wanted = name.partition("#")
        mount, _, rest = path.partition("/")
        answer = await self._ask("GET", f"{mount}/data/{rest}")
        data = answer.told.get("data")
        held = data.get("data") if isinstance(data, dict) else None
        value = held.get(wanted) if isinstance(held, dict) else None
        if answer.status != 200 or not isinstance(value, str) or not value:
            raise Unavailable(f"{WHO} has no {name} (status {answer.status})")
        return value

    async def lend(self, name: str) -> Lent:
        """A new login of the database engine. Raises `Unavailable`."""
        answer = await self._ask("GET", name)
        data = answer.told.get("data")
        if answer.status != 200 or not isinstance(data, dict) or not answer.told.get("lease_id"):
            raise Unavailable(f"{WHO} lends no login at {name} (status {answer.status})")
        user, password = data.get("username"), data.get("password")
        if not isinstance(user, str) or not isinstance(password, str):
            raise Unavailable(f"{WHO} answered at {name} with something else than a login")
        return Lent(user, password, str(answer.told["lease_id"]), int(answer.told.get("lease_duration") or 0))

    async def renew(self, lease: str, seconds: int) -> int:
        """Have a lease last so long from now on; how long it does. Raises `Unavailable`."""
        answer = await self._ask("PUT", "sys/leases/renew", {"lease_id": lease, "increment": seconds})
        if answer.status != 200:
            raise Unavailable(f"{WHO} does not renew a lease (status {answer.status})")
        return int(answer.told.get("lease_duration") or 0)

    async def revoke(self, lease: str) -> None:
        """Take a login away, at its server too. Raises `Unavailable` if that was not done."""
        answer = await self._ask("PUT", "sys/leases/revoke", {"lease_id": lease, "sync": True})
        if answer.status not in (200, 204) and await self.holds(lease):
            raise Unavailable(f"{WHO} could not revoke a lease (status {answer.status})")

    async def holds(self, lease: str) -> bool:
        """Whether a lease is still there. Raises `Unavailable`."""
        answer = await self._ask("PUT", "sys/leases/lookup", {"lease_id": lease})
        if answer.status not in (200, 400, 404):
            raise Unavailable(f"{WHO} does not say whether a lease is there (status {answer.status})")
        return answer.status == 200

    async def close(self) -> None:
        """Let go of connections."""
        await self._asker.close()

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        for again in (False, True):
            answer = await self._once(method, path, await self._token(anew=again), body)
            if answer.status != 403 or self._settings.token is not None:
                return answer
        return answer

    async def _once(self, method: str, path: str, token: str, body: Mapping[str, Any] | None) -> Answer:
        headers = {"X-Vault-Request": "true", **({"X-Vault-Token": token} if token else {})}
        if self._settings.namespace:
            headers["X-Vault-Namespace"] = self._settings.namespace
        return await self._asker.ask(method, f"/v1/{quote(path)}", headers, json.dumps(body).encode() if body else b"")

    async def _token(self, *, anew: bool) -> str:
        settings = self._settings
        if settings.token is not None:
            return read_secret(settings.token)
        if not anew and self._login[0] and time.monotonic() < self._login[1]:
            return self._login[0]
        assert settings.role_id is not None and settings.secret_id is not None
        body = {"role_id": read_secret(settings.role_id), "secret_id": read_secret(settings.secret_id)}
        answer = await self._once("POST", "auth/approle/login", "", body)
        auth = answer.told.get("auth")
        if answer.status != 200 or not isinstance(auth, dict) or not isinstance(auth.get("client_token"), str):
            raise Unavailable(f"{WHO} does not let Daypass in (status {answer.status})")
        life = float(auth.get("lease_duration") or 60)
        self._login = (auth["client_token"], time.monotonic() + life * KEPT_OF_LIFE)
        return self._login[0]
