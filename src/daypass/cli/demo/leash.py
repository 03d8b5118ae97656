"""Servers that the demo and the tests start do not outlive them, not even when these are killed with -9."""

from __future__ import annotations

import ctypes
import signal
from contextlib import suppress

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent is gone. Linux only; elsewhere nothing happens."""


def leash() -> None:
    """Run in the child, before it becomes the server: SIGINT is a fast shutdown to all of them."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
