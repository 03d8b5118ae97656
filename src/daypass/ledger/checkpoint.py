"""Checkpoints: signed tree heads (C2SP tlog-checkpoint). Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.ledger.merkle import HASH_BYTES
from daypass.ledger.note import Note, NoteError, VerifierKey, verify

SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
"""A decimal without leading zeroes, below 2^63."""


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
        if not SIZE.fullmatch(lines[1]):
            raise NoteError(f"a checkpoint's size is a decimal number, not {lines[1][:30]!r}")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except ValueError as error:
            raise NoteError("a checkpoint's root hash is base64") from error
        if len(root) != HASH_BYTES:
            raise NoteError(f"a checkpoint's root hash is {HASH_BYTES} bytes, not {len(root)}")
        return cls(lines[0], int(lines[1]), root)


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
