"""Each test of the store runs on SQLite and on a real PostgreSQL, on an empty, migrated store of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from daypass.store.interface import Store
from daypass.store.opening import open_store
from tests.servers.postgres import Postgres

Opener = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the same store as often as it is called."""
    setting = "sqlite"
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres_15")
        setting = server.create_database(f"store_{uuid.uuid4().hex}")
    return lambda: open_store(setting, tmp_path)


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[Store]:
    opened = opener()
    await opened.migrate()
    yield opened
    await opened.close()
