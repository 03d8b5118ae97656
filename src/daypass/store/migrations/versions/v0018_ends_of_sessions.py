"""What was seen of a session's end, and when it is to be looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0018"
down_revision = "v0017"


def upgrade() -> None:
    as_json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.add_column("sessions", sa.Column("ending", as_json))
    op.add_column("sessions", sa.Column("look_at", sa.BigInteger))
    op.create_index("ix_sessions_look_at", "sessions", ["look_at"])
