"""Where the verifier reads a published log from: a directory, or a URL. Standard library only.

Everything that is read has a limit, as the one who publishes it is the one who is being checked.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol as Interface

READ_BYTES_MAX = 256 * (2 + 0xFFFF)
"""The largest file a log can hold: a full bundle of the longest entries."""
TIMEOUT_SECONDS = 30
"""A server that says nothing for this long could not be checked."""


class Unreadable(Exception):
    """A file of the log could not be read: that is neither intact nor tampered. One line says which and why."""


class Source(Interface):
    """A published log."""

    name: str

    def read(self, path: str) -> bytes | None:
        """The file's content, None where there is no such file. Raises Unreadable."""

    def tiles(self) -> Iterator[str]:
        """The paths of all files below `tile/` that are there, as far as that can be known."""


class Directory:
    """A log as files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = str(root)

    def read(self, path: str) -> bytes | None:
        try:
            with open(self.root / path, "rb") as file:
                raw = file.read(READ_BYTES_MAX + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Unreadable(f"{self.root / path}: {error.strerror}") from error
        if len(raw) > READ_BYTES_MAX:
            raise Unreadable(f"{self.root / path}: larger than any file of a log can be")
        return raw

    def tiles(self) -> Iterator[str]:
        for file in (self.root / "tile").rglob("*"):
            if file.is_file():
                yield file.relative_to(self.root).as_posix()


class Url:
    """A log over HTTP. Which files there are cannot be listed."""

    def __init__(self, url: str) -> None:
        self.root = url.rstrip("/")
        self.name = url

    def read(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(f"{self.root}/{path}", timeout=TIMEOUT_SECONDS) as response:
                raw: bytes = response.read(READ_BYTES_MAX + 1)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return None
            raise Unreadable(f"{self.root}/{path}: HTTP {error.code}") from error
        except (OSError, ValueError) as error:
            raise Unreadable(f"{self.root}/{path}: {error}") from error
        if len(raw) > READ_BYTES_MAX:
            raise Unreadable(f"{self.root}/{path}: larger than any file of a log can be")
        return raw

    def tiles(self) -> Iterator[str]:
        return iter(())


def open_source(name: str) -> Source:
    """A source by what the command line says. Raises Unreadable for a directory that is not there."""
    if name.startswith(("http://", "https://")):
        return Url(name)
    root = Path(name)
    if not root.is_dir():
        raise Unreadable(f"{name}: no such directory (give the folder that holds `checkpoint`, or its URL)")
    return Directory(root)
