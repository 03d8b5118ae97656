"""Sessions and facts for the tests of drafting and shipping, over the first protocol there is."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import count

from daypass.domain.statement import Fact
from daypass.ledger.drafting import SessionInfo
from daypass.ledger.facts import Recorded
from daypass.protocols import PROTOCOLS

PROTOCOL = next(iter(PROTOCOLS))
T_US = 1_790_000_000_000_000


def session_id(n: int) -> str:
    return f"01890a5d-ac96-774b-bcce-{n:012x}"


def info(n: int = 1) -> SessionInfo:
    return SessionInfo(
        session_id(n), "ana-id", "grant-id", "request-id", "orders", "write", PROTOCOL, T_US // 1000 - 50
    )


class Entropy:
    """Random bytes that are the same in every run."""

    def __init__(self) -> None:
        self._blocks: Iterator[int] = count()

    def __call__(self, size: int) -> bytes:
        blocks = (sha256(next(self._blocks).to_bytes(8, "big")).digest() for _ in range(size // 32 + 1))
        return b"".join(blocks)[:size]


def at(ms: float, fact: Fact, n: int = 1) -> Recorded:
    """A fact of session `n`, so many milliseconds after `T_US`."""
    return Recorded(session_id(n), T_US + int(ms * 1000), fact)
