"""The few file operations that the journal is made of, behind an interface, so that tests can bring a disk that forgets
what was not synced or is full. Never retries: the first `OSError` is the caller's to act on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from mmap import mmap
from pathlib import Path
from typing import Protocol as Interface

ZEROS = bytes(1 << 20)
"""Segments are zeroed in pieces of this size, so that a large one needs no memory of its own."""


class Files(Interface):
    """A disk. Every method raises `OSError` when it could not do all of what was asked."""

    def names(self, directory: Path) -> Sequence[str]:
        """The names in a directory, which is made if it does not exist."""

    def create(self, path: Path, size: int) -> None:
        """Make (or make anew) a file of `size` zeros, on disk with its name when this returns."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, on disk when this returns."""

    def remove(self, path: Path) -> None:
        """Take a file away for good."""

    def size(self, path: Path) -> int: ...

    def read(self, path: Path, at: int, length: int) -> bytes:
        """Up to `length` bytes from `at`; less only at the end of the file."""

    def open(self, path: Path) -> int:
        """Open an existing file for `write` and `sync`; returns a handle."""

    def write(self, handle: int, data: bytes, at: int) -> None: ...

    def map(self, handle: int, size: int) -> mmap | None:
        """The file as memory: what is stored there is in the operating system at once. None: this disk has no such."""

    def sync(self, handle: int) -> None:
        """What was written to this handle is on disk when this returns."""

    def close(self, handle: int) -> None: ...

    def free_bytes(self, directory: Path) -> int:
        """How much can still be written here."""


class Disk:
    """The real one."""

    def names(self, directory: Path) -> Sequence[str]:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.listdir(directory)

    def create(self, path: Path, size: int) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            for at in range(0, size, len(ZEROS)):
                self.write(handle, ZEROS[: size - at], at)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._sync_directory(path.parent)

    def rename(self, old: Path, new: Path) -> None:
        os.rename(old, new)
        self._sync_directory(new.parent)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def size(self, path: Path) -> int:
        return path.stat().st_size

    def read(self, path: Path, at: int, length: int) -> bytes:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(handle, length, at)
        finally:
            os.close(handle)

    def open(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def write(self, handle: int, data: bytes, at: int) -> None:
        if os.pwrite(handle, data, at) != len(data):
            raise OSError(f"wrote less than {len(data)} bytes")

    def map(self, handle: int, size: int) -> mmap | None:
        return mmap(handle, size)

    def sync(self, handle: int) -> None:
        os.fdatasync(handle)

    def close(self, handle: int) -> None:
        os.close(handle)

    def free_bytes(self, directory: Path) -> int:
        found = os.statvfs(directory)
        return found.f_bavail * found.f_frsize

    def _sync_directory(self, directory: Path) -> None:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
