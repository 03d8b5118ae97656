"""Recordings in parts, so that one of any length shows its first picture at once and can be entered anywhere. Pure.

A part is a run of whole chunks that together have about `PART_BYTES`. Every line of a recording of statements stands
by itself, so that a part needs nothing of those before it: its beginning is a keyframe. A protocol whose lines lean on
earlier ones (a terminal's screen) has to begin its chunks with what they lean on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import zstandard

from daypass.ledger.recording import QUESTION, RESULT

PART_BYTES = 1024 * 1024
"""What a browser has fetched, read and drawn in a fraction of a second."""
BEGINNING_BYTES = 18
"""What a Zstandard frame says its size in (RFC 8878, 3.1.1.1)."""
LINES_MAX = 200
"""Lines that are looked at for where a part begins; result rows alone may fill more, and then nobody can say."""

_QUESTION, _RESULT = f'"{QUESTION}"'.encode(), f'"{RESULT}"'.encode()
_CODE_WITHIN = 40
"""A line begins with its interval and its code; what else it says cannot come so early."""


def unpacked_bytes(beginning: bytes) -> int:
    """How long the content of a blob that begins like this is; 0 where it does not say (encrypted, or damaged)."""
    try:
        return max(zstandard.frame_content_size(beginning), 0)
    except zstandard.ZstdError:
        return 0


def parts_of(pieces: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of these pieces (place and length, in order): each as the place that it is behind, and its last one."""
    after = last = size = 0
    for place, length in pieces:
        last, size = place, size + length
        if size >= PART_BYTES:
            yield after, last
            after, size = last, 0
    if last > after or not after:
        yield after, last


def questions_in(content: bytes) -> bytes:
    """Only the statements of a chunk: of a long recording most lines are rows, and nobody has to read these for it."""
    return b"\n".join(line for line in content.split(b"\n") if _QUESTION in line[:_CODE_WITHIN])


def begins_with(content: bytes) -> tuple[int | None, int | None]:
    """The number and the time (ms) of the first statement, or outcome of one, in a chunk; None where there is none."""
    for line in content.split(b"\n", LINES_MAX)[:LINES_MAX]:
        if _QUESTION in line[:_CODE_WITHIN] or _RESULT in line[:_CODE_WITHIN]:
            try:
                payload = json.loads(json.loads(line)[2])
                return int(payload["n"]), int(payload["t"])
            except (ValueError, KeyError, TypeError, IndexError):
                return None, None
    return None, None
