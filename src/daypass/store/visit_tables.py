"""The tables of signing in. Part of `schema`, which says how columns are written."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text

from daypass.store.schema import as_json, maybe_number, metadata, number, text_

visits = Table(
    "visits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("verifier", LargeBinary, nullable=False, unique=True),
    text_("way"),
    number("opened_at"),
    Column("expires_at", BigInteger, nullable=False, index=True),
    number("seen_at"),
    text_("seen_from"),
    text_("token"),
    text_("issuer"),
    text_("subject"),
    text_("sid"),
    text_("hint"),
    maybe_number("passkey_at"),
    maybe_number("ended_at"),
)
"""Browsers in which somebody is signed in: verifiers only."""

flows = Table(
    "flows",
    metadata,
    Column("id", Text, primary_key=True),
    text_("kind"),
    text_("person"),
    Column("code", Text, nullable=False, index=True),
    Column("about", as_json, nullable=False),
    number("made_at"),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
"""What is begun and over in minutes: sign-ins at the provider, devices that wait, challenges."""

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("credential", Text, nullable=False, unique=True),
    Column("public", LargeBinary, nullable=False),
    text_("rp_id"),
    text_("origin"),
    text_("name"),
    number("counter"),
    Column("transports", as_json, nullable=False),
    text_("entry"),
    number("enrolled_at"),
    maybe_number("last_used_at"),
    maybe_number("removed_at"),
)
"""Passkeys: public keys only."""

passwords = Table(
    "passwords",
    metadata,
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    text_("hash"),
    number("set_at"),
)
"""Hashes of local people's passwords, with their parameters and salt."""
