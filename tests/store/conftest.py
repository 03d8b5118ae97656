"""Each test of the store runs on SQLite and on a real PostgreSQL, on an empty, migrated store of its own.

Migrating is done once for each: a test's store is a copy of that. `bare` is one that is not migrated.
"""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from daypass.store.interface import Store
from daypass.store.opening import FILE, SQLITE, open_store
from tests.servers.postgres import Postgres

Opener = Callable[[], Store]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store of SQLite, to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    asyncio.run(_migrated(SQLITE, folder))
    return folder / FILE


@pytest.fixture(scope="session")
def migrated_database(postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a migrated database of PostgreSQL, to copy."""
    name = f"migrated_{uuid.uuid4().hex}"
    asyncio.run(_migrated(postgres_15.create_database(name), tmp_path_factory.mktemp("migrated")))
    return name


async def _migrated(setting: str, folder: Path) -> None:
    store = open_store(setting, folder)
    await store.migrate()
    await store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same store as often as it is called."""
    if request.param == SQLITE:
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / FILE)
        yield lambda: open_store(SQLITE, tmp_path)
    else:
        yield from _on(request.getfixturevalue("postgres_15"), request.getfixturevalue("migrated_database"), tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """The same for a store that is not migrated yet."""
    if request.param == SQLITE:
        yield lambda: open_store(SQLITE, tmp_path)
    else:
        yield from _on(request.getfixturevalue("postgres_15"), "template1", tmp_path)


def _on(server: Postgres, template: str, folder: Path) -> Iterator[Opener]:
    name = f"store_{uuid.uuid4().hex}"
    setting = server.create_database(name, template)
    yield lambda: open_store(setting, folder)
    server.execute(f'drop database "{name}" with (force)')


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[Store]:
    opened = opener()
    yield opened
    await opened.close()
