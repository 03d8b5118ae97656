"""The tables, once, for SQLite and PostgreSQL alike. What only one of them has (full text, triggers) is in migrations.

Nothing reads this to make a schema: `migrations` does that, and a test compares the two. Times are milliseconds since
1970; nested values are JSON. `entries` is the log and only ever grows; what can be made again from it and from the
remaining bodies (`entry_search`, the full-text index `entry_text`) stands beside it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

_Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# SQLite numbers rows by itself only in a column declared exactly INTEGER.
_Serial = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _maybe_text(name: str) -> Column[str]:
    return Column(name, Text)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _maybe_number(name: str) -> Column[int]:
    return Column(name, BigInteger)


people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    _text("name"),
    Column("groups", _Json, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("agent_of", Text, nullable=False, server_default=""),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("stored_key", LargeBinary, nullable=False),
    Column("server_key", LargeBinary, nullable=False),
    _number("created_at"),
    _number("expires_at"),
    _text("label"),
    _maybe_number("revoked_at"),
    _maybe_number("last_used_at"),
    _text("last_used_from"),
    Column("scopes", _Json, nullable=False, server_default="[]"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    Column("requester", Text, nullable=False, index=True),
    _maybe_text("on_behalf_of"),
    Column("items", _Json, nullable=False),
    _text("reason"),
    _text("ticket"),
    _number("duration_ms"),
    _maybe_number("start_at"),
    _text("digest"),
    _text("digest_salt"),
    _text("policy"),
    _text("policy_digest"),
    _text("rule"),
    Column("stages", _Json, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("owes", _Json, nullable=False),
    _number("created_at"),
    _number("decide_by"),
    _maybe_number("decided_at"),
    _text("decided_because"),
    Column("votes", _Json, nullable=False),
    Column("messages", _Json, nullable=False),
    _maybe_text("grant"),
    _maybe_text("extends"),
    _maybe_text("asked_by"),
    Column("bundle", Text, index=True),
    _maybe_number("until"),
    Column("route", _Json),
)

request_deciders = Table(
    "request_deciders",
    metadata,
    Column("request", Text, ForeignKey("requests.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Index("ix_request_deciders_person", "person"),
)
"""Who may decide a request: what `stages` says, laid out for looking up by person."""

grants = Table(
    "grants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    Column("request", Text, ForeignKey("requests.id"), nullable=False, index=True),
    Column("person", Text, nullable=False, index=True),
    Column("target", Text, nullable=False, index=True),
    _text("role"),
    _number("duration_ms"),
    _maybe_number("start_at"),
    _number("activate_by"),
    _number("created_at"),
    _text("policy"),
    _text("rule"),
    _maybe_number("activated_at"),
    _maybe_number("expires_at"),
    _maybe_number("ending_at"),
    _maybe_number("ended_at"),
    _text("end_reason"),
    _maybe_text("end_by"),
    _text("end_note"),
    Column("ending", _Json),
    Column("extensions", _Json, nullable=False),
    Column("owes", _Json, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    _text("policy"),
    _text("text"),
    _text("was"),
    _text("digest"),
    _text("note"),
    _text("made_by"),
    _number("made_at"),
    _text("decided_by"),
    _maybe_number("decided_at"),
    _text("decided_note"),
)
"""Changed policy files that wait, or waited, for a second person."""

favourites = Table(
    "favourites",
    metadata,
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("wish", _Json, nullable=False),
    _number("made_at"),
)
"""What people ask for again and again."""

obligations = Table(
    "obligations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    _text("kind"),
    Column("request", Text, ForeignKey("requests.id"), nullable=False, index=True),
    Column("grant", Text, nullable=False, index=True),
    _text("session"),
    Column("person", Text, nullable=False, index=True),
    Column("by", _Json, nullable=False),
    _number("due_at"),
    _number("created_at"),
    _text("otherwise"),
    Column("escalate", _Json, nullable=False),
    Column("drill", Boolean, nullable=False),
    _maybe_number("done_at"),
    _text("done_by"),
    _text("note"),
    _maybe_number("settled_at"),
    _text("settled_by"),
    _text("settled_note"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False, index=True),
    _text("public"),
    Column("fingerprint", Text, nullable=False, unique=True),
    _number("enrolled_at"),
    _maybe_number("revoked_at"),
)
"""Keys that people sign votes with: public halves only."""

codes = Table(
    "codes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("target", Text, nullable=False, index=True),
    Column("stored_key", LargeBinary, nullable=False),
    Column("server_key", LargeBinary, nullable=False),
    _number("made_at"),
    _number("expires_at"),
    _maybe_number("used_at"),
    _text("used_by"),
)
"""Sealed one-time codes that break the glass of a target: verifiers only."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    _text("channel"),
    _text("person"),
    _text("kind"),
    Column("about", _Json, nullable=False),
    _number("made_at"),
    Column("next_at", BigInteger, nullable=False, index=True),
    _number("attempts"),
    _maybe_number("sent_at"),
    _text("problem"),
    _text("thread"),
    Column("receipt", _Json, nullable=False),
    Index("ix_outbox_thread", "thread", "channel", "person"),
)
"""What people are told, until every channel has it. `next_at` is when it is tried next (0: it is over)."""

