"""User codes (RFC 8628, 6.1): short ones that people type, or tell each other."""

from __future__ import annotations

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no words come of it, and nothing that looks like something else."""
CODE_CHARS = 8
ENTROPY_BYTES = 16
"""More than there are codes (20^8), so that each is as likely as any other."""


def make(entropy: bytes) -> str:
    """A code from this randomness."""
    number = int.from_bytes(entropy, "big")
    return "".join(LETTERS[number // 20**place % 20] for place in range(CODE_CHARS))


def plain(code: str) -> str:
    """A code as it is kept, however it was typed."""
    return "".join(one for one in code.upper() if one in LETTERS)
