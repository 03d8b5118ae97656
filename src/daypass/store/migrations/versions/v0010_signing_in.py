"""Browsers that are signed in, what is begun and over in minutes, and where people come from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0010"
down_revision = "v0009"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("people", sa.Column("source", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "visits",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, sa.ForeignKey("people.id"), nullable=False),
        sa.Column("verifier", sa.LargeBinary, nullable=False, unique=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("way",)),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("opened_at", "expires_at", "seen_at")),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("seen_from", "token", "issuer", "subject", "sid", "hint")
        ),
        sa.Column("passkey_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("ix_visits_person", "visits", ["person"])
    op.create_index("ix_visits_expires_at", "visits", ["expires_at"])
    op.create_table(
        "flows",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "person", "code")),
        sa.Column("about", _JSON, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_flows_code", "flows", ["code"])
    op.create_index("ix_flows_expires_at", "flows", ["expires_at"])
