"""Leaf hashes as they were published: whoever changes the store cannot change them as well. Reads, never writes."""

from __future__ import annotations

from pathlib import Path

from daypass.ledger.merkle import HASH_BYTES
from daypass.ledger.tiles import WIDTH, tile_path

CHECKPOINT_BYTES_MAX = 64 * 1024


class PublishedLeaves:
    """The published log below `root`, which may not be there yet."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def leaves(self, indexes: list[int]) -> dict[int, str]:
        """The leaf hashes (hex) of those of these entries that are published. Raises OSError."""
        size = self._size()
        found: dict[int, str] = {}
        tiles: dict[int, bytes] = {}
        for index in indexes:
            if index < size:
                number, offset = divmod(index, WIDTH)
                if number not in tiles:
                    tiles[number] = self._tile(number, size)
                leaf = tiles[number][offset * HASH_BYTES : (offset + 1) * HASH_BYTES]
                found[index] = leaf.hex()
        return found

    def _size(self) -> int:
        try:
            with open(self._root / "checkpoint", "rb") as file:
                lines = file.read(CHECKPOINT_BYTES_MAX).split(b"\n")
        except FileNotFoundError:
            return 0
        return int(lines[1]) if len(lines) > 1 and lines[1].isdigit() else 0

    def _tile(self, number: int, size: int) -> bytes:
        """A tile of level 0, or the larger one that has taken its place. Empty where there is none: nothing fits it."""
        width = min(WIDTH, size - number * WIDTH)
        for path in (tile_path(0, number, width), tile_path(0, number)):
            try:
                return (self._root / path).read_bytes()
            except FileNotFoundError:
                continue
        return b""
