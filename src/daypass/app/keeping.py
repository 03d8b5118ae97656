"""`backup` and `restore`: the whole of a Daypass, in an order in which no part is ahead of what it rests on.

A backup may be taken while the gateway runs. The checkpoint and the signer's memory are copied first, then the tiles
that they cover, the journal, and the store last: so the store of a backup is never behind the log beside it. A store in
PostgreSQL is its own: `pg_dump` it afterwards.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from daypass.app.checking import Checked
from daypass.app.lock import locked
from daypass.domain.errors import Conflict, Unavailable
from daypass.ledger.durable import TEMPORARY
from daypass.store.opening import FILE, SQLITE

FIRST = ("ledger/vkey", "ledger/checkpoint", "keys/ledger.key", "keys/ledger.state")
"""What says how far the log goes; the tiles that are copied after it cover at least that."""
FOLDERS = ("keys", "tls", "ledger", "journal")
ATTEMPTS_MAX = 3
"""A partial tile may be taken away while its folder is read; the next look finds the full one."""


def backup(checked: Checked, to: Path) -> dict[str, Any]:
    """Copy everything into a folder that is not there yet. Raises Conflict, Unavailable."""
    data, store = checked.settings.data, checked.settings.store
    try:
        to.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise Conflict(f"{to} is there already", hint="name a folder that isn't") from None
    try:
        for name in FIRST:
            _copy(data / name, to / name)
        for name in FOLDERS:
            _copy_folder(data / name, to / name)
        if store == SQLITE:
            _copy_store(data / FILE, to / FILE)
        _sync(to)
        _sync_one(to.parent)
    except (OSError, sqlite3.Error) as problem:
        raise Unavailable(f"the backup is not complete: {problem}", hint=f"remove {to}, and try again") from None
    return {"id": str(to), "state": "COMPLETE" if store == SQLITE else "WITHOUT_STORE"}


def restore(checked: Checked, of: Path) -> dict[str, Any]:
    """Put a backup into a data directory in which nothing is yet. Raises Conflict, Unavailable."""
    data = checked.settings.data
    if not (of / "keys" / "ledger.key").is_file():
        raise Conflict(f"{of} is no backup of a Daypass", hint="give the folder that `daypass backup` made")
    with locked(data):
        if any((data / name).exists() for name in (*FOLDERS, FILE)):
            raise Conflict(f"{data} is not empty", hint="move it aside; nothing is ever written over")
        try:
            for name in FOLDERS:
                _copy_folder(of / name, data / name)
            _copy(of / FILE, data / FILE)
            _sync(data)
            _sync_one(data.parent)
        except OSError as problem:
            raise Unavailable(f"the restore is not complete: {problem}", hint=f"empty {data}, and try again") from None
    return {"id": str(data), "state": "RESTORED"}


def _copy(file: Path, to: Path) -> None:
    """A file with its mode and what it holds, if it is there and not copied already."""
    if file.is_file() and not to.exists():
        to.parent.mkdir(mode=file.parent.stat().st_mode & 0o777, parents=True, exist_ok=True)
        shutil.copy2(file, to)


def _copy_folder(folder: Path, to: Path) -> None:
    for attempt in range(ATTEMPTS_MAX):
        try:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.name.endswith(TEMPORARY):
                    _copy(path, to / path.relative_to(folder))
            return
        except FileNotFoundError:
            if attempt == ATTEMPTS_MAX - 1:
                raise


def _copy_store(file: Path, to: Path) -> None:
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as here, closing(sqlite3.connect(to)) as there:
        # All at once: one reader's view of the whole. In steps it would begin anew with every write.
        here.backup(there)


def _sync(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
