"""What appending entries to a log adds to its published files. Pure: computes, writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from daypass.ledger.disagreement import Disagreement
from daypass.ledger.merkle import Frontier, leaf_hash, peaks_of, subtree_root
from daypass.ledger.nodes import Nodes
from daypass.ledger.tiles import HEIGHT, WIDTH, bundle_path, encode_bundle, tile_path


class Edge:
    """The right edge of a published log: its last, partial bundle and, per level, its last, partial tile."""

    def __init__(self) -> None:
        self.frontier = Frontier()
        self.entries: list[bytes] = []
        self.hashes: list[list[bytes]] = [[]]

    @property
    def size(self) -> int:
        return self.frontier.size

    def copy(self) -> Edge:
        """One that can grow while this one stays."""
        copy = Edge()
        copy.frontier = Frontier(self.frontier.size, self.frontier.peaks)
        copy.entries = list(self.entries)
        copy.hashes = [list(level) for level in self.hashes]
        return copy

    @classmethod
    def read(cls, nodes: Nodes, root: bytes) -> Edge:
        """The edge of a published log, which must have this root. Raises Disagreement."""
        edge, size = cls(), nodes.size
        edge.frontier = Frontier(size, peaks_of(size, nodes))
        if edge.frontier.root() != root:
            raise Disagreement(f"the published tiles do not have the root that was signed for {size} entries")
        level = 0
        while count := size >> HEIGHT * level:
            if level == len(edge.hashes):
                edge.hashes.append([])
            if count % WIDTH:
                edge.hashes[level] = nodes.tile(level, count // WIDTH)
            level += 1
        if size % WIDTH:
            edge.entries = nodes.entries(size // WIDTH)
            if [leaf_hash(entry) for entry in edge.entries] != edge.hashes[0]:
                raise Disagreement(f"{bundle_path(size // WIDTH, size % WIDTH)} does not hash to its tile")
        return edge

    def grow(self, entries: Sequence[bytes]) -> dict[str, bytes]:
        """Append entries; return every file that the new size needs and the old one did not, by its path."""
        files: dict[str, bytes] = {}
        touched: set[int] = set()
        for entry in entries:
            self.entries.append(entry)
            if len(self.entries) == WIDTH:
                files[bundle_path(self.size // WIDTH)] = encode_bundle(self.entries)
                self.entries = []
            leaf = leaf_hash(entry)
            self.frontier.append(leaf)
            self._hash(0, leaf, files, touched)
        if self.entries and entries:
            files[bundle_path(self.size // WIDTH, len(self.entries))] = encode_bundle(self.entries)
        for level in touched:
            if tile := self.hashes[level]:
                files[tile_path(level, (self.size >> HEIGHT * level) // WIDTH, len(tile))] = b"".join(tile)
        return files

    def _hash(self, level: int, value: bytes, files: dict[str, bytes], touched: set[int]) -> None:
        if level == len(self.hashes):
            self.hashes.append([])
        tile = self.hashes[level]
        tile.append(value)
        touched.add(level)
        if len(tile) == WIDTH:
            files[tile_path(level, (self.size >> HEIGHT * (level + 1)) - 1)] = b"".join(tile)
            self.hashes[level] = []
            self._hash(level + 1, subtree_root(tile), files, touched)


def outgrown(before: int, after: int) -> list[str]:
    """The folders of partial tiles and bundles that a log of `after` entries has full ones instead of."""
    folders, level = [], 0
    while after >> HEIGHT * (level + 1):
        first, end = (before >> HEIGHT * level) // WIDTH, (after >> HEIGHT * level) // WIDTH
        for number in range(first, end):
            folders.append(f"{tile_path(level, number)}.p")
            if level == 0:
                folders.append(f"{bundle_path(number)}.p")
        level += 1
    return folders
