"""What security shuts for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"


def upgrade() -> None:
    op.create_table(
        "locks",
        sa.Column("id", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("scope", "name", "reason", "made_by")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("made_at", "until")),
        sa.Column("lifted_at", sa.BigInteger()),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("lifted_by", "lifted_reason")),
    )
    op.create_index("ix_locks_until", "locks", ["until"])
