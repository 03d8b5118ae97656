"""Whole files that are there or not there, whatever happens: temporary file, fsync, rename, fsync of the folder.

The one place where published files are written, so that a test can put a failing disk under it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol as Interface

TEMPORARY = ".new"
"""What the name of a file ends in until it is whole. Left-overs are overwritten by the next attempt."""


class Unsynced(OSError):
    """A sync failed: nothing can be known of what is on the disk, and the next sync may succeed without it."""


class Files(Interface):
    """The few things that publishing asks of a disk. All raise OSError.

    After most errors (a full disk) the same may be tried again. After Unsynced the caller stops; the next start writes
    anew what is not known to be on the disk.
    """

    def read(self, path: Path) -> bytes | None:
        """The content, None where there is no such file."""

    def private(self, path: Path) -> bool:
        """Whether only its owner can read this file."""

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        """Make or replace a file, whole; durable once `sync_folders` has been called for its folder."""

    def sync_folders(self, folders: Iterable[Path]) -> None:
        """Make the names in these folders durable."""

    def remove_folder(self, path: Path) -> None:
        """Take a folder and the files in it away, if it is there."""


class Disk:
    """The real one."""

    def read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def private(self, path: Path) -> bool:
        return not path.stat().st_mode & 0o077

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + TEMPORARY)
        try:
            _write_synced(temporary, data, mode)
            os.rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):  # the disk may be full, and what failed is raised anyway
                temporary.unlink()
            raise

    def sync_folders(self, folders: Iterable[Path]) -> None:
        for folder in sorted(set(folders)):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                _sync(fd)
            finally:
                os.close(fd)

    def remove_folder(self, path: Path) -> None:
        if path.is_dir():
            for file in path.iterdir():
                file.unlink()
            path.rmdir()


def _write_synced(path: Path, data: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        _sync(fd)
    finally:
        os.close(fd)


def _sync(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError as problem:
        raise Unsynced(*problem.args) from problem
