"""What a node has seen published of a log that another node publishes: a store that is behind that is an older one.

The node that publishes has its checkpoint to tell it so; the others remember the last entry that it covered, beside
their keys.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from time import monotonic
from typing import Any

from daypass.ledger.disagreement import Disagreement
from daypass.ledger.durable import Files
from daypass.store.interface import Store

PUBLISHED_SIZE = "log_published_size"
"""The setting in which the node that publishes says how many entries it has published."""
NOTED_SECONDS = 5.0
"""How often what is published is written down: what came since the last time would not be missed."""


class Seen:
    """The memory of one node of a shared store."""

    def __init__(self, store: Store, data: Path, disk: Files) -> None:
        self._store, self._file, self._disk = store, data / "keys" / "published.seen", disk
        self._size, self._leaf = 0, ""
        self._noted = -NOTED_SECONDS

    @property
    def size(self) -> int:
        """How many entries were seen published."""
        return self._size

    async def open(self) -> None:
        """Read what was seen; `look` compares it. Raises Disagreement where it cannot be read."""
        raw = await asyncio.to_thread(self._disk.read, self._file)
        try:
            told: dict[str, Any] = json.loads(raw) if raw is not None else {"size": 0, "leaf": ""}
            self._size, self._leaf = int(told["size"]), str(told["leaf"])
        except (ValueError, KeyError, TypeError) as problem:
            raise Disagreement(f"{self._file} cannot be read: {problem}") from None

    async def look(self) -> None:
        """See that the store still holds what was published, and note what is new. Raises Disagreement, OSError."""
        async with self._store.reading() as tx:
            held = await tx.leaves_and_bytes(since=self._size - 1, limit=1) if self._size else ()
            published = int(await tx.setting(PUBLISHED_SIZE) or 0)
            newest = await tx.leaves_and_bytes(since=published - 1, limit=1) if published > self._size else ()
        if self._size and [leaf for leaf, _ in held] != [self._leaf]:
            raise Disagreement(f"{self._size} entries were published, and this store does not hold them: it is older")
        if newest and monotonic() - self._noted >= NOTED_SECONDS:
            self._noted = monotonic()
            self._size, self._leaf = published, newest[0][0]
            await asyncio.to_thread(self._note)

    def _note(self) -> None:
        raw = json.dumps({"size": self._size, "leaf": self._leaf}) + "\n"
        self._disk.write(self._file, raw.encode(), 0o600)
        self._disk.sync_folders([self._file.parent])
