"""Puts sequenced entries where everyone can read them: bundles, tiles, then the signed checkpoint that covers them.

Order is all: what a checkpoint covers is durable before the checkpoint is. Full tiles are written once; if one is there
already it must be the same. Partial ones are removed once a full one covers them. Refuses to publish anything that
does not continue what was published before.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daypass.ledger.checkpoint import Checkpoint, open_checkpoint
from daypass.ledger.durable import Files
from daypass.ledger.merkle import Frontier, leaf_hash, peaks_of, reduce_pairs
from daypass.ledger.note import NoteError
from daypass.ledger.signer import LogSigner
from daypass.ledger.tiles import HEIGHT, WIDTH, bundle_path, decode_bundle, decode_tile, encode_bundle, tile_path


class Disagreement(Exception):
    """What is published, what the signer remembers and what the store holds are not one log. Says what differs and
    what to do about it; until then nothing is signed."""


class Nodes:
    """The hashes of a published tree, read from its tiles: `nodes(level, n)` as `merkle.Node`."""

    def __init__(self, folder: Path, files: Files, size: int) -> None:
        self._folder, self._files, self._size = folder, files, size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, n: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        number, offset = divmod(n << height, WIDTH)
        hashes = self.tile(tile_level, number)[offset : offset + (1 << height)]
        if len(hashes) != 1 << height:
            raise Disagreement(f"{tile_path(tile_level, number)}: too short for a tree of {self._size} entries")
        while len(hashes) > 1:
            hashes = reduce_pairs(hashes)
        return hashes[0]

    def tile(self, level: int, number: int) -> list[bytes]:
        """The hashes of one tile at this size (or of the larger tile that has taken its place)."""
        if (level, number) not in self._tiles:
            width = min(WIDTH, (self._size >> HEIGHT * level) - number * WIDTH)
            for path in dict.fromkeys((tile_path(level, number, width), tile_path(level, number))):
                raw = self._files.read(self._folder / path)
                if raw is not None:
                    self._tiles[level, number] = decode_tile(raw)[:width]
                    break
            else:
                raise Disagreement(f"{tile_path(level, number, width)} is missing from the published log")
        return self._tiles[level, number]


class Publisher:
    """The published log of one directory. Not thread-safe: one publication at a time."""

    def __init__(self, folder: Path, signer: LogSigner, files: Files) -> None:
        self._folder, self._signer, self._files = folder, signer, files
        self.frontier = Frontier()
        self._edge: list[bytes] = []
        """The entries of the last, partial bundle."""
        self._hashes: list[list[bytes]] = [[]]
        """Per level, the hashes of its last, partial tile."""

    @property
    def size(self) -> int:
        """How many entries the published checkpoint covers."""
        return self.frontier.size

    def open(self) -> None:
        """Read back what was published and what the signer remembers. Raises Disagreement unless they are one log."""
        raw = self._files.read(self._folder / "checkpoint")
        memory = self._signer.memory
        if raw is None:
            if memory.size:
                raise Disagreement(f"{memory.size} entries were signed, but {self._folder} holds no checkpoint")
            self._files.write(self._folder / "vkey", f"{self._signer.vkey}\n".encode())
            self._write_checkpoint(Frontier())
            return
        try:
            head = open_checkpoint(raw, self._signer.vkey).head
        except NoteError as error:
            raise Disagreement(f"{self._folder}/checkpoint: {error}") from error
        if memory.size < head.size:
            raise Disagreement(
                f"the signer remembers {memory.size} entries, but a checkpoint of {head.size} is published"
            )
        if memory.size > head.size:
            self._resume(head)
        else:
            self._load(head)

    def _resume(self, head: Checkpoint) -> None:
        """A crash came between the signer's memory and the checkpoint's file: sign the remembered head again."""
        memory = self._signer.memory
        remembered = Checkpoint(head.origin, memory.size, memory.root)
        self._load(remembered)
        self._write_checkpoint(self.frontier)

    def _load(self, head: Checkpoint) -> None:
        nodes = Nodes(self._folder, self._files, head.size)
        self.frontier = Frontier(head.size, peaks_of(head.size, nodes))
        if self.frontier.root() != head.root:
            raise Disagreement(f"the published tiles do not have the root that was signed for {head.size} entries")
        self._hashes = []
        level = 0
        while count := head.size >> HEIGHT * level:
            self._hashes.append(nodes.tile(level, count // WIDTH) if count % WIDTH else [])
            level += 1
        self._hashes = self._hashes or [[]]
        self._edge = self._entries(head.size // WIDTH, head.size % WIDTH)

    def _entries(self, number: int, width: int) -> list[bytes]:
        if not width:
            return []
        for path in (bundle_path(number, width), bundle_path(number)):
            raw = self._files.read(self._folder / path)
            if raw is not None:
                entries = decode_bundle(raw)[:width]
                if [leaf_hash(entry) for entry in entries] == self._hashes[0]:
                    return entries
        raise Disagreement(f"{bundle_path(number, width)} is missing or does not hash to its tile")

    def leaves(self, number: int) -> list[bytes]:
        """The published leaf hashes of one level 0 tile, for comparing the store with them."""
        return Nodes(self._folder, self._files, self.size).tile(0, number)

    def publish(self, entries: Sequence[bytes]) -> bytes:
        """Append entries, make them durable, sign and publish the checkpoint over them; returns the checkpoint.

        Raises OSError with nothing published (the same call again is safe), or Disagreement.
        """
        grown = _Growth(self.frontier, self._edge, self._hashes)
        for entry in entries:
            grown.add(entry)
        written: dict[str, bytes] = grown.files()
        for path, data in written.items():
            self._write(path, data)
        self._files.sync_folders(self._folders(written))
        checkpoint = self._write_checkpoint(grown.frontier)
        before, self.frontier, self._edge, self._hashes = self.size, grown.frontier, grown.edge, grown.hashes
        self._remove_partials(before, self.size)
        return checkpoint

    def _folders(self, paths: dict[str, bytes]) -> set[Path]:
        """The folders of these files and the folders above them, as these may be new as well."""
        folders = {self._folder}
        for path in paths:
            for folder in (self._folder / path).parents:
                if folder == self._folder or folder in folders:
                    break
                folders.add(folder)
        return folders

    def _write(self, path: str, data: bytes) -> None:
        file = self._folder / path
        present = self._files.read(file)
        if present is None:
            self._files.write(file, data)
        elif present != data:
            raise Disagreement(f"{path} is already published with other content")

    def _write_checkpoint(self, frontier: Frontier) -> bytes:
        before = self.frontier
        checkpoint = self._signer.sign(frontier, before)
        self._files.write(self._folder / "checkpoint", checkpoint)
        self._files.sync_folders([self._folder])
        return checkpoint

    def _remove_partials(self, before: int, after: int) -> None:
        """Take away partial files of tiles that became full; those of earlier sizes within a tile stay till then."""
        level = 0
        while before >> HEIGHT * level:
            number = (before >> HEIGHT * level) // WIDTH
            if (after >> HEIGHT * level) // WIDTH > number:
                paths = [tile_path(level, number, 1)] + ([bundle_path(number, 1)] if level == 0 else [])
                for path in paths:
                    folder = (self._folder / path).parent
                    for file in sorted(folder.glob("*")) if folder.is_dir() else []:
                        self._files.remove(file)
                    if folder.is_dir():
                        folder.rmdir()
            level += 1


class _Growth:
    """What publishing some entries would add: the new right edge and the files, nothing written yet."""

    def __init__(self, frontier: Frontier, edge: Sequence[bytes], hashes: Sequence[Sequence[bytes]]) -> None:
        self.frontier = Frontier(frontier.size, frontier.peaks)
        self.edge = list(edge)
        self.hashes = [list(level) for level in hashes]
        self._files: dict[str, bytes] = {}
        self._touched: set[int] = set()

    def add(self, entry: bytes) -> None:
        leaf = leaf_hash(entry)
        self.edge.append(entry)
        number = self.frontier.size // WIDTH
        self.frontier.append(leaf)
        if len(self.edge) == WIDTH:
            self._files[bundle_path(number)] = encode_bundle(self.edge)
            self.edge = []
        self._hash(0, leaf)

    def _hash(self, level: int, value: bytes) -> None:
        if level == len(self.hashes):
            self.hashes.append([])
        tile = self.hashes[level]
        tile.append(value)
        self._touched.add(level)
        if len(tile) == WIDTH:
            number = (self.frontier.size >> HEIGHT * (level + 1)) - 1
            self._files[tile_path(level, number)] = b"".join(tile)
            self.hashes[level] = []
            while len(tile) > 1:
                tile = reduce_pairs(tile)
            self._hash(level + 1, tile[0])

    def files(self) -> dict[str, bytes]:
        """Every file that the new size needs and the old one had not."""
        size = self.frontier.size
        if self.edge:
            self._files[bundle_path(size // WIDTH, len(self.edge))] = encode_bundle(self.edge)
        for level in sorted(self._touched):
            if tile := self.hashes[level]:
                number = (size >> HEIGHT * level) // WIDTH
                self._files[tile_path(level, number, len(tile))] = b"".join(tile)
        return self._files
