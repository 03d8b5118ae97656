"""Where the verifier reads a published log from: a directory, or a URL. Standard library only.

Everything that is read has a limit, as the one who publishes it is the one who is being checked.
"""

from __future__ import annotations

import os
import ssl
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Protocol as Interface

READ_BYTES_MAX = 256 * (2 + 0xFFFF)
"""The largest file a log can hold: a full bundle of the longest entries."""
TIMEOUT_SECONDS = 30
"""A server that says nothing for this long could not be checked."""
REQUESTS_AT_ONCE = 8
"""Polite to a server, and enough to hide the time that an answer takes to arrive."""
_GZIP = 16 + zlib.MAX_WBITS


class Unreadable(Exception):
    """A file of the log could not be read: that is neither intact nor tampered. One line says which and why."""


class Source(Interface):
    """A published log. Can be pickled."""

    @property
    def name(self) -> str:
        """What it was called on the command line."""

    def read(self, path: str) -> bytes | None:
        """The file's content, None where there is no such file. Raises Unreadable."""

    def read_all(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        """The contents of several files, in order."""

    def tiles(self) -> Iterator[str]:
        """The paths of all files below `tile/` that are there, as far as that can be known."""


class Directory:
    """A log as files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = str(root)

    def read(self, path: str) -> bytes | None:
        try:
            with open(f"{self.root}/{path}", "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                raw = file.read(min(size, READ_BYTES_MAX) + 1) or b""
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise Unreadable(f"{self.root / path}: {error.strerror}") from error
        if len(raw) > READ_BYTES_MAX:
            raise Unreadable(f"{self.root / path}: larger than any file of a log can be")
        return raw

    def read_all(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        return map(self.read, paths)

    def tiles(self) -> Iterator[str]:
        top = str(self.root)
        # Links are followed, as they are in reading; where they lead in circles, the names are soon none of a tile.
        for folder, _, names in os.walk(os.path.join(top, "tile"), onerror=_gone_or_raise, followlinks=True):
            below = folder[len(top) :].replace(os.sep, "/").lstrip("/")
            for name in names:
                yield f"{below}/{name}"


def _gone_or_raise(error: OSError) -> None:
    """A folder of partial tiles may go while a log that is being published to is listed."""
    if not isinstance(error, FileNotFoundError):
        raise Unreadable(f"{error.filename}: {error.strerror}") from error


class Url:
    """A log over HTTP. Which files there are cannot be listed."""

    def __init__(self, url: str, token: str = "", ca: str | None = None) -> None:
        """`token`: for a log that only auditors may read. `ca`: the file of the certificate authority to trust, if not
        the machine's."""
        self.root = url.rstrip("/")
        self._ca = ca
        self._headers = {"Accept-Encoding": "gzip, identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self.name = url

    def read(self, path: str) -> bytes | None:
        request = urllib.request.Request(f"{self.root}/{path}", headers=self._headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=_trust(self._ca)) as response:
                raw = _body(response)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return None
            raise Unreadable(f"{self.root}/{path}: HTTP {error.code}") from error
        except (OSError, ValueError, HTTPException, zlib.error) as error:
            raise Unreadable(f"{self.root}/{path}: {error or type(error).__name__}") from error
        if len(raw) > READ_BYTES_MAX:
            raise Unreadable(f"{self.root}/{path}: larger than any file of a log can be")
        return raw

    def read_all(self, paths: Sequence[str]) -> Iterator[bytes | None]:
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as threads:
            for first in range(0, len(paths), 2 * REQUESTS_AT_ONCE):
                yield from threads.map(self.read, paths[first : first + 2 * REQUESTS_AT_ONCE])

    def tiles(self) -> Iterator[str]:
        return iter(())


def _body(response: HTTPResponse) -> bytes:
    raw = response.read(READ_BYTES_MAX + 1)
    if response.length and len(raw) <= READ_BYTES_MAX:  # before Python 3.15 it returns what there is
        raise ValueError("the answer breaks off")
    if response.headers.get("Content-Encoding", "identity") != "gzip":
        return raw
    unpacking = zlib.decompressobj(_GZIP)
    whole = unpacking.decompress(raw, READ_BYTES_MAX + 1)
    if not unpacking.eof and len(whole) <= READ_BYTES_MAX:
        raise ValueError("the compressed answer breaks off")
    return whole


@cache
def _trust(ca: str | None) -> ssl.SSLContext | None:
    """What a server's certificate is checked with; None: as the machine does. Raises OSError."""
    return ssl.create_default_context(cafile=ca) if ca else None


def open_source(name: str, token: str = "", ca: str | None = None) -> Source:
    """A source by what the command line says. Raises Unreadable for a directory that is not there."""
    if name.startswith(("http://", "https://")):
        return Url(name, token, ca)
    root = Path(name)
    if not root.is_dir():
        raise Unreadable(f"{name}: no such directory (give the folder that holds `checkpoint`, or its URL)")
    return Directory(root)
