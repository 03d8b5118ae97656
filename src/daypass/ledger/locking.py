"""Bodies for others' eyes: encrypted with age (C2SP age) to recipients, opened with an identity that we do not have.

The gateway holds recipients only, so it writes what it cannot read. An identity comes from whoever replays or rebuilds,
and is forgotten with the call. Loaded only where it is used: most gateways and commands never need it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from daypass.domain.errors import Invalid
from daypass.ledger.entry import BodyDamaged

RECIPIENTS_MAX = 20
"""Each costs some hundred bytes in every body."""
IDENTITY_BYTES_MAX = 64 * 1024
"""A file of identities is a few lines."""


def locking(recipients: Sequence[str]) -> Callable[[bytes], bytes] | None:
    """What encrypts to these recipients (`age1…`); None where there are none. Raises Invalid."""
    if not recipients:
        return None
    if len(recipients) > RECIPIENTS_MAX:
        raise Invalid(f"there may be {RECIPIENTS_MAX} recipients at most")
    import pyrage

    try:
        keys = [pyrage.x25519.Recipient.from_str(one) for one in recipients]
    except pyrage.RecipientError as problem:
        raise Invalid(f"no age recipient: {problem}", hint="age-keygen prints one that begins with age1") from None

    def lock(stored: bytes) -> bytes:
        return bytes(pyrage.encrypt(stored, keys))

    return lock


def unlocking(identities: str) -> Callable[[bytes], bytes]:
    """What decrypts with the identities in this text, as age-keygen writes it. Raises Invalid."""
    import pyrage

    lines = [line.strip() for line in identities.splitlines()]
    try:
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        raise Invalid(
            "this is no age identity", hint="age-keygen writes one that begins with AGE-SECRET-KEY-1"
        ) from None
    if not keys:
        raise Invalid("there is no age identity in this file")

    def unlock(stored: bytes) -> bytes:
        try:
            return bytes(pyrage.decrypt(stored, keys))
        except pyrage.DecryptError as problem:
            raise BodyDamaged(f"this identity does not open this body: {problem}") from None

    return unlock
