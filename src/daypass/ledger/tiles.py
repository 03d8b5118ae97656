"""Tiles and entry bundles (C2SP tlog-tiles): where they stand and what is in them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from daypass.ledger.merkle import HASH_BYTES

WIDTH = 256
"""Hashes in a full tile; a tile is eight levels of the tree high."""
HEIGHT = 8
ENTRY_BYTES_MAX = 0xFFFF
"""The most that a bundle's uint16 length can say. Our own entries stay below 32 KiB."""


def _number(n: int) -> str:
    parts = [f"{n % 1000:03}"]
    while n := n // 1000:
        parts.append(f"x{n % 1000:03}")
    return "/".join(reversed(parts))


def tile_path(level: int, n: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`."""
    return f"tile/{level}/{_number(n)}" + (f".p/{width}" if width < WIDTH else "")


def bundle_path(n: int, width: int = WIDTH) -> str:
    """`tile/entries/<N>[.p/<W>]`."""
    return f"tile/entries/{_number(n)}" + (f".p/{width}" if width < WIDTH else "")


def tile_widths(size: int) -> Iterator[tuple[int, int, int]]:
    """Every tile of a tree of `size` leaves as (level, number, width), level by level, none empty."""
    level = 0
    while count := size >> (HEIGHT * level):
        for n in range(count // WIDTH):
            yield level, n, WIDTH
        if count % WIDTH:
            yield level, count // WIDTH, count % WIDTH
        level += 1


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Each entry behind its length, a big-endian uint16."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(raw: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError where it breaks off."""
    entries, position, end = [], 0, len(raw)
    while position + 2 <= end:
        start = position + 2
        position = start + (raw[position] << 8 | raw[position + 1])
        entries.append(raw[start:position])
    if position != end:
        raise ValueError("the bundle breaks off in the middle of an entry")
    return entries


def decode_tile(raw: bytes) -> list[bytes]:
    """The hashes of a tile. Raises ValueError unless it is whole hashes, 1 to 256 of them."""
    if not raw or len(raw) % HASH_BYTES or len(raw) > WIDTH * HASH_BYTES:
        raise ValueError(f"a tile is 1 to {WIDTH} hashes of {HASH_BYTES} bytes, not {len(raw)} bytes")
    return [raw[i : i + HASH_BYTES] for i in range(0, len(raw), HASH_BYTES)]
