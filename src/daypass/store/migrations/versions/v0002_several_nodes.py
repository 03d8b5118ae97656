"""Several nodes on one store, and requests for more time.

`nodes` says who lives; `cuts` are sessions that one node wants ended and another carries; `requests.extends` is the
grant that a request wants to last longer.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0002"
down_revision = "v0001"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("requests", sa.Column("extends", sa.Text()))
    op.create_table(
        "nodes",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "cuts",
        sa.Column("session", sa.Text(), sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("wanted_at", sa.BigInteger(), nullable=False),
        sa.Column("seen", _JSON),
    )
    op.create_index("ix_cuts_node", "cuts", ["node"])