once = Table("once", metadata, Column("key", Text, primary_key=True), Column("until", BigInteger, nullable=False))
"""What is to happen once only (a reminder, a vote that came over a channel), and until when that matters."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    Column("grant", Text, ForeignKey("grants.id"), nullable=False, index=True),
    Column("request", Text, nullable=False, index=True),
    Column("person", Text, nullable=False, index=True),
    _text("token"),
    Column("target", Text, nullable=False, index=True),
    _text("protocol"),
    _text("role"),
    _text("node"),
    _text("client"),
    _number("opened_at"),
    Column("mark", _Json, nullable=False),
    _maybe_number("ended_at"),
    _text("end_reason"),
    _text("recording"),
    _number("statements"),
)

settings = Table("settings", metadata, Column("name", Text, primary_key=True), _text("value"))

pending = Table(
    "pending",
    metadata,
    Column("row", _Serial, primary_key=True, autoincrement=True),
    _text("id"),
    _text("type"),
    _number("t"),
    _text("actor"),
    _maybe_text("request"),
    _maybe_text("grant"),
    _maybe_text("session"),
    _maybe_text("target"),
    _maybe_number("statement"),
    Column("entry", LargeBinary, nullable=False),
    _text("chains"),
    _text("kind"),
    _text("effect"),
    _text("fingerprint"),
    _text("tables"),
    _text("text"),
    sqlite_autoincrement=True,
)
"""Committed drafts without an index, in the order of `row`. `chains` and `tables` hold one name a line."""

_OF_NO_SESSION = "session IS NULL"
# What stands in a session is found through the session: these indexes then stay small, and shipping fast.

entries = Table(
    "entries",
    metadata,
    Column("idx", _Serial, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False, index=True),
    Column("t", BigInteger, nullable=False, index=True),
    _text("actor"),
    _maybe_text("request"),
    _maybe_text("grant"),
    _maybe_text("session"),
    _maybe_text("target"),
    _maybe_number("statement"),
    _text("leaf"),
    Column("entry", LargeBinary, nullable=False),
)
"""The log. `idx` is contiguous from 0; `entry` holds the very bytes that `leaf` (hex) is the RFC 6962 hash of."""

for _column in ("actor", "request", "grant", "target"):
    Index(
        f"ix_entries_{_column}",
        entries.c[_column],
        sqlite_where=text(_OF_NO_SESSION),
        postgresql_where=text(_OF_NO_SESSION),
    )
Index(
    "ix_entries_session",
    entries.c.session,
    entries.c.statement,
    sqlite_where=text("session IS NOT NULL"),
    postgresql_where=text("session IS NOT NULL"),
)

entry_search = Table(
    "entry_search",
    metadata,
    Column("idx", _Serial, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False, index=True),
    Column("effect", Text, nullable=False, index=True),
    Column("fingerprint", Text, nullable=False, index=True),
    _text("tables"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("row", _Serial, primary_key=True, autoincrement=True),
    Column("sha256", Text, nullable=False, unique=True),
    _text("media"),
    Column("session", Text, index=True),
    Column("content", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

chains = Table("chains", metadata, Column("name", Text, primary_key=True), _number("n"), _text("leaf"))
"""The newest link of each chain."""

shipped = Table("shipped", metadata, Column("node", Text, primary_key=True), _number("number"))
"""How far each node's journal is in the store."""

nodes = Table("nodes", metadata, Column("name", Text, primary_key=True), _text("home"), _number("renewed_at"))
"""The nodes of this store: where each lives, and when it last said so, by the store's own clock."""

cuts = Table(
    "cuts",
    metadata,
    Column("session", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("node", Text, nullable=False, index=True),
    _text("reason"),
    _text("message"),
    _text("hint"),
    _number("wanted_at"),
    Column("seen", _Json),
)
"""Sessions that `node` carries and another node wants ended; `seen` is what came of it."""

locks = Table(
    "locks",
    metadata,
    Column("id", Text, primary_key=True),
    _text("scope"),
    _text("name"),
    _text("reason"),
    _text("made_by"),
    _number("made_at"),
    Column("until", BigInteger, nullable=False, index=True),
    _maybe_number("lifted_at"),
    _text("lifted_by"),
    _text("lifted_reason"),
)
"""What security has shut, and until when."""

log_state = Table("log_state", metadata, Column("name", Text, primary_key=True), _number("size"))
"""One row, `log`: how many entries there are. Who moves it from the size it read owns the places between."""
