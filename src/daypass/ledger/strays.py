"""Files of a published log that its checkpoint does not need: partial tiles of earlier sizes, and what is not a tile.

Partial ones must be the beginning of what stands in their place now, as somebody may have read them. Files beyond the
checkpoint are being published just now: nobody has signed them, so nothing is said of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from daypass.ledger.durable import TEMPORARY
from daypass.ledger.merkle import HASH_BYTES
from daypass.ledger.paths import parse_path
from daypass.ledger.source import Source
from daypass.ledger.tampering import Tampered
from daypass.ledger.tiles import HEIGHT, WIDTH, bundle_path, decode_bundle, tile_path


def check_strays(source: Source, size: int) -> None:
    """Look at every file below `tile/`, where they can be listed. Raises Tampered, Unreadable."""
    for path in source.tiles():
        if path.endswith(TEMPORARY):
            continue
        found = parse_path(path)
        if found is None:
            raise Tampered(f"{path}: no tile and no bundle has this name")
        level, number, width = found
        present = min(WIDTH, (size >> HEIGHT * max(0, level)) - number * WIDTH)
        if width < present:
            _beginning(source, path, level, number, width, present)


def unsigned(source: Source, size: int) -> Iterator[str]:
    """The paths of tiles and bundles that a tree of `size` leaves does not reach: nobody has signed them."""
    for path in source.tiles():
        found = parse_path(path)
        if found is not None:
            level, number, width = found
            if number * WIDTH + width > size >> HEIGHT * max(0, level):
                yield path


def _path(level: int, number: int, width: int) -> str:
    return bundle_path(number, width) if level < 0 else tile_path(level, number, width)


def _beginning(source: Source, path: str, level: int, number: int, width: int, present: int) -> None:
    small = source.read(path)
    if small is None:
        return  # it was there when the folder was listed: its full tile has come since
    large = source.read(_path(level, number, present))
    if large is None and present < WIDTH:
        large = source.read(_path(level, number, WIDTH))
    try:
        whole = len(decode_bundle(small)) == width if level < 0 else len(small) == width * HASH_BYTES
    except ValueError:
        whole = False
    if not whole or large is None or not large.startswith(small):
        raise Tampered(f"{path}: is not the beginning of what stands there now")
