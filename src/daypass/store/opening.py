"""Which store a setting names."""

from __future__ import annotations

from pathlib import Path

from daypass.store.interface import Store

SQLITE = "sqlite"
FILE = "store.sqlite"


def open_store(setting: str, data: Path, *, node: str = "") -> Store:
    """Open the store that `store:` in daypass.yaml names: `sqlite` (a file in the data directory) or a PostgreSQL URL.
    `node`: by what name the database knows who we are.

    Raises `Invalid` for anything else. Nothing is read or written until `migrate`.
    """
    if setting == SQLITE:
        from daypass.store.sqlite import open_sqlite

        return open_sqlite(data / FILE)
    from daypass.store.postgresql import open_postgresql

    return open_postgresql(setting, node=node)
