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

as_json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# SQLite numbers rows by itself only in a column declared exactly INTEGER.
_Serial = BigInteger().with_variant(Integer(), "sqlite")


def text_(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def maybe_text(name: str) -> Column[str]:
    return Column(name, Text)


def number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def maybe_number(name: str) -> Column[int]:
    return Column(name, BigInteger)


people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    text_("name"),
    Column("groups", as_json, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("subject", Text, nullable=False, server_default="", index=True),
    Column("agent_of", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default="", index=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("stored_key", LargeBinary, nullable=False),
    Column("server_key", LargeBinary, nullable=False),
    number("created_at"),
    number("expires_at"),
    text_("label"),
    maybe_number("revoked_at"),
    maybe_number("last_used_at"),
    text_("last_used_from"),
    Column("scopes", as_json, nullable=False, server_default="[]"),
    Column("visit", Text, nullable=False, server_default=""),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    text_("state"),
    text_("requester"),
    Column("on_behalf_of", Text, index=True),
    Column("items", as_json, nullable=False),
    text_("reason"),
    text_("ticket"),
    number("duration_ms"),
    maybe_number("start_at"),
    text_("digest"),
    text_("digest_salt"),
    text_("policy"),
    text_("policy_digest"),
    text_("rule"),
    Column("stages", as_json, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("owes", as_json, nullable=False),
    number("created_at"),
    number("decide_by"),
    maybe_number("decided_at"),
    text_("decided_because"),
    Column("votes", as_json, nullable=False),
    Column("messages", as_json, nullable=False),
    maybe_text("grant"),
    maybe_text("extends"),
    Column("asked_by", Text, index=True),
    Column("bundle", Text, index=True),
    maybe_number("until"),
    Column("route", as_json),
    Column("target", Text, nullable=False, server_default=""),
    Column("role", Text, nullable=False, server_default=""),
    # With the id behind it, so that the newest of somebody, or in a state, are read in order and no others.
    Index("ix_requests_state", "state", "id"),
    Index("ix_requests_requester", "requester", "id"),
    Index("ix_requests_target", "target", "role", "id"),
)
"""`target` and `role`: of the first item, to find its like by."""

request_deciders = Table(
    "request_deciders",
    metadata,
    Column("request", Text, ForeignKey("requests.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Index("ix_request_deciders_person", "person", "request"),
)
"""Who may decide a request: what `stages` says, laid out for looking up by person."""

grants = Table(
    "grants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    Column("request", Text, ForeignKey("requests.id"), nullable=False, index=True),
    text_("person"),
    Column("target", Text, nullable=False, index=True),
    text_("role"),
    number("duration_ms"),
    maybe_number("start_at"),
    number("activate_by"),
    number("created_at"),
    text_("policy"),
    text_("rule"),
    maybe_number("activated_at"),
    maybe_number("expires_at"),
    maybe_number("ending_at"),
    maybe_number("ended_at"),
    text_("end_reason"),
    maybe_text("end_by"),
    text_("end_note"),
    Column("ending", as_json),
    Column("extensions", as_json, nullable=False),
    Column("owes", as_json, nullable=False),
    Column("scope", as_json, nullable=False, server_default="[]"),
    Index("ix_grants_person", "person", "state"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    text_("policy"),
    text_("text"),
    text_("was"),
    text_("digest"),
    text_("note"),
    text_("made_by"),
    number("made_at"),
    text_("decided_by"),
    maybe_number("decided_at"),
    text_("decided_note"),
)
"""Changed policy files that wait, or waited, for a second person."""

favourites = Table(
    "favourites",
    metadata,
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("wish", as_json, nullable=False),
    number("made_at"),
)
"""What people ask for again and again."""

obligations = Table(
    "obligations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    text_("kind"),
    Column("request", Text, ForeignKey("requests.id"), nullable=False, index=True),
    Column("grant", Text, nullable=False, index=True),
    text_("session"),
    Column("person", Text, nullable=False, index=True),
    Column("by", as_json, nullable=False),
    number("due_at"),
    number("created_at"),
    text_("otherwise"),
    Column("escalate", as_json, nullable=False),
    Column("drill", Boolean, nullable=False),
    maybe_number("done_at"),
    text_("done_by"),
    text_("note"),
    maybe_number("settled_at"),
    text_("settled_by"),
    text_("settled_note"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False, index=True),
    text_("public"),
    Column("fingerprint", Text, nullable=False, unique=True),
    number("enrolled_at"),
    maybe_number("revoked_at"),
)
"""Keys that people sign votes with: public halves only."""

codes = Table(
    "codes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("target", Text, nullable=False, index=True),
    Column("stored_key", LargeBinary, nullable=False),
    Column("server_key", LargeBinary, nullable=False),
    number("made_at"),
    number("expires_at"),
    maybe_number("used_at"),
    text_("used_by"),
)
"""Sealed one-time codes that break the glass of a target: verifiers only."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    text_("channel"),
    text_("person"),
    text_("kind"),
    Column("about", as_json, nullable=False),
    number("made_at"),
    Column("next_at", BigInteger, nullable=False, index=True),
    number("attempts"),
    maybe_number("sent_at"),
    text_("problem"),
    text_("thread"),
    Column("receipt", as_json, nullable=False),
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
    text_("token"),
    Column("target", Text, nullable=False, index=True),
    text_("protocol"),
    text_("role"),
    text_("node"),
    text_("client"),
    number("opened_at"),
    Column("mark", as_json, nullable=False),
    maybe_number("ended_at"),
    text_("end_reason"),
    text_("recording"),
    number("statements"),
    Column("ending", as_json),
    Column("look_at", BigInteger, index=True),
)

settings = Table("settings", metadata, Column("name", Text, primary_key=True), text_("value"))

pending = Table(
    "pending",
    metadata,
    Column("row", _Serial, primary_key=True, autoincrement=True),
    text_("id"),
    text_("type"),
    number("t"),
    text_("actor"),
    maybe_text("request"),
    maybe_text("grant"),
    maybe_text("session"),
    maybe_text("target"),
    maybe_number("statement"),
    Column("entry", LargeBinary, nullable=False),
    text_("chains"),
    text_("kind"),
    text_("effect"),
    text_("fingerprint"),
    text_("tables"),
    text_("text"),
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
    text_("actor"),
    maybe_text("request"),
    maybe_text("grant"),
    maybe_text("session"),
    maybe_text("target"),
    maybe_number("statement"),
    text_("leaf"),
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
    text_("tables"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("row", _Serial, primary_key=True, autoincrement=True),
    Column("sha256", Text, nullable=False, unique=True),
    text_("media"),
    Column("session", Text, index=True),
    Column("content", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

chains = Table("chains", metadata, Column("name", Text, primary_key=True), number("n"), text_("leaf"))
"""The newest link of each chain."""

locks = Table(
    "locks",
    metadata,
    Column("id", Text, primary_key=True),
    text_("scope"),
    text_("name"),
    text_("reason"),
    text_("made_by"),
    number("made_at"),
    Column("until", BigInteger, nullable=False, index=True),
    maybe_number("lifted_at"),
    text_("lifted_by"),
    text_("lifted_reason"),
)
"""What security has shut, and until when."""

log_state = Table("log_state", metadata, Column("name", Text, primary_key=True), number("size"))
"""One row, `log`: how many entries there are. Who moves it from the size it read owns the places between."""
