"""In which visit the command line got a token."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0011"


def upgrade() -> None:
    op.add_column("tokens", sa.Column("visit", sa.Text, nullable=False, server_default=""))
