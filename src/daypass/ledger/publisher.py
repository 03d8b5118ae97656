"""Puts sequenced entries where everyone can read them: bundles, tiles, then the signed checkpoint that covers them.

Order is all. What a checkpoint covers is durable before the signer remembers it, and the signer remembers it before
the checkpoint is given out; so after any crash the tiles have what was signed, and the newest head can be signed
again. Tiles are written once; if one is there already it must be the same. Partial ones are removed once a
full one covers them. Refuses to publish anything that does not continue what was published before.

    prepare    tiles and signature; readers see nothing yet (witnesses are asked here, ledger/cosigning.py)
    release    the checkpoint file, with whatever cosignatures it has by now
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from daypass.ledger.checkpoint import Checkpoint, open_checkpoint
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.durable import Files
from daypass.ledger.growth import Edge, outgrown
from daypass.ledger.merkle import tree_root
from daypass.ledger.nodes import Nodes
from daypass.ledger.note import NoteError, VerifierKey
from daypass.ledger.signer import LogSigner
from daypass.ledger.tiles import ENTRY_BYTES_MAX

CHECKPOINT = "checkpoint"
VKEY = "vkey"
TIDY_ATTEMPTS_KEPT = 10_000
"""How many folders of outgrown partial tiles are remembered while they cannot be removed; more stay for good."""


class Publisher:
    """The published log of one directory. Not thread-safe: one publication at a time."""

    def __init__(self, folder: Path, signer: LogSigner, files: Files) -> None:
        self._folder, self._signer, self._files = folder, signer, files
        self._edge = Edge()
        self._outgrown: list[str] = []
        self.published = 0
        """How many entries the published checkpoint covers."""
        self.pending: bytes | None = None
        """A signed checkpoint that is not published yet."""

    @property
    def size(self) -> int:
        """How many entries the newest signed checkpoint covers: the index of the entry to publish next."""
        return self._edge.size

    @property
    def vkey(self) -> VerifierKey:
        """The key that this log is verified with."""
        return self._signer.vkey

    def nodes(self) -> Nodes:
        """The hashes of the tree that was signed last, for proofs."""
        return Nodes(self._read, self.size)

    def open(self) -> None:
        """Read back what was published and what the signer remembers. Raises Disagreement unless they are one log.

        Call it once. If the signer remembers more than is published (a crash, or witnesses that were not reached),
        that head is signed again and `pending`.
        """
        memory, raw = self._signer.memory, self._read(CHECKPOINT)
        self._publish_vkey()
        head = self._head(raw) if raw is not None else Checkpoint(self._signer.vkey.name, 0, memory.root)
        if memory.size < head.size:
            raise Disagreement(
                f"the signer remembers {memory.size} entries, but a checkpoint of {head.size} is published"
            )
        nodes = Nodes(self._read, memory.size)
        self._edge = Edge.read(nodes, memory.root)
        if raw is not None and tree_root(head.size, nodes) != head.root:
            raise Disagreement(f"the published checkpoint of {head.size} entries is not of the log that was signed")
        self.published = head.size
        if raw is None or memory.size > head.size:
            self.pending = self._signer.sign(self._edge.frontier, self._edge.frontier)

    def publish(self, first: int, entries: Sequence[bytes]) -> bytes:
        """`prepare` and `release` at once, where no witness is asked. Returns the checkpoint."""
        checkpoint = self.prepare(first, entries)
        self.release(checkpoint)
        return checkpoint

    def prepare(self, first: int, entries: Sequence[bytes]) -> bytes:
        """Append entries from index `first` on, make them durable and sign the head over them; returns the checkpoint.

        Raises ValueError unless `first` is `size`, Disagreement, or OSError: then `size` says whether they were taken.
        """
        if first != self.size:
            raise ValueError(f"entry {self.size} comes next, not {first}")
        if any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
            raise ValueError(f"an entry is at most {ENTRY_BYTES_MAX} bytes")
        grown = self._edge.copy()
        files = grown.grow(entries)
        for path, data in files.items():
            self._write_once(path, data)
        self._files.sync_folders(self._folders(files))
        checkpoint = self._signer.sign(grown.frontier, self._edge.frontier)
        self._edge, self.pending = grown, checkpoint
        return checkpoint

    def release(self, checkpoint: bytes) -> None:
        """Publish the newest signed checkpoint; it may have got cosignatures since. Raises Disagreement, or OSError:
        then it is still `pending` and the same may be tried again."""
        head = self._head(checkpoint)
        if (head.size, head.root) != (self.size, self._edge.frontier.root()):
            raise Disagreement(
                f"asked to publish a checkpoint of {head.size} entries, but {self.size} were signed last"
            )
        self._files.write(self._folder / CHECKPOINT, checkpoint)
        self._files.sync_folders([self._folder, self._folder.parent])
        self._outgrown += outgrown(self.published, self.size)
        self.published, self.pending = self.size, None
        self._tidy()

    def _read(self, path: str) -> bytes | None:
        return self._files.read(self._folder / path)

    def _head(self, raw: bytes) -> Checkpoint:
        try:
            return open_checkpoint(raw, self._signer.vkey).head
        except NoteError as error:
            raise Disagreement(f"{self._folder / CHECKPOINT}: {error}") from error

    def _publish_vkey(self) -> None:
        line = f"{self._signer.vkey}\n".encode()
        present = self._read(VKEY)
        if present is None:
            self._files.write(self._folder / VKEY, line)
            self._files.sync_folders([self._folder, self._folder.parent])
        elif present != line:
            raise Disagreement(f"{self._folder / VKEY} is of another key than the signer's, {self._signer.vkey}")

    def _write_once(self, path: str, data: bytes) -> None:
        """Write a file that is not signed for yet. One that is there is left of an attempt that did not come to its
        end, so that it may be in memory alone: it is written anew, with the content that it has."""
        present = self._read(path)
        if present not in (None, data):
            raise Disagreement(f"{path} is already published with other content")
        self._files.write(self._folder / path, data)

    def _folders(self, paths: Iterable[str]) -> set[Path]:
        """The folders of these files and those above them, as these may be new as well."""
        folders = {self._folder}
        for path in paths:
            for folder in (self._folder / path).parents:
                if folder in folders:
                    break
                folders.add(folder)
        return folders

    def _tidy(self) -> None:
        """Remove partial tiles that were outgrown. What cannot be removed now is tried again at the next release: the
        checkpoint is out, and nothing that it needs is touched."""
        try:
            while self._outgrown:
                self._files.remove_folder(self._folder / self._outgrown[-1])
                self._outgrown.pop()
        except OSError:
            del self._outgrown[TIDY_ATTEMPTS_KEPT:]
