"""Making receipts from the published files alone: whoever can read the log can make one, for any entry in it."""

from __future__ import annotations

from dataclasses import dataclass

from daypass.ledger.checkpoint import open_checkpoint
from daypass.ledger.merkle import inclusion_proof
from daypass.ledger.nodes import Nodes, Read
from daypass.ledger.note import VerifierKey
from daypass.ledger.proof import Proof, verify_proof
from daypass.ledger.tiles import WIDTH


@dataclass(frozen=True, slots=True)
class Receipt:
    """A `.tlog-proof` and the entry that it is for."""

    index: int
    entry: bytes
    proof: bytes


def make_receipt(read: Read, key: VerifierKey, index: int, checkpoint: bytes | None = None) -> Receipt:
    """The receipt of the entry at `index` under the published checkpoint (or the one given). It has been verified.

    Raises ValueError (NoteError among them) if the checkpoint does not cover the entry or does not hold, Disagreement
    where the tiles are incomplete.
    """
    raw = checkpoint if checkpoint is not None else read("checkpoint")
    if raw is None:
        raise ValueError("there is no checkpoint yet")
    size = open_checkpoint(raw, key).head.size
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is not published yet: the checkpoint covers {size} entries")
    nodes = Nodes(read, size)
    entry = nodes.entries(index // WIDTH)[index % WIDTH]
    proof = Proof(index, tuple(inclusion_proof(index, size, nodes)), raw)
    verify_proof(entry, proof, key)
    return Receipt(index, entry, proof.encode())
