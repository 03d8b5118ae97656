"""A directory takes somebody away while they work: a real `serve`, a real server, psql."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO
from tests.servers.daypass import CLIENT_SECONDS_MAX
from tests.servers.directed import Directed, setup
from tests.servers.postgres import Postgres

WORKERS = "payments-engineers"
LARGE = 3000
"""More people than anybody looks through to take out one."""
SLEEP = "insert into orders (customer_id, total_cents) select 1, 1 from pg_sleep(60)"


@pytest.fixture
def directed(postgres_15: Postgres, tmp_path: Path) -> Iterator[Directed]:
    with Directed(tmp_path / "gateway", postgres_15, setup(BEN, CLEO)) as made:
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
    id = directed.hire(ANA)
    directed.gather(WORKERS, id)
    client = at_work(directed)
    secret = directed.token(ANA)
    directed.disable(id)
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


@pytest.mark.parametrize("names", ["by a filter", "as Entra lists them"])
def test_who_leaves_a_large_group_is_stopped_at_the_server(directed: Directed, names: str) -> None:
    id = directed.hire(ANA)
    group = directed.gather(WORKERS, id)
    directed.crowd(WORKERS, group, LARGE)
    client = at_work(directed)
    if names == "by a filter":
        directed.take_out(group, id)
    else:
        listed = [{"$ref": None, "value": id}]
        directed.patch(f"/Groups/{group}", {"op": "Remove", "path": "members", "value": listed})
    ended(directed, client, "policy tightened")
    left = directed.scim("GET", f"/Groups/{group}")["members"]
    assert len(left) == LARGE and id not in {one["value"] for one in left}
    told = directed.entries("group.changed")[-1]["body"]
    assert (told["added"], told["removed"]) == ([], [id])


def test_who_leaves_the_group_of_the_directory_is_stopped_at_the_server(directed: Directed) -> None:
    id = directed.hire(ANA)
    group = directed.gather(WORKERS, id)
    client = at_work(directed)
    directed.take_out(group, id)
    ended(directed, client, "policy tightened")
    refused = directed.psql("select 1", target="orders:write")
    assert refused.returncode != 0 and "no access" in refused.stderr
