"""PBKDF2 off the loop: a target's iteration count is the target's choice, and must not stop everybody else."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from hashlib import pbkdf2_hmac, sha256

from daypass.domain.errors import Invalid

KEPT = 256
"""Derived keys kept: one for each login of each target, as its salt changes only with its password."""

ITERATIONS_MAX = 1_000_000
"""About half a second of one core; a server that asks for more is not a server to sign in to (RFC 7677 says 4096)."""


class Deriver:
    """PBKDF2-HMAC-SHA-256, cached. Two that ask for the same at once share one computation."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, asyncio.Future[bytes]] = OrderedDict()

    async def derive(self, password: str, salt: bytes, iterations: int) -> bytes:
        """Raises `Invalid` for an iteration count that is out of bounds."""
        if not 1 <= iterations <= ITERATIONS_MAX:
            raise Invalid(f"the target asks for {iterations} iterations of its password hash")
        secret = password.encode()
        # Passwords are not kept as keys of a cache: their hash serves.
        key = sha256(sha256(secret).digest() + iterations.to_bytes(4, "big") + salt).digest()
        known = self._known.get(key)
        if known is None:
            loop = asyncio.get_running_loop()
            known = loop.run_in_executor(None, pbkdf2_hmac, "sha256", secret, salt, iterations)
            self._known[key] = known
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return await asyncio.shield(known)
