"""Secrets from Vault, from AWS and sealed in the store open targets, and stand in nothing that is read afterwards."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import ANA, BEN, CLEO, Setup
from tests.credentials.conftest import KEEPER, KEEPER_SETUP
from tests.credentials.secrets.vault_server import VaultServer
from tests.servers.aws import REGION, aws, client
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

KEY = b64encode(b"sealing-key-of-32-bytes-planted!").decode()
ENTRANCE = "planted-approle-secret-id"
MAILS, SLACKS, SIGNS = "planted-password-of-the-mail-server", "xoxb-planted-slack-token", "planted-signing-secret"
CLIENTS = "planted-secret-of-the-oidc-client"
AWS_KEY = "planted/secret/key/of/aws"
MANAGED, ROTATED = "planted-in-secrets-manager", "planted-there-and-not-at-the-server"
PASSWORD, WRONG = "planted lamps hum at nine", "planted otters knit in vain"
STORES = """\
notify:
  email:
    {{ server: '127.0.0.1:1', tls: none, from: d@acme.test, user: d, password: {{ file: mail }} }}
  slack: {{ token: {{ file: slack }}, signing_secret: {{ file: signing }}, api: 'http://127.0.0.1:1' }}
secrets:
  vault: {{ address: '{address}', role_id: {{ file: role_id }}, secret_id: {{ file: secret_id }} }}
  aws: {{ region: {region}, endpoint: '{aws}', access_key: {{ file: aws_id }}, secret_key: {{ file: aws_key }} }}
  sealed: {{ key: {{ file: sealing.key }} }}
