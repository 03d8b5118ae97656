"""Brings a database's schema up to date, by Alembic, with the migrations that are part of this package."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, text

from daypass.domain.errors import Unavailable

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x64617970617373
# "daypass" in ASCII: two gateways that start at once migrate one after the other.


def upgrade(connection: Connection) -> None:
    """Apply what is missing, inside the caller's transaction. Raises `Unavailable` for a newer version's store."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
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
