"""What SCRAM-SHA-256 (RFC 5802, RFC 7677) needs kept of a token: a salt for the name, and two keys.

The salt is made from the name and a secret of this installation, for names that nobody has too: a stranger who asks
how a name signs in learns nothing from the answer.
"""

from __future__ import annotations

import hashlib
import hmac

ITERATIONS = 4096
"""RFC 7677's minimum. A token holds 190 random bits, which no number of guesses reaches; more would only cost us."""

SALT_BYTES = 16
SECRET_BYTES = 32
KEY_BYTES = hashlib.sha256().digest_size


def salt(secret: bytes, name: str) -> bytes:
    """The salt of this name (in lower case, as addresses are compared)."""
    return hmac.digest(secret, name.strip().lower().encode(), "sha256")[:SALT_BYTES]


def keys(token: str, salt: bytes) -> tuple[bytes, bytes]:
    """StoredKey and ServerKey (RFC 5802, section 3): enough to check a proof and to answer it, not to make one."""
    salted = hashlib.pbkdf2_hmac("sha256", token.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")
