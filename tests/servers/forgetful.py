"""`daypass serve` on disks that forget: what was not synced is in the memory of this process, and goes with it.

    python tests/servers/forgetful.py --config FILE

`kill -9` of it is what a machine that stops is to `serve`, without stopping one. Of what was not synced, chance has
some on disk already, in any order, as a kernel writes back when it likes. Everything else is the real program.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from threading import RLock

from daypass.app.checking import check_settings
from daypass.app.clock import CLOCK
from daypass.app.running import Disks, run
from daypass.config import read_settings
from daypass.domain.errors import DaypassError
from daypass.ledger import durable, files

PAGE_BYTES = 512
"""What a disk writes as a whole: a record may be torn between two."""
WRITTEN_BACK = 0.3
"""How much of what nobody synced reaches the disk all the same."""


class JournalDisk:
    """Implements `ledger.files.Files`."""

    def __init__(self, chance: Random) -> None:
        self._real = files.Disk()
        self._chance = chance
        self._paths: dict[int, Path] = {}
        self._unsynced: dict[Path, list[tuple[int, bytes]]] = {}
        self._turn = RLock()

    def names(self, directory: Path) -> Sequence[str]:
        return self._real.names(directory)

    def create(self, path: Path, size: int) -> None:
        self._real.create(path, size)

    def rename(self, old: Path, new: Path) -> None:
        with self._turn:
            self._real.rename(old, new)
            if old in self._unsynced:
                self._unsynced[new] = self._unsynced.pop(old)

    def remove(self, path: Path) -> None:
        with self._turn:
            self._unsynced.pop(path, None)
            self._real.remove(path)

    def size(self, path: Path) -> int:
        return max([self._real.size(path), *(at + len(data) for at, data in self._unsynced.get(path, ()))])

    def read(self, path: Path, at: int, length: int) -> bytes:
        with self._turn:
            found = bytearray(self._real.read(path, at, length))
            for start, data in self._unsynced.get(path, ()):
                first, last = max(start, at), min(start + len(data), at + length)
                if first < last:
                    found.extend(bytes(max(0, last - at - len(found))))
                    found[first - at : last - at] = data[first - start : last - start]
            return bytes(found)

    def open(self, path: Path) -> int:
        handle = self._real.open(path)
        self._paths[handle] = path
        return handle

    def write(self, handle: int, data: bytes, at: int) -> None:
        with self._turn:
            self._unsynced.setdefault(self._paths[handle], []).append((at, data))
            for start in range(0, len(data), PAGE_BYTES):
                if self._chance.random() < WRITTEN_BACK:
                    self._real.write(handle, data[start : start + PAGE_BYTES], at + start)

    def map(self, handle: int, size: int) -> None:
        """None: what is written to a mapped file could not be held back."""

    def sync(self, handle: int) -> None:
        with self._turn:
            for at, data in self._unsynced.pop(self._paths[handle], ()):
                self._real.write(handle, data, at)
            self._real.sync(handle)

    def close(self, handle: int) -> None:
        del self._paths[handle]
        self._real.close(handle)

    def free_bytes(self, directory: Path) -> int:
        return self._real.free_bytes(directory)


class PublishedDisk:
    """Implements `ledger.durable.Files`: a file is there for us at once, and on disk once its folder was synced, if
    that folder's own name is."""

    def __init__(self, chance: Random) -> None:
        self._real = durable.Disk()
        self._chance = chance
        self._unsynced: dict[Path, tuple[bytes, int]] = {}
        self._turn = RLock()

    def read(self, path: Path) -> bytes | None:
        with self._turn:
            return self._unsynced[path][0] if path in self._unsynced else self._real.read(path)

    def private(self, path: Path) -> bool:
        with self._turn:
            return not self._unsynced[path][1] & 0o077 if path in self._unsynced else self._real.private(path)

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        with self._turn:
            self._unsynced[path] = (data, mode)
            if path.parent.is_dir() and self._chance.random() < WRITTEN_BACK:
                self._real.write(path, data, mode)

    def sync_folders(self, folders: Iterable[Path]) -> None:
        with self._turn:
            for folder in sorted(set(folders)):
                self._sync(folder)

    def _sync(self, folder: Path) -> None:
        if not folder.is_dir():
            return  # its own name is not on disk: what is in it could not be found
        for path in [path for path in self._unsynced if folder in path.parents]:
            below = path.relative_to(folder).parts
            if len(below) == 1:
                self._real.write(path, *self._unsynced.pop(path))
            else:
                (folder / below[0]).mkdir(exist_ok=True)
        self._real.sync_folders([folder])

    def remove_folder(self, path: Path) -> None:
        with self._turn:
            for file in [file for file in self._unsynced if file.parent == path]:
                del self._unsynced[file]
            self._real.remove_folder(path)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    file = Path(parser.parse_args().config)
    chance = Random(os.getpid())
    try:
        checked = check_settings(read_settings(file), CLOCK.now_ms())
        return run(checked, Disks(JournalDisk(chance), PublishedDisk(chance)))
    except DaypassError as problem:
        print(f"{problem.message}; {problem.hint}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
