"""A node with an empty data directory joins a store that is an older copy than what was published: others know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from daypass.cli.demo.gateway import CLEO, Setup
from daypass.ledger.durable import Disk
from daypass.ledger.note import keypair
from daypass.ledger.signer import load_seed
from tests.e2e.test_ledger import health, refused
from tests.e2e.test_witnesses import SEED, SITE, Witness
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres

Making = Callable[..., Daypass]


@pytest.fixture
def making(own_postgres: Postgres, tmp_path: Path) -> Iterator[Making]:
    """Makes nodes of one store, each with a data directory of its own; they are stopped in the end."""
    url = own_postgres.create_database("daypass")
    with ExitStack() as stack:

        def make(name: str, extra: str = "") -> Daypass:
            made = Daypass(tmp_path / name, own_postgres, Setup(store=url, extra=f"node: {name}\n{extra}"))
            stack.callback(made.stop)
            return made

        yield make


def load_older(store: Postgres, one: Daypass) -> int:
    """Node one publishes; when it is over the store is what it was before the last of that. Returns how many entries
    are published."""
    one.start()
    one.token(CLEO)
    one.grant()
    one.wait_entries("request.approved")
    one.stop()
    store.execute('create database kept template "daypass"')
    one.start()
    assert one.psql("select 'since'").returncode == 0
    one.wait_entries("session.ended")
    one.stop()
    store.execute('drop database "daypass" with (force)')
    store.execute('alter database kept rename to "daypass"')
    return len(one.entries())


def test_a_new_node_asks_the_one_that_publishes(own_postgres: Postgres, making: Making) -> None:
    one, two = making("one"), making("two")
    published = load_older(own_postgres, one)
    one.start(well=False)
    two.tokens |= one.tokens
    two.start(well=False)
    found = health(two)
    assert found["state"] == "READ_ONLY"
    told = f"{one.web}/ledger tells of {published} published entries, and this store holds fewer: it is older"
    assert told in found["problem"] and "daypass ledger recover" in found["problem"]
    assert "no session opens" in refused(two)
    one.stop()
    two.stop()
    assert one.object(None, "ledger", "recover")["state"] == "RECOVERED"
    one.start()
    one.wait_entries("ledger.recovered")
    two.start()
    assert "memory" not in two.log_tail()
    one.verify()


def test_a_new_node_asks_the_witnesses_where_nobody_publishes(
    own_postgres: Postgres, making: Making, tmp_path: Path
) -> None:
    keys = tmp_path / "one" / "data" / "keys"
    keys.mkdir(mode=0o700, parents=True)
    load_seed(keys / "ledger.key", Disk(), SEED)
    witness = Witness(tmp_path, 1, keypair(SITE, SEED)[0])
    listed = f"ledger: {{ witnesses: [ {{ vkey: {witness.key}, url: '{witness.url}' }} ], quorum: 1 }}\n"
    witness.start()
    try:
        one, two, unaware = making("one", listed), making("two", listed), making("three")
        published = load_older(own_postgres, one)
        two.tokens |= one.tokens
        two.start(well=False)
        told = f"witness {witness.key.name} tells of {published} published entries, and this store holds fewer"
        assert told in health(two)["problem"]
        assert "no session opens" in refused(two)
        two.stop()
    finally:
        witness.stop()
    unaware.start()
    log = unaware.log_tail()
    assert f"{one.web}/ledger does not say what is published" in log
    assert "this node has no memory of this store's log" in log
