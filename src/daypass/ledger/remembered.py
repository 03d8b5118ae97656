"""Checkpoints that somebody kept, alone or in a receipt, to compare a log with later. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.ledger.checkpoint import Checkpoint, SignedCheckpoint
from daypass.ledger.note import Note, NoteError, VerifierKey, verify
from daypass.ledger.proof import MAGIC, Proof
from daypass.ledger.tampering import Tampered


@dataclass(frozen=True, slots=True)
class Remembered:
    """A checkpoint and where it was kept; `proof` if it came inside a receipt."""

    name: str
    checkpoint: SignedCheckpoint
    proof: Proof | None = None


def remember(
    name: str, raw: bytes, key: VerifierKey, witnesses: Sequence[VerifierKey] = (), *, pinned: bool = False
) -> Remembered:
    """Read a checkpoint or a receipt that was kept.

    The log's key or one of the witnesses must have signed it: a cosignature alone is as good, as witnesses sign nothing
    that the log did not. Raises NoteError if none did, and Tampered if it names another key of the log's name: then the
    key that is published now is not the one that was published then. If `key` is `pinned`, it is not the log's word but
    the caller's, and that other signature, which nobody can check, says nothing of the log.
    """
    proof = Proof.parse(raw) if raw.startswith(MAGIC.encode()) else None
    note = Note.parse(raw if proof is None else proof.checkpoint)
    head = Checkpoint.parse(note.text)
    if head.origin != key.name:
        raise NoteError(f"it is of {head.origin}, not of {key.name}")
    if proof is not None and proof.index >= head.size:
        raise NoteError(f"it is for entry {proof.index}, but its checkpoint covers {head.size} entries")
    signed_by = verify(note, (key, *witnesses))
    if not signed_by:
        other = any(line.name == key.name and line.key_id != key.id for line in note.signatures)
        if other and pinned:
            raise NoteError(f"says that another key of {key.name} has signed it than {key}")
        if other:
            raise Tampered(f"{name}: was signed with another key of {key.name} than {key}", (str(note),))
        raise NoteError(f"no signature by {key.name}")
    return Remembered(name, SignedCheckpoint(head, note, signed_by), proof)
