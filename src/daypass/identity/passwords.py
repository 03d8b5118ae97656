"""Passwords of local people: argon2id, and which ones are taken. They are held for the time of a call, and written
nowhere.

Parameters are RFC 9106's second recommendation (64 MiB, three passes, four lanes), above OWASP's minimum of 19 MiB and
two. A hash with others is made anew at the next sign-in.
"""

from __future__ import annotations

import asyncio
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from daypass.domain.errors import Invalid, TooMany

CHARS_MIN = 15
"""NIST SP 800-63B-4: for a password that may stand alone. Spaces count, so that a few words do."""
CHARS_MAX = 256
GUESSES_MIN = 3
"""zxcvbn's score, 0 to 4: from here on a slow hash outlasts an offline attack."""
ESTIMATED_CHARS_MAX = 64
"""Of a long password so much is estimated: it takes time with the square of the length."""
SALT_BYTES = 16

AT_ONCE = 2
"""Hashes under way: each takes 64 MiB and a core."""
WAITING_MAX = 32
"""Who comes while so many wait is told to come again: they wait two seconds by then."""
WAITING_OF_ONE_MAX = 4
"""Of these from one address, so that nobody fills the room for others from there."""

T = TypeVar("T")


class Hashing:
    """Makes and checks hashes, off the event loop, few at once. `entropy` makes salts."""

    def __init__(self, entropy: Callable[[int], bytes], hasher: PasswordHasher | None = None) -> None:
        self._entropy = entropy
        self._hasher = hasher or PasswordHasher(
            time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=SALT_BYTES, type=Type.ID
        )
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting: Counter[str] = Counter()
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """The hash to keep."""
        salt = self._entropy(SALT_BYTES)
        return await self._run(partial(self._hasher.hash, _normal(password), salt=salt))

    async def matches(self, hash: str | None, password: str, who: str = "") -> bool:
        """Whether it is the password of this hash. None (nobody has one) takes as long, and is False. `who`: the
        address or person that asks. Raise `TooMany` while too many do."""
        if not self._nobody:
            self._nobody = await self.hash(self._entropy(SALT_BYTES).hex())
        found = await self._run(partial(self._verify, hash or self._nobody, password), who)
        return found and hash is not None

    def stale(self, hash: str) -> bool:
        """Whether it was made with other parameters than now."""
        return self._hasher.check_needs_rehash(hash)

    def _verify(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], who: str = "") -> T:
        if self._waiting.total() >= WAITING_MAX or (who and self._waiting[who] >= WAITING_OF_ONE_MAX):
            raise TooMany("too many people sign in at this moment", hint="try again in a few seconds", wait_ms=3000)
        self._waiting[who] += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting[who] -= 1
            self._waiting += Counter()  # forgets who has left


def _normal(password: str) -> bytes:
    """One spelling of the same characters (RFC 8265, OpaqueString), so that another keyboard types the same."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace")


async def check_strength(password: str, about: Sequence[str]) -> None:
    """Raise `Invalid` for a password that is too short, too long, common or easily guessed, also from `about`: what
    others know of its person. No service is asked; zxcvbn brings its lists."""
    if not CHARS_MIN <= len(password) <= CHARS_MAX:
        raise Invalid(
            f"a password has from {CHARS_MIN} to {CHARS_MAX} characters", hint="a few words that only you join"
        )
    score, why = await asyncio.to_thread(_estimate, password, about)
    if score < GUESSES_MIN:
        raise Invalid(
            f"this password is easily guessed{f' ({why})' if why else ''}", hint="a few words that only you join"
        )


_estimating = threading.Lock()
"""zxcvbn keeps what it was told of somebody in a global of its own."""


def _estimate(password: str, about: Sequence[str]) -> tuple[int, str]:
    from zxcvbn import zxcvbn

    known = [word for one in about for word in (one, *re.split(r"[^0-9A-Za-z]+", one)) if word]
    with _estimating:
        found = zxcvbn(password[:ESTIMATED_CHARS_MAX], user_inputs=known, max_length=ESTIMATED_CHARS_MAX)
    why = str(found["feedback"]["warning"] or "").rstrip(".")
    return int(found["score"]), why[:1].lower() + why[1:]
