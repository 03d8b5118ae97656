"""Telling people: notices in threads with what their channels call them, and what is to happen once only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0007"
down_revision = "v0006"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("thread", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("receipt", _JSON, nullable=False, server_default="{}"))
    op.create_index("ix_outbox_thread", "outbox", ["thread", "channel", "person"])
    op.create_table(
        "once",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("until", sa.BigInteger(), nullable=False),
    )
