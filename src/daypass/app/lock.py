"""One Daypass a data directory: a lock that the operating system lets go when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daypass.domain.errors import ConfigError, Conflict

LOCK = "lock"
SOCKET = "daypass.sock"
SOCKET_PATH_BYTES_MAX = 107
"""The longest path of a Unix socket on Linux (`sun_path` without its closing zero)."""


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the data directory, made if it isn't there. Raises Conflict if another process holds it."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise ConfigError(f"the data directory {data} cannot be used: {problem.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another Daypass runs on {data}", hint="stop it, or give this one another data:") from None
        yield
    finally:
        os.close(descriptor)


def socket_path(data: Path) -> Path:
    """Where the operator's verbs reach a running Daypass."""
    path = data / SOCKET
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        raise ConfigError(f"data: {data} is too long a path; its socket's may have {SOCKET_PATH_BYTES_MAX} bytes")
    return path
