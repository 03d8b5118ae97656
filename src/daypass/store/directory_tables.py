"""The tables of what a directory provisions. Part of `schema`, which says how columns are written."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from daypass.store.schema import maybe_number, maybe_text, metadata, number, text_

directory = Table(
    "directory",
    metadata,
    Column("id", Text, primary_key=True),
    text_("kind"),
    maybe_text("key"),
    text_("name"),
    text_("external_id"),
    text_("document"),
    number("created_at"),
    number("changed_at"),
    number("version"),
    maybe_number("gone_at"),
    Index("ix_directory_key", "kind", "key", unique=True),
    Index("ix_directory_external_id", "kind", "external_id"),
)
"""People (`id` is the account's) and groups as the directory says them. What it deleted has no `key`."""

members = Table(
    "members",
    metadata,
    Column("group", Text, ForeignKey("directory.id"), primary_key=True),
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Index("ix_members_person", "person"),
)
"""Who is in which of the directory's groups."""
