"""A fault of ours for the log: what kind it is and where, and nothing of the values it happened with.

An ordinary traceback can hold a statement or a password in its message or its local variables.
"""

from __future__ import annotations

from traceback import extract_tb

FRAMES_MAX = 8
"""The innermost frames: they say where it went wrong; the outer ones are always the same."""


def fault_of(problem: BaseException) -> str:
    """Such as `KeyError at session.py:120 in _reply < relay.py:33 in take`."""
    frames = extract_tb(problem.__traceback__)[-FRAMES_MAX:]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}" for frame in reversed(frames)]
    return f"{type(problem).__name__} at {' < '.join(places)}"
