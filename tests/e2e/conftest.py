"""One gateway for each server version, with a grant that outlasts the run; tests of faults start their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from daypass.cli.demo.gateway import Setup
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres

Starting = Callable[..., Daypass]


def _long_lived(server: Postgres, folder: Path) -> Iterator[Daypass]:
    server.load_pgbench()
    with Daypass(folder, server) as daypass:
        daypass.grant("write", "4h")
        yield daypass


@pytest.fixture(scope="package")
def daypass_15(postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    """In front of Debian's PostgreSQL; Ana may write for hours."""
    yield from _long_lived(postgres_15, tmp_path_factory.mktemp("daypass15"))


@pytest.fixture(scope="package")
def daypass_18(postgres_18: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    """In front of PostgreSQL 18; Ana may write for hours."""
    yield from _long_lived(postgres_18, tmp_path_factory.mktemp("daypass18"))


@pytest.fixture(params=["15", "18"])
def daypass(request: pytest.FixtureRequest) -> Daypass:
    """Each in turn."""
    found: Daypass = request.getfixturevalue(f"daypass_{request.param}")
    return found


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Starting]:
    """Starts gateways of the test's own: `starting(server, Setup(...))`."""
    with ExitStack() as stack:

        def start(server: Postgres, setup: Setup | None = None) -> Daypass:
            return stack.enter_context(Daypass(tmp_path / "gateway", server, setup))

        yield start


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that the test may break."""
    with Postgres.copied() as server:
        yield server
