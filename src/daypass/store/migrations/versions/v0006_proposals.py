"""Changed policy files that wait for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0006"
down_revision = "v0005"


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("state", "policy", "text", "was", "digest")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("note", "made_by", "decided_by", "decided_note")),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
    )
    op.create_index("ix_proposals_state", "proposals", ["state"])
