"""A disk in memory for published files: it forgets what was not synced, and fails at the operation it is told to."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

from daypass.ledger.durable import TEMPORARY, Unsynced


class Crash(BaseException):
    """The machine stopped. Not an Exception: no code may go on after it."""


class FailingFiles:
    """Implements `ledger.durable.Files`. A write is there for readers at once, and on disk when its folder and every
    folder above it have been synced; until then chance decides. A sync that fails once succeeds the next time, as in
    life: without what it failed for, unless something is written to the same folder again."""

    def __init__(self) -> None:
        self.there: dict[Path, bytes] = {}
        self.on_disk: dict[Path, bytes] = {}
        self.modes: dict[Path, int] = {}
        self.clean: set[Path] = set()
        """Folders that the operating system takes for synced, as it has told once that they are not."""
        self.operations = 0
        self.fail_at: int | None = None
        self.failure: BaseException = Crash()
        self.before = True

    def fail(self, after: int, failure: BaseException, before: bool = True) -> None:
        """Raise `failure` at the operation `after` this many; `before` or after it took effect."""
        self.fail_at, self.failure, self.before = self.operations + after, failure, before

    def crash(self, random: Random) -> None:
        """Lose what was not synced: each such change may or may not have reached the disk."""
        for path in sorted(self.there.keys() | self.on_disk.keys()):
            if self.there.get(path) != self.on_disk.get(path) and random.random() < 0.5:
                if path in self.there:
                    self.on_disk[path] = self.there[path]
                else:
                    del self.on_disk[path]
        self.there = dict(self.on_disk)
        self.fail_at = None

    def read(self, path: Path) -> bytes | None:
        return self.there.get(path)

    def private(self, path: Path) -> bool:
        return not self.modes[path] & 0o077

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        with self._operation():
            assert not path.name.endswith(TEMPORARY)
            self.there[path] = data
            self.modes[path] = mode
            self.clean.discard(path.parent)

    def sync_folders(self, folders: Iterable[Path]) -> None:
        for folder in sorted(set(folders)):
            try:
                with self._operation():
                    self._sync(folder)
            except OSError as problem:
                self.clean.add(folder)
                raise Unsynced(*problem.args) from problem

    def _sync(self, folder: Path) -> None:
        if folder in self.clean:
            return
        for path in [p for p in self.there.keys() | self.on_disk.keys() if p.parent == folder]:
            if path in self.there:
                self.on_disk[path] = self.there[path]
            else:
                self.on_disk.pop(path, None)

    def remove_folder(self, path: Path) -> None:
        with self._operation():
            for file in [p for p in self.there if p.parent == path]:
                del self.there[file]

    def _operation(self) -> _Operation:
        return _Operation(self)


class _Operation:
    def __init__(self, files: FailingFiles) -> None:
        self._files = files

    def __enter__(self) -> None:
        files = self._files
        files.operations += 1
        self._failing = files.operations == files.fail_at
        if self._failing and files.before:
            raise files.failure

    def __exit__(self, *_: object) -> None:
        if self._failing and not self._files.before:
            raise self._files.failure


def no_space() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def input_output() -> OSError:
    return OSError(errno.EIO, "Input/output error")


class Memory:
    """A `verify.Source` over the files of such a disk."""

    name = "memory"

    def __init__(self, files: dict[Path, bytes], root: Path) -> None:
        self._files = {path.relative_to(root).as_posix(): raw for path, raw in files.items() if root in path.parents}

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def read_all(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        return map(self.read, paths)

    def tiles(self) -> Iterator[str]:
        return (path for path in self._files if path.startswith("tile/"))
