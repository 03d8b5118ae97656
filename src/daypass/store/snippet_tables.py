"""The table of snippets. Part of `schema`, which says how columns are written."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text

from daypass.store.schema import metadata, number, text_

snippets = Table(
    "snippets",
    metadata,
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    text_("text"),
    number("saved_at"),
)
"""What people keep for the SQL console."""
