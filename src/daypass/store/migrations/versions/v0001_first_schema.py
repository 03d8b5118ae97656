"""The first schema.

Beside the plain tables: `entries` refuses every change of what stands in it, and `entry_text` is the full-text index
over it, each in the database's own manner. `entry_text.rowid` is `entries.idx`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "v0001"
down_revision = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_OF_NO_SESSION: dict[str, Any] = {
    "sqlite_where": sa.text("session IS NULL"),
    "postgresql_where": sa.text("session IS NULL"),
}
_OF_A_SESSION: dict[str, Any] = {
    "sqlite_where": sa.text("session IS NOT NULL"),
    "postgresql_where": sa.text("session IS NOT NULL"),
}

_SQLITE = (
    """
    CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END
    """,
    """
    CREATE TRIGGER entries_remain BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END
    """,
    "CREATE VIRTUAL TABLE entry_text USING fts5 (text, tables, tokenize = 'unicode61')",
)
_POSTGRESQL = (
    """
    CREATE FUNCTION entries_are_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'entries are append-only'; END $$
    """,
    """
    CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION entries_are_append_only()
    """,
    # `to_tsvector` takes schema.table for a host name, so dots become spaces.
    """
    CREATE TABLE entry_text (
        rowid bigint PRIMARY KEY,
        text text NOT NULL,
        tables text NOT NULL,
        text_words tsvector GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED,
        tables_words tsvector GENERATED ALWAYS AS (to_tsvector('simple', translate(tables, '.', ' '))) STORED
    )
    """,
    "CREATE INDEX ix_entry_text_text ON entry_text USING gin (text_words)",
    "CREATE INDEX ix_entry_text_tables ON entry_text USING gin (tables_words)",
)


def upgrade() -> None:
    for make in (_people, _requests, _grants, _sessions, _drafts, _log):
        make()
    op.execute("INSERT INTO log_state (name, size) VALUES ('log', 0)")
    own = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    for statement in own:
        op.execute(statement)


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("email", sa.Text(), nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("groups", _JSON, nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("person", sa.Text(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("stored_key", sa.LargeBinary(), nullable=False),
        sa.Column("server_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("last_used_from", sa.Text(), nullable=False),
    )
    op.create_index("ix_tokens_person", "tokens", ["person"])
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("on_behalf_of", sa.Text()),
        sa.Column("items", _JSON, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("start_at", sa.BigInteger()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("digest_salt", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("stages", _JSON, nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("owes", _JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decide_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("decided_because", sa.Text(), nullable=False),
        sa.Column("votes", _JSON, nullable=False),
        sa.Column("messages", _JSON, nullable=False),
        sa.Column("grant", sa.Text()),
    )
    op.create_index("ix_requests_requester", "requests", ["requester"])
    op.create_index("ix_requests_state", "requests", ["state"])
    op.create_table(
        "request_deciders",
        sa.Column("request", sa.Text(), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("person", sa.Text(), primary_key=True),
    )
    op.create_index("ix_request_deciders_person", "request_deciders", ["person"])


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), sa.ForeignKey("requests.id"), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("start_at", sa.BigInteger()),
        sa.Column("activate_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.BigInteger()),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("ending_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("end_by", sa.Text()),
        sa.Column("end_note", sa.Text(), nullable=False),
        sa.Column("ending", _JSON),
        sa.Column("extensions", _JSON, nullable=False),
        sa.Column("owes", _JSON, nullable=False),
    )
    op.create_index("ix_grants_person", "grants", ["person"])
    op.create_index("ix_grants_request", "grants", ["request"])
    op.create_index("ix_grants_state", "grants", ["state"])
    op.create_index("ix_grants_target", "grants", ["target"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("grant", sa.Text(), sa.ForeignKey("grants.id"), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("mark", _JSON, nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.Column("statements", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_sessions_grant", "sessions", ["grant"])
    op.create_index("ix_sessions_person", "sessions", ["person"])
    op.create_index("ix_sessions_request", "sessions", ["request"])
    op.create_index("ix_sessions_state", "sessions", ["state"])
    op.create_index("ix_sessions_target", "sessions", ["target"])


def _drafts() -> None:
    op.create_table(
        "pending",
        sa.Column("row", _SERIAL, primary_key=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request", sa.Text()),
        sa.Column("grant", sa.Text()),
        sa.Column("session", sa.Text()),
        sa.Column("target", sa.Text()),
        sa.Column("statement", sa.BigInteger()),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("chains", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("tables", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "blobs",
        sa.Column("row", _SERIAL, primary_key=True),
        sa.Column("sha256", sa.Text(), nullable=False, unique=True),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("session", sa.Text()),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_blobs_session", "blobs", ["session"])
    op.create_table(
        "shipped",
        sa.Column("node", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )


def _log() -> None:
    op.create_table(
        "entries",
        sa.Column("idx", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request", sa.Text()),
        sa.Column("grant", sa.Text()),
        sa.Column("session", sa.Text()),
        sa.Column("target", sa.Text()),
        sa.Column("statement", sa.BigInteger()),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
    )
    op.create_index(
        "ix_entries_actor",
        "entries",
        ["actor"],
        **_OF_NO_SESSION,
    )
    op.create_index(
        "ix_entries_grant",
        "entries",
        ["grant"],
        **_OF_NO_SESSION,
    )
    op.create_index(
        "ix_entries_request",
        "entries",
        ["request"],
        **_OF_NO_SESSION,
    )
    op.create_index(
        "ix_entries_session",
        "entries",
        ["session", "statement"],
        **_OF_A_SESSION,
    )
    op.create_index("ix_entries_t", "entries", ["t"])
    op.create_index(
        "ix_entries_target",
        "entries",
        ["target"],
        **_OF_NO_SESSION,
    )
    op.create_index("ix_entries_type", "entries", ["type"])
    op.create_table(
        "entry_search",
        sa.Column("idx", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("tables", sa.Text(), nullable=False),
    )
    op.create_index("ix_entry_search_effect", "entry_search", ["effect"])
    op.create_index("ix_entry_search_fingerprint", "entry_search", ["fingerprint"])
    op.create_index("ix_entry_search_kind", "entry_search", ["kind"])
    op.create_table(
        "chains",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
    )
    op.create_table(
        "log_state",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
    )
