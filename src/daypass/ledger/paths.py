"""Which paths name a tile or a bundle (C2SP tlog-tiles). Each has one only; everything else names nothing. Pure."""

from __future__ import annotations

import re

from daypass.ledger.tiles import WIDTH, bundle_path, tile_path

_PATH = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def parse_path(path: str) -> tuple[int, int, int] | None:
    """A tile's level (-1: a bundle), number and width; None unless this is the one path that it has."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = -1 if match[1] == "entries" else int(match[1])
    number, width = int(match[2].replace("/", "").replace("x", "")), int(match[3] or WIDTH)
    own = bundle_path(number, width) if level < 0 else tile_path(level, number, width)
    return (level, number, width) if path == own else None
