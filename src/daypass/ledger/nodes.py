"""The hashes of a published tree, read from its tiles as they are asked for.

Serves proofs (receipts, witnesses) and opening the log again. Trusts nothing on its own: who asks compares the root
that comes out with one that was signed.
"""

from __future__ import annotations

from collections.abc import Callable

from daypass.ledger.disagreement import Disagreement
from daypass.ledger.merkle import subtree_root
from daypass.ledger.tiles import HEIGHT, WIDTH, bundle_path, decode_bundle, decode_tile, tile_path

Read = Callable[[str], bytes | None]
"""The content of a published file by its path, None where there is none. Raises OSError."""


class Nodes:
    """`nodes(level, n)` as `merkle.Node`, for a tree of `size` leaves."""

    def __init__(self, read: Read, size: int) -> None:
        self._read, self.size = read, size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, n: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        number, offset = divmod(n << height, WIDTH)
        hashes = self.tile(tile_level, number)[offset : offset + (1 << height)]
        if len(hashes) != 1 << height:
            raise Disagreement(f"{tile_path(tile_level, number)}: too short for a tree of {self.size} entries")
        return subtree_root(hashes)

    def tile(self, level: int, number: int) -> list[bytes]:
        """The hashes of one tile at this size (or of the larger tile that has taken its place)."""
        known = self._tiles.get((level, number))
        if known is None:
            width = min(WIDTH, (self.size >> HEIGHT * level) - number * WIDTH)
            path = tile_path(level, number, width)
            raw = self._read(path) or self._read(tile_path(level, number))
            if raw is None:
                raise Disagreement(f"{path} is missing from the published log")
            try:
                known = self._tiles[level, number] = decode_tile(raw)[:width]
            except ValueError as error:
                raise Disagreement(f"{path}: {error}") from error
            if len(known) != width:
                raise Disagreement(f"{path}: holds {len(known)} hashes")
        return known

    def entries(self, number: int) -> list[bytes]:
        """The entries of one bundle at this size, not yet compared with anything."""
        width = min(WIDTH, self.size - number * WIDTH)
        path = bundle_path(number, width)
        raw = self._read(path) or self._read(bundle_path(number))
        if raw is None:
            raise Disagreement(f"{path} is missing from the published log")
        try:
            entries = decode_bundle(raw)[:width]
        except ValueError as error:
            raise Disagreement(f"{path}: {error}") from error
        if len(entries) != width:
            raise Disagreement(f"{path}: holds {len(entries)} entries")
        return entries
