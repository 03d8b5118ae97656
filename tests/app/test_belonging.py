"""The only node of a SQLite store: whether that takes changes decides whether it may carry sessions."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import cast

from daypass.app.belonging import Belonging
from daypass.gateway.lease import Lease
from daypass.services.across import Across
from daypass.services.nodes import Nodes
from daypass.store.interface import Store
from daypass.store.sqlite import open_sqlite

NOBODY_ELSE = cast(Nodes, None), cast(Across, None)


@asynccontextmanager
async def alone(folder: Path, busy_ms: int) -> AsyncIterator[tuple[Store, Belonging, Lease, sqlite3.Connection]]:
    """A node whose lease is over with the first change that is refused, and somebody else at its store's file."""
    path = folder / "store.sqlite"
    store = open_sqlite(path, busy_ms=busy_ms)
    await store.migrate()
    lease = Lease(monotonic, seconds=0.0)
    belonging = Belonging(store, *NOBODY_ELSE, lease, "one", folder)
    other = sqlite3.connect(path, isolation_level=None)
    try:
        await belonging.join()
        yield store, belonging, lease, other
    finally:
        other.close()
        await belonging.stop()
        await store.close()


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not there():  # noqa: ASYNC110  what is waited for is of many kinds
            await asyncio.sleep(0.05)


async def test_a_lock_that_somebody_else_holds_counts(tmp_path: Path) -> None:
    async with alone(tmp_path, busy_ms=50) as (_, belonging, lease, other):
        await belonging.start()
        other.execute("begin immediate")
        assert not lease.over
        await until(lambda: lease.over)
        other.execute("rollback")
        await until(lambda: not lease.over)


async def test_a_scrub_of_its_own_does_not_count(tmp_path: Path) -> None:
    """Erasing writes a large file anew, which may take minutes: nobody is thrown out for that."""
    async with alone(tmp_path, busy_ms=30_000) as (store, belonging, lease, other):
        other.execute("begin immediate")  # so that the scrub takes longer than others wait for their turn
        scrub = asyncio.create_task(store.scrub(thorough=True))
        await until(lambda: store.scrubbing)
        await asyncio.sleep(0.1)
        await belonging.start()
        await until(lambda: bool(belonging.failing))
        assert not lease.over
        other.execute("rollback")
        await scrub
        assert not store.scrubbing
        await until(lambda: not belonging.failing)
        assert not lease.over
