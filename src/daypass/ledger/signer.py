"""The log's key, and its memory: it signs no tree head that is not a continuation of the last one that it signed.

The memory (`ledger.state`, beside the key) is durable before a signature is given out, so that no crash can make it
forget.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from daypass.ledger.checkpoint import Checkpoint, open_checkpoint
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.durable import Files
from daypass.ledger.merkle import EMPTY_ROOT, HASH_BYTES, Frontier
from daypass.ledger.note import Note, NoteError, VerifierKey, keypair, sign

SEED_BYTES = 32


class SignerRefused(Disagreement):
    """What was to be signed does not continue what was signed before, or there is no key to sign with."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The last tree head that was signed."""

    size: int = 0
    root: bytes = EMPTY_ROOT


def load_seed(path: Path, files: Files, entropy: bytes) -> bytes:
    """The 32 secret bytes in `path`; made from `entropy` on the first start, readable by the owner only."""
    raw = files.read(path)
    if raw is None:
        raw = base64.b64encode(entropy) + b"\n"
        files.write(path, raw, 0o600)
        files.sync_folders([path.parent, path.parent.parent])
    elif not files.private(path):
        raise SignerRefused(
            f"{path} can be read by others than its owner", hint=f"chmod 600 {path}, or a new log if the key leaked"
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
        key = folder / "ledger.key"
        self.memory = _memory(self._state, files.read(self._state))
        if self.memory.size and files.read(key) is None:
            raise SignerRefused(f"{key} is gone, but {self.memory.size} entries were signed with it")
        self.key, self._signer = keypair(origin, load_seed(key, files, entropy))

    @property
    def vkey(self) -> VerifierKey:
        """The public half, to be given to everyone who verifies."""
        return self.key

    def sign(self, frontier: Frontier, before: Frontier) -> bytes:
        """Sign the head of `frontier`, which was grown from `before`. Raises SignerRefused unless `before` is what was
        signed last; OSError if it could not be remembered, and then nothing is signed."""
        if (before.size, before.root()) != (self.memory.size, self.memory.root):
            raise SignerRefused(
                f"last signed: {self.memory.size} entries with root {self.memory.root.hex()}; "
                f"asked to continue: {before.size} entries with root {before.root().hex()}"
            )
        head = Checkpoint(self.key.name, frontier.size, frontier.root())
        if head.size < before.size or (head.size == before.size and head.root != self.memory.root):
            raise SignerRefused(f"asked to sign {head.size} entries with another root after {before.size}")
        self._remember(head)
        return str(Note(head.text, (sign(head.text, self.key, self._signer),))).encode()

    def adopt(self, checkpoint: bytes) -> None:
        """Remember a later head from a checkpoint that this key signed (recovery from an older backup of the memory).

        The caller has checked that the published tiles have its root. Raises SignerRefused if this key did not sign it
        or if the memory is not older.
        """
        try:
            head = open_checkpoint(checkpoint, self.key).head
        except NoteError as error:
            raise SignerRefused(f"not a checkpoint of this log: {error}") from error
        if head.size < self.memory.size or (head.size == self.memory.size and head.root != self.memory.root):
            raise SignerRefused(f"a checkpoint of {head.size} entries, but {self.memory.size} were signed")
        self._remember(head)

    def _remember(self, head: Checkpoint) -> None:
        state = json.dumps({"size": head.size, "root": head.root.hex()}) + "\n"
        self._files.write(self._state, state.encode(), 0o600)
        self._files.sync_folders([self._state.parent])
        self.memory = Memory(head.size, head.root)


def _memory(path: Path, raw: bytes | None) -> Memory:
    if raw is None:
        return Memory()
    try:
        state = json.loads(raw)
        memory = Memory(int(state["size"]), bytes.fromhex(state["root"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SignerRefused(f"{path} cannot be read: {error}") from error
    if memory.size < 0 or len(memory.root) != HASH_BYTES:
        raise SignerRefused(f"{path} holds no tree head")
    return memory
