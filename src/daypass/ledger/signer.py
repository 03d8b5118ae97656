"""The log's key, and its memory: it signs no tree head that is not a continuation of the last one that it signed.

The memory (`ledger.state`, beside the key) is written before a signature is given out, so that no crash can
make it forget.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from daypass.ledger.checkpoint import Checkpoint
from daypass.ledger.durable import Files
from daypass.ledger.merkle import EMPTY_ROOT, Frontier
from daypass.ledger.note import Note, VerifierKey, keypair, sign

SEED_BYTES = 32


class SignerRefused(Exception):
    """What was to be signed does not continue what was signed before. Says both."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The last tree head that was signed."""

    size: int = 0
    root: bytes = EMPTY_ROOT


def load_seed(path: Path, files: Files, entropy: bytes) -> bytes:
    """The 32 secret bytes in `path`; made from `entropy` on the first start, readable by the owner only."""
    raw = files.read(path)
    if raw is None:
        files.write(path, base64.b64encode(entropy) + b"\n", 0o600)
        files.sync_folders([path.parent])
        raw = base64.b64encode(entropy)
    elif os.stat(path).st_mode & 0o077:
        raise SignerRefused(
            f"{path} can be read by others than its owner: chmod 600 it, or replace the key if it leaked"
        )
    try:
        seed = base64.b64decode(raw.strip(), validate=True)
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        raise SignerRefused(f"{path} holds no key: base64 of {SEED_BYTES} bytes is expected")
    return seed


class LogSigner:
    """Signs checkpoints of one origin with one key."""

    def __init__(self, origin: str, folder: Path, files: Files, entropy: bytes) -> None:
        """Open the key and the memory in `folder`; `entropy` is 32 random bytes for a first start."""
        self._files = files
        self._state = folder / "ledger.state"
        self.key, self._signer = keypair(origin, load_seed(folder / "ledger.key", files, entropy))
        raw = files.read(self._state)
        if raw is None:
            self.memory = Memory()
        else:
            state = json.loads(raw)
            self.memory = Memory(state["size"], bytes.fromhex(state["root"]))

    @property
    def vkey(self) -> VerifierKey:
        """The public half, to be given to everyone who verifies."""
        return self.key

    def sign(self, frontier: Frontier, before: Frontier) -> bytes:
        """Sign the head of `frontier`, which was grown from `before`. Raises SignerRefused unless `before` is what was
        signed last."""
        if (before.size, before.root()) != (self.memory.size, self.memory.root):
            raise SignerRefused(
                f"last signed: {self.memory.size} entries with root {self.memory.root.hex()}; "
                f"asked to continue: {before.size} entries with root {before.root().hex()}"
            )
        if frontier.size < before.size:
            raise SignerRefused(f"asked to sign {frontier.size} entries after {before.size}")
        head = Checkpoint(self.key.name, frontier.size, frontier.root())
        self._remember(head)
        return str(Note(head.text, (sign(head.text, self.key, self._signer),))).encode()

    def _remember(self, head: Checkpoint) -> None:
        state = json.dumps({"size": head.size, "root": head.root.hex()}) + "\n"
        self._files.write(self._state, state.encode(), 0o600)
        self._files.sync_folders([self._state.parent])
        self.memory = Memory(head.size, head.root)
