"""Search by who, where, what and when as fast as by words.

`entry_text` gets a column of terms, one word each: whose entry it is, its type, target and kind, its day and its block
of days (`store/sql/searching.py` says how they are made). Entries without text are in it as well from here on.
"""

from __future__ import annotations

from alembic import op

revision = "v0003"
down_revision = "v0002"

_TERMS = """
    'p' || replace(e.actor, '-', '') || ' y' || {hex}(e.type) || coalesce(' t' || {hex}(e.target), '')
    || coalesce(' k' || {hex}(s.kind), '') || ' d' || (e.t / 86400000) || ' n' || (e.t / 2764800000)
"""
_UNSAID = "('statement.completed', 'recording.kept', 'ledger.heartbeat')"
_SQLITE_HEX = "hex"
_POSTGRESQL_HEX = "pg_temp.daypass_hex"

_SQLITE = (
    "ALTER TABLE entry_text RENAME TO entry_text_before",
    "CREATE VIRTUAL TABLE entry_text USING fts5 (text, tables, terms, tokenize = 'unicode61', columnsize = 0)",
    f"""
    INSERT INTO entry_text (rowid, text, tables, terms)
    SELECT e.idx, coalesce(o.text, ''), coalesce(o.tables, ''), {_TERMS.format(hex=_SQLITE_HEX)}
    FROM entries AS e LEFT JOIN entry_text_before AS o ON o.rowid = e.idx LEFT JOIN entry_search AS s ON s.idx = e.idx
    WHERE o.rowid IS NOT NULL OR e.type NOT IN {_UNSAID}
    """,
    "DROP TABLE entry_text_before",
)
_POSTGRESQL = (
    """
    CREATE FUNCTION pg_temp.daypass_hex(value text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT encode(convert_to(value, 'UTF8'), 'hex') $$
    """,
    """
    ALTER TABLE entry_text ADD COLUMN terms text NOT NULL DEFAULT '',
        ADD COLUMN terms_words tsvector GENERATED ALWAYS AS (to_tsvector('simple', terms)) STORED
    """,
    f"""
    INSERT INTO entry_text (rowid, text, tables, terms)
    SELECT e.idx, '', '', {_TERMS.format(hex=_POSTGRESQL_HEX)}
    FROM entries AS e LEFT JOIN entry_search AS s ON s.idx = e.idx WHERE e.type NOT IN {_UNSAID}
    ON CONFLICT (rowid) DO NOTHING
    """,
    f"""
    UPDATE entry_text AS o SET terms = {_TERMS.format(hex=_POSTGRESQL_HEX)}
    FROM entries AS e LEFT JOIN entry_search AS s ON s.idx = e.idx WHERE o.rowid = e.idx AND o.terms = ''
    """,
    "ALTER TABLE entry_text ALTER COLUMN terms DROP DEFAULT",
    "CREATE INDEX ix_entry_text_terms ON entry_text USING gin (terms_words)",
)


def upgrade() -> None:
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        # As it is: in SQLAlchemy's own text a colon would begin a parameter.
        op.get_bind().exec_driver_sql(statement)
