"""What a grant is limited to inside its target."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0011"
down_revision = "v0010"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("grants", sa.Column("scope", _JSON, nullable=False, server_default="[]"))
