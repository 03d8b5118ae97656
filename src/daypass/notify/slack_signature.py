"""Whether a request comes from Slack, now: its signature `v0`, and its age. Pure.

https://docs.slack.dev/authentication/verifying-requests-from-slack/
"""

from __future__ import annotations

import hashlib
import hmac

from daypass.domain.errors import Unauthenticated

AGE_SECONDS_MAX = 300
"""What Slack says: an older request may be one that somebody kept."""


def check_signature(secret: str, timestamp: str, body: bytes, signature: str, now: float) -> None:
    """Raise `Unauthenticated` unless this very body was signed with our secret within the last five minutes. It says
    the same whatever is wrong."""
    made = "v0=" + hmac.digest(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hex()
    signed = hmac.compare_digest(made.encode(), signature.encode())
    fresh = timestamp.isascii() and timestamp.isdecimal() and abs(now - int(timestamp[:15])) <= AGE_SECONDS_MAX
    if not (secret and signed and fresh):
        raise Unauthenticated("this is not signed by our Slack app, or not now")