"""
PARTS = """\
  - name: parts
    protocol: postgres
    address: 127.0.0.1:{port}
    database: {database}
    labels: {{ env: prod, system: payments }}
    roles: {{ read: {{ user: parts_ro, password: {{ aws: prod/parts#password }}, effect: read }} }}
"""
ASKS_FOR_PARTS = ("request", "parts", "--role", "read", "--for", "1h", "--reason", "for a test")
MORE_ROUTES = (
    "requests?view=all",
    "grants?view=all",
    "entries?limit=1000&said=true",
    "search?kind=statement.submitted",
    "obligations?everything=true",
    "tokens?person=ana@acme.test",
    "locks?all=true",
    "policy/who-can?target=orders&role=write",
    "connect?target=parts",
    "openapi.json",
)
STREAMS = ("watch_session", "follow_changes", "follow_console")
"""They never end, and say what the lists say."""


class Stored(Daypass):
    """A gateway none of whose passwords stand beside its settings; its processes' arguments are looked at."""

    warmed = False

    def _write(self) -> None:
        super()._write()
        oidc = "oidc: { issuer: 'http://127.0.0.1:1', client_id: daypass, client_secret: { file: client } }"
        text = self.config.read_text()
        self.config.write_text(text.replace("identity:\n", f"identity:\n  local: true\n  {oidc}\n"))

    def _target(self) -> str:
        read = f"user: {sample.READER}, password: {{ file: password }}"
        write = f"user: {sample.WRITER}, password: {{ file: password }}"
        text = super()._target()
        assert read in text and write in text
        text = text.replace(read, f"user: {sample.READER}, password: {{ vault: secret/orders#read }}")
        text = text.replace(write, "login: { vault: database/creds/app-rw }")
        keeper = f"    maintenance: {{ user: {KEEPER}, password: {{ sealed: keeper }} }}\n    roles:\n"
        return text.replace("    roles:\n", keeper) + PARTS.format(port=self.server.port, database=sample.DATABASE)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres.copied() as made:
        made.psql(KEEPER_SETUP.format(password=made.password), database=sample.DATABASE)
        made.psql(f"create role parts_ro login password '{MANAGED}' in role {sample.READER}")
        yield made


@pytest.fixture
def manager() -> Iterator[Any]:
    """AWS Secrets Manager."""
    with aws() as endpoint:
        made = client(endpoint, "secretsmanager")
        made.create_secret(Name="prod/parts", SecretString=json.dumps({"password": MANAGED}))
        yield made


@pytest.fixture
def vault(server: Postgres) -> Iterator[VaultServer]:
    create = "create role \"{{name}}\" login password '{{password}}' in role app_rw"
    with VaultServer(lambda sql: server.psql(sql), create, 'drop role "{{name}}"') as made:
        made.kv["secret/orders"] = {"read": server.password}
        made.approle = ("a-role-id", ENTRANCE)
        yield made


@pytest.fixture
def daypass(server: Postgres, vault: VaultServer, manager: Any, tmp_path: Path) -> Iterator[Daypass]:
    stores = STORES.format(address=vault.address, region=REGION, aws=manager.meta.endpoint_url)
    made = Stored(tmp_path / "gateway", server, Setup(extra=stores))
    files = {"role_id": "a-role-id", "secret_id": ENTRANCE, "sealing.key": KEY, "mail": MAILS, "slack": SLACKS}
    files |= {"signing": SIGNS, "client": CLIENTS, "aws_id": "an-access-key", "aws_key": AWS_KEY}
    for name, text in files.items():
        (made.home / name).write_text(text + "\n")
    command = [*made.command(), "secret", "set", "keeper", "--config", str(made.config)]
    done = subprocess.run(command, input=server.password, capture_output=True, text=True, env=made.environment())
    assert done.returncode == 0, done.stderr
    with made:
        yield made


def lent(server: Postgres) -> list[str]:
    return [name for (name,) in server.execute("select rolname from pg_roles where rolname like 'v-approle-%'")]


def test_a_static_password_from_vault(daypass: Daypass, vault: VaultServer) -> None:
    daypass.grant("read")
    assert daypass.psql("select session_user").stdout.strip() == sample.READER
    vault.kv["secret/orders"] = {"read": "rotated, and not at the server"}
    assert daypass.psql("select 1").returncode != 0
    del vault.kv["secret/orders"]
    refused = daypass.psql("select 1")
    assert refused.returncode != 0 and "cannot be had" in refused.stderr
    vault.kv["secret/orders"] = {"read": daypass.server.password}
    assert daypass.psql("select 1").returncode == 0
    vault.silent = True  # what it said last goes on
    assert daypass.psql("select 1").returncode == 0


def test_a_lent_login_is_renewed_and_revoked(daypass: Daypass, vault: VaultServer) -> None:
    vault.lease_seconds = 2
    granted = daypass.grant("write")
    (name,) = [daypass.psql("select session_user").stdout.strip()]
    assert lent(daypass.server) == [name] and daypass.psql("select session_user").stdout.strip() == name
    until(lambda: vault.renewed or None, "the lease to be renewed")
    daypass.kill()
    daypass.start()  # the old lease is noted, the new one is another
    assert daypass.psql("select session_user").stdout.strip() != name
    assert len(vault.leases) == 2
    daypass.say(ANA, "return", granted.grant)
    assert not vault.leases and lent(daypass.server) == []
    (withdrawn,) = daypass.wait_entries("credential.withdrawn", grant=granted.grant)
    assert withdrawn["body"]["seen"] == {"leases": 2, "leases_left": 0}


def test_a_lease_that_cannot_be_revoked_keeps_the_end_unconfirmed(daypass: Daypass, vault: VaultServer) -> None:
    granted = daypass.grant("write")
    assert daypass.psql("select 1").returncode == 0
    vault.stuck = True
    daypass.unconfirmed(ANA, "return", granted.grant)
    daypass.wait_entries("grant.end_unconfirmed", grant=granted.grant)
    vault.stuck = False
    daypass.wait_entries("grant.ended", grant=granted.grant)
    assert not vault.leases and lent(daypass.server) == []


def test_a_static_password_from_aws(daypass: Daypass, manager: Any) -> None:
    daypass.say(BEN, "approve", daypass.object(ANA, *ASKS_FOR_PARTS)["id"])
    assert daypass.psql("select session_user", target="parts").stdout.strip() == "parts_ro"
    manager.put_secret_value(SecretId="prod/parts", SecretString=json.dumps({"password": ROTATED}))
    assert daypass.psql("select 1", target="parts").returncode != 0
    manager.put_secret_value(SecretId="prod/parts", SecretString=json.dumps({"another": MANAGED}))
    refused = daypass.psql("select 1", target="parts")
    assert refused.returncode != 0 and "cannot be had" in refused.stderr


def test_planted_secrets_are_found_nowhere(daypass: Daypass, vault: VaultServer, manager: Any) -> None:
    arguments: set[str] = set()
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(arguments, over))
    watching.start()
    said: list[str] = []
    try:
        said += _full_run(daypass, vault)
        said += _parts_run(daypass, manager)
        said += _every_answer(daypass)
        browsers, answers = _signs_in(daypass)
        said += answers
    finally:
        over.set()
        watching.join()
    said += [daypass.log.read_text(errors="replace"), *arguments]
    said += [raw.decode() for raw in daypass.published()]
    whole = "\n".join(said)
    assert "select 4711" in whole and "serve" in whole and "cannot be had" in whole  # it was a full run, and is here
    planted = [daypass.server.password, KEY, ENTRANCE, *vault.tokens, *daypass.tokens.values(), *vault.passwords]
    planted += [MAILS, SLACKS, SIGNS, CLIENTS, AWS_KEY, MANAGED, ROTATED, PASSWORD, WRONG, *browsers]
    assert "select 4712" in whole and len(planted) >= 19
    found = [secret for secret in planted for form in _forms(secret) if form in whole]
    assert not found


def _full_run(daypass: Daypass, vault: VaultServer) -> list[str]:
    """Requests, sessions, refusals and failures; all that they printed."""
    said: list[str] = []
    reads, writes = daypass.grant("read"), daypass.grant("write")
    for role in ("read", "write"):
        done = daypass.psql("select 4711", "select nothing from nowhere", target=f"orders:{role}")
        said += [done.stdout, done.stderr]
    wrong = daypass.psql("select 1", env={"PGPASSWORD": "dp_" + "0" * 38})
    held = vault.kv.pop("secret/orders")
    missing = daypass.psql("select 1", target="orders:read")
    vault.kv["secret/orders"] = {"read": "another-planted-password"}
    refused = daypass.psql("select 1", target="orders:read")
    vault.kv["secret/orders"] = held
    vault.silent = True
    more = daypass.grant("write", for_="5m")
    silent = daypass.psql("select 1")
    vault.silent = False
    said += [part for done in (wrong, missing, refused, silent) for part in (done.stdout, done.stderr)]
    assert missing.returncode and refused.returncode
    for grant in (reads.grant, writes.grant, more.grant):
        for verb in (("show", grant), ("return", grant)):
            done = daypass.run(ANA, *verb)
            said += [done.stdout, done.stderr]
    for verb in (("sessions",), ("grants", "--json"), ("check",), ("connect", "orders", "--print"), ("search", "4711")):
        done = daypass.run(None if verb == ("check",) else CLEO, *verb)
        said += [done.stdout, done.stderr]
    done = daypass.run(None, "secret", "list")
    return [*said, done.stdout, done.stderr]


def _parts_run(daypass: Daypass, manager: Any) -> list[str]:
    """The same with a password from AWS: one that is right, one that is not, and none."""
    asked = daypass.object(ANA, *ASKS_FOR_PARTS)
    approved = daypass.run(BEN, "approve", asked["id"])
    right = daypass.psql("select 4712", target="parts")
    manager.put_secret_value(SecretId="prod/parts", SecretString=json.dumps({"password": ROTATED}))
    wrong = daypass.psql("select 1", target="parts")
    manager.put_secret_value(SecretId="prod/parts", SecretString=MANAGED)
    missing = daypass.psql("select 1", target="parts")
    checked = daypass.run(None, "check")
    assert right.returncode == 0 and wrong.returncode and missing.returncode, right.stderr
    return [part for done in (approved, right, wrong, missing, checked) for part in (done.stdout, done.stderr)]


def _signs_in(daypass: Daypass) -> tuple[list[str], list[str]]:
    """Somebody sets a password and signs in by it, and at a provider that is away: the link's code and the cookie; and
    what was answered."""
    link = daypass.run(None, "people", "password", BEN.email, "--json").stdout
    code = json.loads(link)["link"].partition("#")[2]
    answers, cookie = [], ""
    for path, body in (
        ("sign-in/invitation", {"code": code, "password": "short"}),
        ("sign-in/invitation", {"code": code, "password": PASSWORD}),
        ("sign-in/invitation", {"code": code, "password": PASSWORD}),
        ("sign-in/password", {"email": BEN.email, "password": WRONG}),
        ("sign-in/password", {"email": BEN.email, "password": [WRONG]}),
        ("sign-in/password", {"email": BEN.email, "password": PASSWORD}),
        ("password", {"old": WRONG, "new": PASSWORD}),
    ):
        headers = {"X-Daypass-CSRF": "1", "Origin": daypass.web, "Cookie": cookie, "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{daypass.web}/api/v1/{path}", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                answers.append(answer.read().decode())
                cookie = (answer.headers["Set-Cookie"] or cookie).partition(";")[0]
        except urllib.error.HTTPError as refused:
            answers.append(refused.read().decode())
    with suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{daypass.web}/api/v1/sign-in/oidc") as answer:
        answers.append(answer.read().decode())
    assert cookie, answers
    return [code, cookie.partition("=")[2]], answers


def _every_answer(daypass: Daypass) -> list[str]:
    """What everything that can be asked for answers the auditor and others with, about each thing that there is."""
    time.sleep(0.5)
    things = {kind: _ids(daypass, kind) for kind in ("requests", "grants", "sessions", "entries", "obligations")}
    routes = list(MORE_ROUTES)
    for path, ways in json.loads(daypass.get("openapi.json"))["paths"].items():
        route, kind = path.removeprefix("/api/v1/"), path.split("/")[3:4]
        if route != path and "get" in ways and ways["get"]["operationId"] not in STREAMS:
            ids = things.get(kind[0], []) if "{id}" in route else [""]
            routes += [route.replace("{id}", id) for id in ids if "{" not in route.replace("{id}", "")]
    assert len(routes) > 100 and "channels" in routes and "targets/all" in routes
    said = []
    for member in (CLEO, ANA, BEN):
        for route in routes:
            try:
                said.append(daypass.get(route, member).decode())
            except urllib.error.HTTPError as refused:
                said.append(refused.read().decode())
    return said


def _ids(daypass: Daypass, kind: str) -> list[str]:
    """The things of a kind that there are, as the auditor sees them; of very many the newest."""
    view = "?view=all" if kind in ("requests", "grants") else ""
    return [one["id"] for one in json.loads(daypass.get(kind + view))["items"]][:20]


def _watch(arguments: set[str], over: threading.Event) -> None:
    """The arguments of every process, over and over."""
    while not over.is_set():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                arguments.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        over.wait(0.01)


def _forms(secret: str) -> list[str]:
    """A secret as it is, and as it is written elsewhere."""
    raw = secret.encode()
    return [secret, quote(secret, safe=""), raw.hex(), b64encode(raw).decode().rstrip("=")]
