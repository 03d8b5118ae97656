"""Brings a database's schema up to date, by Alembic, with the migrations that are part of this package."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from daypass.domain.errors import Unavailable

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x64617970617373
# "daypass" in ASCII: two gateways that start at once migrate one after the other.


def newest() -> str:
    """The version that this package's migrations lead to. They are one line, numbered in their files' names."""
    return max(path.name for path in (_SCRIPTS / "versions").glob("v*.py")).split("_")[0]


def upgrade(connection: Connection) -> None:
    """Apply what is missing, inside the caller's transaction. Raises `Unavailable` for a newer version's store."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if not _up_to_date(connection):
        _migrate(connection)


def _up_to_date(connection: Connection) -> bool:
    """Most starts find nothing to do, and Alembic takes longer to import than the store to open."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [newest()]


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as problem:
        raise Unavailable(
            f"the store cannot be brought up to date: {problem}",
            hint="it was probably written by a newer Daypass; run that one",
        ) from problem
