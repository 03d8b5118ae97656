"""Seeing to it that what was erased is gone from the store's files as well, as far as each database lets one.

SQLite overwrites what is deleted (`secure_delete`), but its full-text index only notes that a row is gone until its
parts are merged, and its write-ahead log keeps old pages until it is cut off. PostgreSQL marks what is deleted and
leaves it to VACUUM; what its own log and backups keep is for whoever runs it (docs/erasure.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from daypass.domain.errors import Unavailable
from daypass.store.schema import metadata

MERGE_PAGES = 500
"""Pages of the index merged in one step, some tens of milliseconds, so that shipping gets its turn between two."""
STEPS_MAX = 1_000_000
"""More than the index of any log has; a merge that never ends is none."""
TRUNCATE_TRIES = 5
"""Each waits as long as the store waits for locks. Readers finish within that, or something holds one open."""


async def scrub_sqlite(engine: AsyncEngine, thorough: bool) -> None:
    """`thorough`: write the whole file anew as well, so that no page has a rest of anything in it."""
    for _ in range(STEPS_MAX):
        if not await _merge(engine):
            break
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if thorough:
            await driver.execute_fetchall("VACUUM")
        for _ in range(TRUNCATE_TRIES):
            ((busy, _, _),) = await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            if not busy:
                return
    raise Unavailable(
        "what was erased is still in the store's write-ahead log, as somebody is reading it", hint="erase again"
    )


async def _merge(engine: AsyncEngine) -> bool:
    """One step of bringing the index into one part. Whether there may be more to do."""
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        before = driver.total_changes
        await driver.execute_fetchall("INSERT INTO entry_text (entry_text, rank) VALUES ('merge', ?)", (-MERGE_PAGES,))
        # FTS5's documentation, "The merge Command": less than two changes say that there was nothing to do.
        more = bool(driver.total_changes - before >= 2)
    await asyncio.sleep(0)
    return more


async def scrub_postgresql(engine: AsyncEngine, thorough: bool) -> None:
    """`thorough` changes nothing here: writing tables anew would lock everybody out for as long as it takes."""
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        # Everything that something is deleted or blanked in; no entry ever is. Migrations alone know `entry_text`.
        for table in ("entry_text", *sorted(metadata.tables.keys() - {"entries"})):
            await connection.exec_driver_sql(f"VACUUM {table}")


SCRUBS: Mapping[str, Any] = {"sqlite": scrub_sqlite, "postgresql": scrub_postgresql}
