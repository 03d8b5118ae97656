"""The real servers, one of each for the whole run. A part that is missing fails the suite and says how to get it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers.daypass import Daypass
from tests.servers.postgres import Missing, Postgres

# How long an example takes says something of the machine, and nothing of the program.
settings.register_profile("daypass", deadline=None)
settings.load_profile("daypass")


def pytest_configure(config: pytest.Config) -> None:
    """A compiled module that is older than its source would test what is no longer there. Commands are forked."""
    for compiled in (Path(__file__).parent.parent / "src/daypass").rglob("*.so"):
        source = compiled.with_name(compiled.name.split(".")[0] + ".py")
        if compiled.stat().st_mtime < source.stat().st_mtime:
            pytest.exit(f"{compiled.name} is older than {source.name}: run scripts/compile", returncode=1)
    Daypass.warmed = True


def _running(make: Callable[[], Postgres]) -> Iterator[Postgres]:
    try:
        server = make()
    except Missing as missing:
        pytest.fail(str(missing), pytrace=False)
    with server:
        yield server.load_sample()


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[Postgres]:
    """Debian's PostgreSQL with the sample database. Shared: leave it as it was, or start one of your own."""
    yield from _running(Postgres.debian)


@pytest.fixture(scope="session")
def postgres_18() -> Iterator[Postgres]:
    """PostgreSQL 18 with the sample database. Shared: leave it as it was, or start one of your own."""
    yield from _running(Postgres.wheel)


@pytest.fixture(scope="session", params=["15", "18"])
def postgres(request: pytest.FixtureRequest) -> Postgres:
    """Each version in turn."""
    server: Postgres = request.getfixturevalue(f"postgres_{request.param}")
    return server
