"""Webhooks that are signed as GitHub and Jira sign theirs: `sha256=` and the HMAC of the body, in hex."""

from __future__ import annotations

import hashlib
import hmac

from daypass.domain.errors import Unauthenticated


def check_signature(secret: str, signature: str, body: bytes) -> None:
    """Raise `Unauthenticated` unless `signature` is that of this body. Without a secret, nothing is."""
    wanted = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    if not secret or not hmac.compare_digest(wanted.encode(), signature.encode("latin-1", "replace")):
        raise Unauthenticated("this webhook is not signed by who it should come from")
