"""A directory takes somebody away while they work: a real `serve`, a real server, psql."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Member, Setup
from tests.servers.daypass import CLIENT_SECONDS_MAX, Daypass
from tests.servers.postgres import Postgres

ACCOUNT = "directory@acme.test"
SCIM = "urn:ietf:params:scim:schemas:core:2.0:"
WORKERS = "payments-engineers"
SLEEP = "insert into orders (customer_id, total_cents) select 1, 1 from pg_sleep(60)"


class Directed(Daypass):
    """Ana comes from a directory; Ben decides."""

    def _write(self) -> None:
        super()._write()
        account = f"    - {{ email: {ACCOUNT}, name: Directory, agent_of: {CLEO.email} }}\n"
        text = self.config.read_text().replace("identity:\n", f"identity:\n  scim: {{ account: {ACCOUNT} }}\n")
        self.config.write_text(text.replace("  people:\n", f"  people:\n{account}"))

    def scim(self, method: str, path: str, body: object = None) -> Any:
        secret = self.token(Member("Directory", ACCOUNT, ()))
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/scim+json"}
        sent = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(f"{self.web}/scim/v2{path}", sent, headers, method=method)
        with urllib.request.urlopen(asked, timeout=CLIENT_SECONDS_MAX) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    def token(self, member: Member) -> str:
        if member.email == ACCOUNT and ACCOUNT not in self.tokens:
            made = self.run(None, "people", "token", ACCOUNT, "--scope", "scim")
            assert made.returncode == 0, made.stderr
            self.tokens[ACCOUNT] = made.stdout.strip()
        return super().token(member)

    def hire(self) -> tuple[str, str]:
        """Ana and her group; their ids."""
        person = self.scim("POST", "/Users", {"schemas": [f"{SCIM}User"], "userName": ANA.email, "displayName": "Ana"})
        members = [{"value": person["id"]}]
        group = {"schemas": [f"{SCIM}Group"], "displayName": WORKERS, "members": members}
        return person["id"], self.scim("POST", "/Groups", group)["id"]

    def patch(self, path: str, operation: object) -> None:
        message = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
        self.scim("PATCH", path, {"schemas": [message], "Operations": [operation]})


@pytest.fixture
def directed(postgres_15: Postgres, tmp_path: Path) -> Iterator[Directed]:
    policy = Setup().policy.partition("expect:")[0]
    with Directed(tmp_path / "gateway", postgres_15, Setup(people=(BEN, CLEO), policy=policy)) as made:
        yield made


def at_work(directed: Directed) -> Any:
    directed.grant("write")
    client = directed.start_client(*directed.psql_argv(SLEEP, target="orders:write"))
    directed.wait_entries("statement.submitted", 1)
    return client


def ended(directed: Directed, client: Any, reason: str) -> None:
    _, told = client.communicate(timeout=CLIENT_SECONDS_MAX)
    assert client.returncode != 0 and reason in told, told
    (over,) = directed.wait_entries("grant.ended")
    assert over["body"]["reason"] == reason
    assert directed.server.backends("app_rw") == []
    directed.verify()


def test_who_is_disabled_in_the_directory_is_stopped_at_the_server(directed: Directed) -> None:
    id, _ = directed.hire()
    client = at_work(directed)
    secret = directed.token(ANA)
    directed.patch(f"/Users/{id}", {"op": "Replace", "path": "active", "value": "False"})
    ended(directed, client, "person disabled")
    (ending,) = directed.entries("grant.ending")
    assert ending["body"]["reason"] == "person disabled"
    assert [one["body"]["by"] for one in directed.entries("person.changed") if one["body"]["state"] == "DISABLED"] == [
        "scim"
    ]
    asked = urllib.request.Request(f"{directed.web}/api/v1/whoami", headers={"Authorization": f"Bearer {secret}"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(asked, timeout=CLIENT_SECONDS_MAX)
    assert directed.psql("select 1", target="orders:write").returncode != 0


def test_who_leaves_the_group_of_the_directory_is_stopped_at_the_server(directed: Directed) -> None:
    id, group = directed.hire()
    client = at_work(directed)
    directed.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{id}"]'})
    ended(directed, client, "policy tightened")
    refused = directed.psql("select 1", target="orders:write")
    assert refused.returncode != 0 and "no access" in refused.stderr
