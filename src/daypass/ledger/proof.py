"""Receipts: `.tlog-proof` files (C2SP tlog-proof) that show offline that one entry stands in the log. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.ledger.checkpoint import SignedCheckpoint, open_checkpoint, parse_size
from daypass.ledger.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from daypass.ledger.note import NoteError, VerifierKey, decode64

MAGIC = "c2sp.org/tlog-proof@v1"
HASHES_MAX = 63
"""A tree below 2^63 leaves is at most this high."""


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, its inclusion proof, and the checkpoint (the raw note) that it leads to."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        lines = [MAGIC]
        if self.extra is not None:
            lines.append("extra " + base64.b64encode(self.extra).decode())
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(h).decode() for h in self.hashes]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint

    @classmethod
    def parse(cls, raw: bytes) -> Proof:
        """Read a `.tlog-proof`. Raises NoteError."""
        head, separator, checkpoint = raw.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise NoteError("a proof's head is ASCII") from error
        if not separator or lines.pop(0) != MAGIC:
            raise NoteError(f"a proof begins with the line {MAGIC}")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode64(lines.pop(0)[6:])
        if not lines or not lines[0].startswith("index "):
            raise NoteError("a proof says `index` and a decimal number")
        index = parse_size(lines.pop(0)[6:])
        hashes = tuple(decode64(line) for line in lines)
        if len(hashes) > HASHES_MAX or any(len(h) != HASH_BYTES for h in hashes):
            raise NoteError(f"a proof holds at most {HASHES_MAX} hashes of {HASH_BYTES} bytes")
        return cls(index, hashes, checkpoint, extra)


def verify_proof(
    entry: bytes, proof: Proof, key: VerifierKey, witnesses: Sequence[VerifierKey] = ()
) -> SignedCheckpoint:
    """The checkpoint that `entry` is shown to stand in. Raises NoteError if it is not shown."""
    opened = open_checkpoint(proof.checkpoint, key, witnesses)
    if not verify_inclusion(leaf_hash(entry), proof.index, opened.head.size, proof.hashes, opened.head.root):
        raise NoteError(f"the proof does not lead from this entry at index {proof.index} to the checkpoint's root")
    return opened
