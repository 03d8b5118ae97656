"""Syncing the journal's file in a process of its own, while the event loop goes on with what needs no record.

A thread would not do: it needs the interpreter before and after each `fdatasync`, and the loop holds that. An answer
that does not come (the process was killed) is an answer too: the journal then syncs itself. It looks at its own open
file for that, and a write that failed is told to every file that was open at the time, so that nothing is missed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol as Interface

import structlog

from daypass.ledger.syncer import ANSWER

log = structlog.get_logger(__name__)

Done = Callable[[int, float], None]
"""Is told how it went (0, an `errno`, or `GONE`), and how many seconds the sync itself took."""

GONE = -1
"""There is nobody to sync any more."""


class Syncing(Interface):
    """Syncs one file after the other, one request at a time."""

    def follow(self, handle: int) -> None:
        """From now on it is this open file that is synced. It stays the caller's to close."""

    def sync(self, done: Done) -> None:
        """Sync what was written so far, and say so, later. Not called again before that."""


class Apart:
    """`Syncing` by a process. Make it on the loop that is to be called on; `close` it there."""

    def __init__(self) -> None:
        """Raises `OSError` when the process cannot be started."""
        self._loop = asyncio.get_running_loop()
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            argv = [sys.executable, "-I", "-S", str(Path(__file__).with_name("syncer.py")), str(theirs.fileno())]
            self._process = subprocess.Popen(argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self.pid = self._process.pid
        self._orders.setblocking(False)
        self._done: Done | None = None
        self._gone = False
        self._loop.add_reader(self._orders, self._answered)

    def follow(self, handle: int) -> None:
        try:
            # Opened anew, so that a write that failed is told to both of us.
            other = os.open(f"/proc/self/fd/{handle}", os.O_RDWR | os.O_CLOEXEC)
            try:
                socket.send_fds(self._orders, [b"f"], [other])
            finally:
                os.close(other)
        except OSError as problem:
            self._lose(problem)

    def sync(self, done: Done) -> None:
        self._done = done
        try:
            if self._gone:
                raise BrokenPipeError
            self._orders.send(b"s")
        except OSError as problem:
            self._loop.call_soon(self._lose, problem)

    def close(self) -> None:
        """End the process."""
        self._loop.remove_reader(self._orders)
        self._orders.close()
        self._process.wait()

    def _answered(self) -> None:
        try:
            answer = self._orders.recv(ANSWER.size)
        except BlockingIOError:
            return
        except OSError as problem:
            self._lose(problem)
            return
        if not answer:
            self._lose(BrokenPipeError("its process ended"))
            return
        number, took_ns = ANSWER.unpack(answer)
        self._tell(number, took_ns / 1e9)

    def _lose(self, problem: OSError) -> None:
        if not self._gone:
            self._gone = True
            self._loop.remove_reader(self._orders)
            log.error("the journal is synced by this process from now on", problem=str(problem))
        self._tell(GONE, 0.0)

    def _tell(self, answer: int, took: float) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(answer, took)
