"""What a token is good for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0009"
down_revision = "v0008"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("tokens", sa.Column("scopes", _JSON, nullable=False, server_default="[]"))
