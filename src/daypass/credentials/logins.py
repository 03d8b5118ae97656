"""Ephemeral logins as values: their names, their passwords, and the verifier that PostgreSQL keeps of one.

Pure. A login's password is made from its lease's key, so that every node knows it and none has to store it. What goes
to the server is a SCRAM verifier (RFC 5803's form), which the server stores as it is whatever `password_encryption`
says: the password itself stands in no statement and in no log.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode, urlsafe_b64encode
from uuid import UUID

from daypass.credentials.interface import KEY_BYTES

PREFIX = "daypass_"
NAME = r"^daypass_[0-9a-f]{32}$"
"""Every ephemeral login's name, and nothing else's; a regular expression for PostgreSQL too."""

GATE = "daypass_logins"
"""On servers before version 16, whose pg_hba.conf knows no patterns: a role that every ephemeral login joins, if it is
there, so that one line can name them all."""

OPTIONS_SINCE = 16
"""The first version whose memberships have options, so that a login need not be able to become its roles."""

ITERATIONS = 4096
"""RFC 7677's minimum. The password holds 256 random bits, which no number of guesses reaches."""

SALT_BYTES = 16


def login_name(grant: str) -> str:
    """The name of a grant's login: the whole id, so that it names its grant to whoever finds it."""
    return PREFIX + UUID(grant).hex


def grant_of(name: str) -> str | None:
    """The grant whose login has this name; None for a name that is not one of ours."""
    return str(UUID(name.removeprefix(PREFIX))) if re.fullmatch(NAME, name) else None


def password(key: bytes) -> str:
    """The password of the login with this key: 256 bits, in letters that need no preparing (RFC 4013)."""
    return urlsafe_b64encode(_derived(key, b"password")).decode().rstrip("=")


def verifier(key: bytes) -> str:
    """What the server checks the password of the login with this key against. The same each time."""
    salt = _derived(key, b"salt")[:SALT_BYTES]
    salted = hashlib.pbkdf2_hmac("sha256", password(key).encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _derived(key: bytes, what: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    return hmac.digest(key, b"daypass login " + what, "sha256")


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal, whatever `standard_conforming_strings` says."""
    escaped = text.replace("'", "''").replace("\\", "\\\\")
    return f" E'{escaped}'" if "\\" in text else f"'{escaped}'"
