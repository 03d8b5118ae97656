"""The journal's next file, made and zeroed in a thread while the present one fills. Part of `journal`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from daypass.ledger.files import Files


class Ahead:
    """`ready` when there is one; `problem`: why the last try failed. Nothing of anybody's is in that file yet."""

    def __init__(self, files: Files, path: Path) -> None:
        self.ready = False
        self.problem: OSError | None = None
        self._files = files
        self._path = path
        self._task: asyncio.Future[None] | None = None

    def make(self, loop: asyncio.AbstractEventLoop, size: int) -> None:
        """Make one of `size` bytes, unless there is one or it is being made."""
        if self.ready or self._task is not None:
            return
        self._task = loop.run_in_executor(None, self._files.create, self._path, size)
        self._task.add_done_callback(self._made)

    def take(self, path: Path) -> None:
        """Give the one that is ready its name. Raises `OSError`."""
        self.ready = False
        self._files.rename(self._path, path)

    def _made(self, task: asyncio.Future[None]) -> None:
        self._task = None
        problem = None if task.cancelled() else task.exception()
        self.ready = not task.cancelled() and problem is None
        self.problem = problem if isinstance(problem, OSError) else None
