"""Servers whose maintenance login is set up as docs/credentials.md says, and leases at them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from daypass.credentials.interface import Lease
from daypass.credentials.logins import login_name, password
from daypass.credentials.postgres_roles import PostgresRoles
from daypass.domain.target import Effect, Maintenance, SecretRef, Target, TargetRole
from daypass.protocols.postgres import POSTGRES
from tests.servers.postgres import Postgres

KEEPER = "keeper"
KEEPER_SETUP = f"""
create role {KEEPER} login createrole password '{{password}}';
grant app_rw, app_ro to {KEEPER} with admin option;
grant pg_signal_backend to {KEEPER};
grant create on schema public to app_rw;
grant create on database orders to app_rw;
"""
HOUR_MS = 3_600_000


@dataclass(slots=True)
class Place:
    """One server with its maintenance login, as Daypass knows it."""

    server: Postgres
    target: Target
    made: list[str] = field(default_factory=list)

    def lease(self, role: str = "write", *, expires_at: int = 0, **more: Any) -> Lease:
        """A lease of a new grant."""
        grant = str(uuid4())
        self.made.append(login_name(grant))
        until = expires_at or int(time.time() * 1000) + HOUR_MS
        return Lease(grant, self.target, self.target.roles[role], until, bytes(31) + b"k", **more)

    def connect(self, lease: Lease, secret: str | None = None) -> psycopg.Connection[Any]:
        """Sign in to the server, past Daypass, as this lease's login."""
        name = login_name(lease.grant)
        where = f"host=127.0.0.1 port={self.server.port} dbname=orders user={name}"
        return psycopg.connect(where, password=secret or password(lease.key), autocommit=True)

    def roles(self) -> set[str]:
        """The ephemeral logins that are there."""
        return {name for (name,) in self.server.execute("select rolname from pg_roles where rolname ~ '^daypass_'")}

    def orders(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.server.execute(sql, *values, database="orders")


def place_at(server: Postgres, secret: str) -> Place:
    """Set the maintenance login up. `secret` names an environment variable that holds its password."""
    server.psql(KEEPER_SETUP.format(password=server.password), database="orders")
    roles = {
        "write": TargetRole("write", "", None, Effect.WRITE, member_of=("app_rw",)),
        "any": TargetRole("any", "", None, Effect.WRITE, dangerous=True, member_of=("app_rw",)),
        "static": TargetRole("static", "app_rw", SecretRef("env", secret), Effect.WRITE),
    }
    keeper = Maintenance(KEEPER, SecretRef("env", secret))
    target = Target("orders", POSTGRES.name, "127.0.0.1", server.port, "orders", {}, roles, maintenance=keeper)
    return Place(server, target)


def _place(server: Postgres, monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[Place]:
    monkeypatch.setenv(name, server.password)
    yield place_at(server, name)


@pytest.fixture(scope="module", params=["15", "18"])
def own_server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """Each version in turn, a server of these tests' own: roles belong to a whole server."""
    make = Postgres.debian if request.param == "15" else Postgres.wheel
    with make({"max_prepared_transactions": "8"}) as server:
        yield server.load_sample()


@pytest.fixture(scope="module")
def _kept(own_server: Postgres) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        yield from _place(own_server, patch, "DAYPASS_TEST_KEEPER")


@pytest.fixture
def place(_kept: Place) -> Iterator[Place]:
    """A place; whatever a test leaves there is taken away by force."""
    yield replace(_kept, made=[])
    for name in _kept.roles():
        _kept.server.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s",
            name,
        )
        for database in ("orders", "postgres"):
            _kept.server.execute(f'drop owned by "{name}" cascade', database=database)
        _kept.server.execute(f'drop role "{name}"')


@pytest.fixture
async def roles() -> AsyncIterator[PostgresRoles]:
    made = PostgresRoles()
    yield made
    await made.close()
