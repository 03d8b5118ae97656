"""A disk in memory, with its faults as methods: it forgets what was not synced, fills up, and fails to sync."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from random import Random


class ForgetfulDisk:
    """Implements `ledger.files.Files`. What `crash` keeps of unsynced writes is up to chance, page by page, as in
    life: any of them may be on disk, in any order."""

    PAGE = 64

    def __init__(self) -> None:
        self.files: dict[Path, bytearray] = {}
        self.synced: dict[Path, bytes] = {}
        self.handles: dict[int, Path] = {}
        self.syncs = 0
        self.writes = 0
        self.free = 1 << 40
        self._failing: set[str] = set()

    # -- faults

    def fail(self, *operations: str) -> None:
        """From now on these operations (`write`, `sync`, `create`) raise ENOSPC or EIO."""
        self._failing = set(operations)

    def crash(self, random: Random) -> None:
        """The machine stops; the next one that opens the disk sees what is left."""
        for path, content in self.files.items():
            kept = bytearray(self.synced[path])
            for at in range(0, len(content), self.PAGE):
                if random.random() < 0.5:
                    kept[at : at + self.PAGE] = content[at : at + self.PAGE]
            self.files[path] = kept
        self.synced = {path: bytes(content) for path, content in self.files.items()}
        self.handles.clear()

    def _may(self, operation: str) -> None:
        if operation in self._failing:
            raise OSError(errno.EIO if operation == "sync" else errno.ENOSPC, f"{operation} failed")

    # -- Files

    def names(self, directory: Path) -> Sequence[str]:
        return [path.name for path in self.files if path.parent == directory]

    def create(self, path: Path, size: int) -> None:
        self._may("create")
        self.files[path] = bytearray(size)
        self.synced[path] = bytes(size)

    def rename(self, old: Path, new: Path) -> None:
        self.files[new], self.synced[new] = self.files.pop(old), self.synced.pop(old)

    def remove(self, path: Path) -> None:
        self.files.pop(path, None)
        self.synced.pop(path, None)

    def size(self, path: Path) -> int:
        return len(self.files[path])

    def read(self, path: Path, at: int, length: int) -> bytes:
        return bytes(self.files[path][at : at + length])

    def open(self, path: Path) -> int:
        handle = len(self.handles) + 1
        self.handles[handle] = path
        return handle

    def write(self, handle: int, data: bytes, at: int) -> None:
        self._may("write")
        self.writes += 1
        content = self.files[self.handles[handle]]
        content[at : at + len(data)] = data

    def map(self, handle: int, size: int) -> None:
        """Nothing is mapped: what is stored must come by here to be forgotten."""

    def sync(self, handle: int) -> None:
        self._may("sync")
        self.syncs += 1
        path = self.handles[handle]
        self.synced[path] = bytes(self.files[path])

    def close(self, handle: int) -> None:
        pass

    def free_bytes(self, directory: Path) -> int:
        return self.free
