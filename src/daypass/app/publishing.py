"""Publishing the log: what the sequencer has numbered goes into tiles and under a signed checkpoint, in a thread.

At least every second when something is new; a heartbeat entry when nothing was for a while, so that silence is sealed.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import structlog

from daypass.domain.errors import Unavailable
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.durable import Disk
from daypass.ledger.publisher import Publisher
from daypass.ledger.signer import SEED_BYTES, LogSigner, SignerRefused
from daypass.store.interface import Store

ENTRIES_MAX = 4096
"""Entries published in one step: sixteen full tiles, some milliseconds of hashing."""


ROLE = "publisher"
"""Of several nodes one publishes: it holds this role at the store."""
KEY = "log_vkey"
"""The setting that says which key signs the log of this store."""

log = structlog.get_logger()


class Publishing:
    """The published log of this node's site, in DATA/ledger, signed with the key in DATA/keys."""

    def __init__(self, store: Store, site: str, data: Path) -> None:
        self._store = store
        self._site = site
        self._data = data
        self._publisher: Publisher | None = None
        self._may_sign = False
        self._told = False

    @property
    def size(self) -> int:
        """How many entries the published checkpoint covers."""
        return self._publisher.published if self._publisher else 0

    async def open(self) -> None:
        """Read back what was published and signed. Raises Disagreement if it is not one log with the store."""
        self._publisher = await asyncio.to_thread(self._open)
        async with self._store.reading() as tx:
            newest = await tx.entries(since=max(self._publisher.size - 1, 0), limit=1)
        if self._publisher.size and not newest:
            raise Disagreement(f"{self._publisher.size} entries are published, but the store holds fewer: it is older")

    def _open(self) -> Publisher:
        disk = Disk()
        for name in ("keys", "ledger"):
            (self._data / name).mkdir(mode=0o700 if name == "keys" else 0o755, parents=True, exist_ok=True)
        try:
            signer = LogSigner(self._site, self._data / "keys", disk, os.urandom(SEED_BYTES))
        except SignerRefused as problem:
            raise Disagreement(str(problem)) from problem
        publisher = Publisher(self._data / "ledger", signer, disk)
        publisher.open()
        if publisher.pending is not None:
            publisher.release(publisher.pending)
        return publisher

    async def _may(self) -> bool:
        """Whether it is this node that publishes: it has the role, and the key that this log is signed with."""
        if not await self._store.hold(ROLE):
            return False
        if self._may_sign:
            return True
        own = (self._data / "ledger" / "vkey").read_text().strip()
        async with self._store.begin() as tx:
            known = await tx.setting(KEY)
            if known is None:
                await tx.save_setting(KEY, own)
        self._may_sign = known in (None, own)
        if not self._may_sign and not self._told:
            self._told = True
            log.error("another key signs this store's log: nothing is published here", key=known)
        return self._may_sign

    async def publish(self) -> int:
        """Publish what is new; returns how many entries. Raises Disagreement, or Unavailable where the disk fails."""
        publisher = self._publisher
        if publisher is None:
            raise Unavailable("the log is not open")
        if not await self._may():
            return 0
        count = 0
        while True:
            async with self._store.reading() as tx:
                found = await tx.entries(since=publisher.size, limit=ENTRIES_MAX)
            if not found:
                return count
            entries = [entry.entry for entry in found]
            try:
                await asyncio.to_thread(publisher.publish, found[0].index, entries)
            except OSError as problem:
                raise Unavailable(f"the log cannot be published: {problem}") from problem
            count += len(entries)
