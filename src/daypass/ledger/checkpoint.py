"""Checkpoints: signed tree heads (C2SP tlog-checkpoint). Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.ledger.merkle import EMPTY_ROOT, HASH_BYTES
from daypass.ledger.note import Note, NoteError, VerifierKey, decode64, verify

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
SIZE_MAX = 2**63 - 1


def parse_size(text: str) -> int:
    """A decimal number of leaves without leading zeroes, below 2^63. Raises NoteError."""
    if not _DECIMAL.fullmatch(text) or int(text) > SIZE_MAX:
        raise NoteError(f"not a decimal number below 2^63: {text[:30]!r}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: which log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text: three lines, no extensions."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note text. Raises NoteError. Extension lines are allowed and ignored."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteError("a checkpoint is an origin, a size and a root hash, each on a line")
        size, root = parse_size(lines[1]), decode64(lines[2])
        if len(root) != HASH_BYTES:
            raise NoteError(f"a checkpoint's root hash is {HASH_BYTES} bytes, not {len(root)}")
        if size == 0 and root != EMPTY_ROOT:
            raise NoteError("a checkpoint of no entries has another root than the tree of no leaves")
        return cls(lines[0], size, root)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as it was read: the head, the note, and which of the keys asked for signed it."""

    head: Checkpoint
    note: Note
    signed_by: tuple[VerifierKey, ...]


def open_checkpoint(raw: bytes, key: VerifierKey, witnesses: Sequence[VerifierKey] = ()) -> SignedCheckpoint:
    """Read a checkpoint that the log `key` must have signed. Raises NoteError if it did not, or for another origin."""
    note = Note.parse(raw)
    head = Checkpoint.parse(note.text)
    signed_by = verify(note, (key, *witnesses))
    if key not in signed_by:
        raise NoteError(f"no signature by {key.name}")
    if head.origin != key.name:
        raise NoteError(f"the checkpoint is of {head.origin}, the key of {key.name}")
    return SignedCheckpoint(head, note, signed_by)
