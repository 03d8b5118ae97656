"""The tables of several nodes on one store. Part of `schema`, which says how columns are written."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text

from daypass.store.schema import as_json, metadata, number, text_

shipped = Table("shipped", metadata, Column("node", Text, primary_key=True), number("number"))
"""How far each node's journal is in the store."""

nodes = Table("nodes", metadata, Column("name", Text, primary_key=True), text_("home"), number("renewed_at"))
"""The nodes of this store: where each lives, and when it last said so, by the store's own clock."""

cuts = Table(
    "cuts",
    metadata,
    Column("session", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("node", Text, nullable=False, index=True),
    text_("reason"),
    text_("message"),
    text_("hint"),
    number("wanted_at"),
    Column("seen", as_json),
)
"""Sessions that `node` carries and another node wants ended; `seen` is what came of it."""
