"""Indexes for lists of a hundred thousand rows: the newest of somebody, or in a state, in order."""

from __future__ import annotations

from alembic import op

revision = "v0016"
down_revision = "v0015"

_LONGER = (
    ("requests", "state", "id"),
    ("requests", "requester", "id"),
    ("request_deciders", "person", "request"),
    ("grants", "person", "state"),
)


def upgrade() -> None:
    for table, first, second in _LONGER:
        op.drop_index(f"ix_{table}_{first}", table)
        op.create_index(f"ix_{table}_{first}", table, [first, second])
    op.create_index("ix_requests_on_behalf_of", "requests", ["on_behalf_of"])
    op.create_index("ix_requests_asked_by", "requests", ["asked_by"])
