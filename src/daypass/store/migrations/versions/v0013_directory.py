"""What a directory provisions: people, groups, and who is in which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0013"
down_revision = "v0012"


def upgrade() -> None:
    op.create_table(
        "directory",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "external_id", "document")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("created_at", "changed_at", "version")),
        sa.Column("gone_at", sa.BigInteger),
    )
    op.create_index("ix_directory_key", "directory", ["kind", "key"], unique=True)
    op.create_index("ix_directory_external_id", "directory", ["kind", "external_id"])
    op.create_table(
        "members",
        sa.Column("group", sa.Text, sa.ForeignKey("directory.id"), primary_key=True),
        sa.Column("person", sa.Text, sa.ForeignKey("people.id"), primary_key=True),
    )
    op.create_index("ix_members_person", "members", ["person"])
    op.create_index("ix_people_subject", "people", ["subject"])
    op.create_index("ix_people_source", "people", ["source"])
