"""The target and the role that a request is for, beside its items: to find its like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0017"
down_revision = "v0016"

_FIRST = {
    "sqlite": "json_extract(items, '$[0].{}')",
    "postgresql": "items -> 0 ->> '{}'",
}


def upgrade() -> None:
    first = _FIRST[op.get_bind().dialect.name]
    for name in ("target", "role"):
        op.add_column("requests", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        op.execute(f"UPDATE requests SET {name} = coalesce({first.format(name)}, '')")
    op.create_index("ix_requests_target", "requests", ["target", "role", "id"])
