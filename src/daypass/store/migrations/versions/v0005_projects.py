"""Projects and bundles: what was asked for together, in whose place, and until when; and favourites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0005"
down_revision = "v0004"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("requests", sa.Column("asked_by", sa.Text()))
    op.add_column("requests", sa.Column("bundle", sa.Text()))
    op.add_column("requests", sa.Column("until", sa.BigInteger()))
    op.create_index("ix_requests_bundle", "requests", ["bundle"])
    op.create_table(
        "favourites",
        sa.Column("person", sa.Text(), sa.ForeignKey("people.id"), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("wish", _JSON, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
    )
