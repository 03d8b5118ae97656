"""Reading one run of bundles: every entry is hashed again and compared with its tile, every chain followed.

A run knows nothing of the runs beside it, so that a long log can be read by several processes (verify.py joins what
they find, in order). Everything in and out of here can be pickled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from daypass.ledger.chains import Chains
from daypass.ledger.merkle import HASH_BYTES, leaf_hashes, subtree_root
from daypass.ledger.source import Source
from daypass.ledger.tampering import Tampered
from daypass.ledger.tiles import WIDTH, bundle_path, decode_bundle, tile_path
from daypass.ledger.votes import MARKS

ERASED = b',"type":"blob.erased","v":1}'
"""How the entry of an erasure ends, its keys being sorted."""
_TOLD = (*MARKS, ERASED)
_BODIES = re.compile(rb'"bodies":\[([^\]]*)\]')
_DIGEST = re.compile(rb'"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Run:
    """Bundles `first` to `end` (exclusive) of a log of `size` entries; `keep` those whose leaf hashes are wanted."""

    source: Source
    size: int
    first: int
    end: int
    keep: frozenset[int]


@dataclass(slots=True)
class Findings:
    """What a run of bundles holds: the root of each full one, the leaf hashes of those kept and of a partial one."""

    roots: list[bytes] = field(default_factory=list)
    leaves: dict[int, list[bytes]] = field(default_factory=dict)
    chains: Chains = field(default_factory=Chains)
    erased: list[int] = field(default_factory=list)
    votes: list[tuple[int, bytes]] = field(default_factory=list)
    """The entries about votes and the keys that sign them, with their indexes."""
    bodies: list[str] = field(default_factory=list)


def examine(run: Run) -> Findings:
    """Read a run. Raises Tampered, Unreadable."""
    found = Findings()
    widths = [min(WIDTH, run.size - n * WIDTH) for n in range(run.first, run.end)]
    paths = []
    for n, width in enumerate(widths, run.first):
        paths += [bundle_path(n, width), tile_path(0, n, width)]
    contents = run.source.read_all(paths)
    for n, width in enumerate(widths, run.first):
        entries = bundle_entries(run.source, n, width, next(contents))
        leaves = leaf_hashes(entries)
        compare_tile(run.source, 0, n, leaves, next(contents))
        found.chains.follow(n * WIDTH, entries, leaves)
        for i in [i for i, entry in enumerate(entries) if entry.endswith(_TOLD)]:
            _note(found, n * WIDTH + i, entries[i])
        if width == WIDTH:
            found.roots.append(subtree_root(leaves))
        if width < WIDTH or n in run.keep:
            found.leaves[n] = leaves
    return found


def _note(found: Findings, index: int, entry: bytes) -> None:
    """Keep what an entry says that is more than a place in the log."""
    if entry.endswith(ERASED):
        found.erased.append(index)
        found.bodies += _bodies(entry)
    else:
        found.votes.append((index, entry))


def _bodies(entry: bytes) -> list[str]:
    """The digests of the bodies that an erasure names."""
    listed = _BODIES.search(entry)
    return [digest.decode() for digest in _DIGEST.findall(listed[1])] if listed else []


def bundle_entries(source: Source, n: int, width: int, raw: bytes | None) -> list[bytes]:
    """The entries of a bundle whose file holds `raw`; a partial one that is gone may have become a full one."""
    path, kept = bundle_path(n, width), None
    if raw is None and width < WIDTH:
        raw, kept = source.read(bundle_path(n)), width
    if raw is None:
        raise Tampered(f"{path}: the bundle is missing")
    try:
        entries = decode_bundle(raw)[:kept]
    except ValueError as error:
        raise Tampered(f"{path}: {error}") from error
    if len(entries) != width:
        raise Tampered(f"{path}: holds {len(entries)} entries, not {width}")
    return entries


def compare_tile(source: Source, level: int, n: int, hashes: list[bytes], raw: bytes | None) -> None:
    """Compare a tile whose file holds `raw` with what it has to be. Raises Tampered."""
    path, expected = tile_path(level, n, len(hashes)), b"".join(hashes)
    if raw is None and len(hashes) < WIDTH:
        full = source.read(tile_path(level, n))
        raw = None if full is None else full[: len(expected)]
    if raw is None:
        raise Tampered(f"{path}: the tile is missing")
    if raw != expected:
        parts = (raw[i : i + HASH_BYTES] for i in range(0, len(expected), HASH_BYTES))
        wrong = next((i for i, (is_, be) in enumerate(zip(parts, hashes, strict=True)) if is_ != be), None)
        if wrong is None:
            raise Tampered(f"{path}: holds more than its {len(hashes)} hashes")
        where = f"entry {n * WIDTH + wrong}" if level == 0 else f"hash {wrong}"
        raise Tampered(f"{path}: differs from what the entries hash to, first at {where}")
