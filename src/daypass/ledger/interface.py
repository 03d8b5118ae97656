"""What the ledger needs of the rooms beside it, so that it needs to know none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol as Interface

from daypass.domain.events import Draft


class Shelf(Interface):
    """Where the shipper puts drafts (a store)."""

    async def ship(self, node: str, first: int, last: int, drafts: Sequence[Draft]) -> None: ...

    async def shipped(self, node: str) -> int: ...

    @property
    def busy(self) -> bool:
        """Whether somebody who waits for an answer uses the store now."""
