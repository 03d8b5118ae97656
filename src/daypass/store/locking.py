"""What may be asked of a store about locks: a part of `interface.Transaction`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

from daypass.domain.lock import Lock


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: the newest `limit`, older than `before` (an id), if given."""

    limit: int = 100
    before: str | None = None


class Locking(Interface):
    """Locks, inside one commit."""

    async def locks(self, *, live_at: int | None = None, page: Page | None = None) -> Sequence[Lock]:
        """The newest first; `live_at`: only those that shut something then."""

    async def lock_for_change(self, id: str) -> Lock | None: ...
    async def save_lock(self, lock: Lock) -> None: ...
