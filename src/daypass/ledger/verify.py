"""The offline verifier: is this log whole, and is it the one that was seen before?

It needs the published files and the log's verifier key, and imports nothing of the server. It reads every entry,
hashes it again, compares every tile, follows every chain, and compares the roots at the sizes of the checkpoints that
somebody remembered. What it cannot do is tell that the log's own key signed a lie from the start: for that, remember
checkpoints or ask witnesses (docs/verify.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from daypass.ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from daypass.ledger.merkle import HASH_BYTES, Frontier, leaf_hash, reduce_pairs, verify_inclusion
from daypass.ledger.note import NoteError, VerifierKey
from daypass.ledger.proof import MAGIC, Proof
from daypass.ledger.source import Source, Unreadable
from daypass.ledger.tiles import HEIGHT, WIDTH, bundle_path, decode_bundle, tile_path

CHAINS = re.compile(rb'"chains":\[([^\]]*)\]')
LINK = re.compile(rb'\{"n":([1-9][0-9]*),"name":"((?:[^"\\]|\\.)*)","prev":"([0-9a-f]{64}|)"\}')
ERASED = b'"type":"blob.erased"'
PATH = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
UNFINISHED = ".new"
"""What the name of a file that is just being written ends in."""
CHAINS_MAX = 5_000_000
"""How many chains are followed at once: each takes some hundred bytes of the verifier's memory."""


class Tampered(Exception):
    """The log is not what it says it is. One line says where; `evidence` is what to keep."""

    def __init__(self, message: str, evidence: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.evidence = tuple(evidence)


@dataclass(frozen=True, slots=True)
class Remembered:
    """A checkpoint that somebody kept, and where from; `proof` if it came inside a receipt."""

    name: str
    checkpoint: SignedCheckpoint
    proof: Proof | None = None


@dataclass(slots=True)
class Report:
    """What an intact log is: its head, who signed it, how much was read."""

    head: Checkpoint
    signed_by: tuple[VerifierKey, ...]
    entries: int = 0
    tiles: int = 0
    chains: int = 0
    erased: list[int] = field(default_factory=list)
    """The indexes of the entries that say that a body was erased."""


def remember(name: str, raw: bytes, key: VerifierKey, witnesses: Sequence[VerifierKey] = ()) -> Remembered:
    """Read a checkpoint or a receipt that was kept. Raises NoteError if this log's key did not sign it."""
    if raw.startswith(MAGIC.encode()):
        proof = Proof.parse(raw)
        return Remembered(name, open_checkpoint(proof.checkpoint, key, witnesses), proof)
    return Remembered(name, open_checkpoint(raw, key, witnesses))


class _Walk:
    """One pass over the log, bundle by bundle; holds the unfinished tile of each level and nothing else of the tree."""

    def __init__(self, source: Source, report: Report, remembered: Sequence[Remembered]) -> None:
        self.source = source
        self.report = report
        self.open_tiles: list[list[bytes]] = [[]]
        self.numbers: list[int] = [0]
        self.frontier = Frontier()
        self.heads: dict[bytes, tuple[int, bytes]] = {}
        self.waiting = sorted(remembered, key=lambda r: r.checkpoint.head.size)
        self.leaf_wanted = {r.proof.index for r in remembered if r.proof is not None}
        self.leaves: dict[int, bytes] = {}

    def bundle(self, n: int, width: int) -> None:
        """Take the bundle `n` of `width` entries."""
        path = bundle_path(n, width)
        entries = self._entries(path, n, width)
        leaves = [leaf_hash(entry) for entry in entries]
        first = n * WIDTH
        self._chains(first, entries, leaves)
        for index in self.leaf_wanted.intersection(range(first, first + width)):
            self.leaves[index] = leaves[index - first]
        self._roots(first, leaves)
        self._tile(0, leaves)
        self.report.entries += width

    def _entries(self, path: str, n: int, width: int) -> list[bytes]:
        raw = self.source.read(path)
        grown = raw is None and width < WIDTH
        if grown:
            raw = self.source.read(bundle_path(n))
        if raw is None:
            raise Tampered(f"{path}: the bundle is missing")
        try:
            entries = decode_bundle(raw)[: width if grown else None]
        except ValueError as error:
            raise Tampered(f"{path}: {error}") from error
        if len(entries) != width:
            raise Tampered(f"{path}: holds {len(entries)} entries, not {width}")
        return entries

    def _chains(self, first: int, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        heads = self.heads
        for offset, entry in enumerate(entries):
            chains = CHAINS.search(entry)
            if chains is None or entry.count(b'"chains":') != 1:
                raise Tampered(f"entry {first + offset}: does not hold its chains once")
            links = LINK.findall(chains[1])
            if len(b",".join(links and [b"{}"] * len(links))) != len(LINK.sub(b"{}", chains[1])):
                raise Tampered(f"entry {first + offset}: its chains are malformed")
            for number, name, prev in links:
                n, leaf = heads.get(name, (0, b""))
                if int(number) != n + 1 or prev != leaf:
                    raise Tampered(
                        f"entry {first + offset}: stands as number {int(number)} in the chain {name.decode()}, "
                        f"which has {n} before it" + ("" if int(number) != n + 1 else " and another last entry")
                    )
                heads[name] = (n + 1, leaves[offset].hex().encode())
            if ERASED in entry:
                self.report.erased.append(first + offset)
        if len(heads) > CHAINS_MAX:
            raise Unreadable(f"more than {CHAINS_MAX} chains")

    def _roots(self, first: int, leaves: Sequence[bytes]) -> None:
        """Advance the frontier; stop at each remembered size on the way and compare the roots there."""
        taken = 0
        while self.waiting and self.waiting[0].checkpoint.head.size <= first + len(leaves):
            stop = self.waiting[0].checkpoint.head.size - first
            for leaf in leaves[taken:stop]:
                self.frontier.append(leaf)
            taken = max(taken, stop)
            self._compare(self.waiting.pop(0), self.frontier.root())
        rest = leaves[taken:]
        if taken == 0 and len(rest) == WIDTH:
            self.frontier.append_subtree(HEIGHT, _tile_root(rest))
        else:
            for leaf in rest:
                self.frontier.append(leaf)

    def _compare(self, remembered: Remembered, root: bytes) -> None:
        old = remembered.checkpoint
        if old.head.root != root:
            raise Tampered(
                f"{remembered.name}: the log had another root at size {old.head.size} than it has now: "
                "history was rewritten",
                (str(old.note),),
            )

    def _tile(self, level: int, hashes: Sequence[bytes]) -> None:
        """Put hashes into a level's open tile; when it is full, compare it and hash it into the level above."""
        if level == len(self.open_tiles):
            self.open_tiles.append([])
            self.numbers.append(0)
        tile = self.open_tiles[level]
        tile += hashes
        if len(tile) == WIDTH:
            self._compare_tile(level, self.numbers[level], tile)
            self.numbers[level] += 1
            self.open_tiles[level] = []
            self._tile(level + 1, [_tile_root(tile)])

    def _compare_tile(self, level: int, n: int, hashes: Sequence[bytes]) -> None:
        path = tile_path(level, n, len(hashes))
        expected = b"".join(hashes)
        raw = self.source.read(path)
        if raw is None and len(hashes) < WIDTH:
            grown = self.source.read(tile_path(level, n))
            raw = grown and grown[: len(expected)]
        if raw is None:
            raise Tampered(f"{path}: the tile is missing")
        if raw != expected:
            wrong = next((i for i in range(len(hashes)) if raw[32 * i : 32 * i + 32] != hashes[i]), len(hashes))
            where = f"entry {n * WIDTH + wrong}" if level == 0 else f"hash {wrong}"
            raise Tampered(f"{path}: differs from what the entries hash to, first at {where}")
        self.report.tiles += 1

    def finish(self) -> bytes:
        """Compare the partial tiles at the right edge and name the root."""
        for level, tile in enumerate(self.open_tiles):
            if tile:
                self._compare_tile(level, self.numbers[level], tile)
        self.report.chains = len(self.heads)
        return self.frontier.root()


def _tile_root(hashes: Sequence[bytes]) -> bytes:
    level = list(hashes)
    while len(level) > 1:
        level = reduce_pairs(level)
    return level[0]


def verify_log(
    source: Source,
    key: VerifierKey,
    remembered: Sequence[Remembered] = (),
    witnesses: Sequence[VerifierKey] = (),
    progress: Callable[[int, int], None] = lambda done, size: None,
) -> Report:
    """Check a whole published log. Raises Tampered with one line saying where, Unreadable where that cannot be told."""
    raw = source.read("checkpoint")
    if raw is None:
        raise Unreadable(f"{source.name}: no checkpoint")
    try:
        opened = open_checkpoint(raw, key, witnesses)
    except NoteError as error:
        raise Tampered(f"checkpoint: {error}", (raw.decode(errors="replace"),)) from error
    report = Report(opened.head, opened.signed_by)
    _compare_heads(opened, remembered)
    walk = _Walk(source, report, remembered)
    size = opened.head.size
    for n in range((size + WIDTH - 1) // WIDTH):
        walk.bundle(n, min(WIDTH, size - n * WIDTH))
        progress(min(size, (n + 1) * WIDTH), size)
    root = walk.finish()
    if root != opened.head.root:
        raise Tampered(
            f"checkpoint: says that {size} entries have the root {opened.head.root.hex()}, "
            f"but the entries have {root.hex()}",
            (str(opened.note),),
        )
    _receipts(walk, remembered)
    _strays(source, size)
    return report


def _compare_heads(now: SignedCheckpoint, remembered: Sequence[Remembered]) -> None:
    """What can be said from the checkpoints alone: the log is not shorter than it was, and not two logs at one size."""
    for old in remembered:
        head, evidence = old.checkpoint.head, (str(old.checkpoint.note), str(now.note))
        if head.size > now.head.size:
            raise Tampered(f"{old.name}: the log had {head.size} entries, it has {now.head.size}: cut off", evidence)
        if head.size == now.head.size and head.root != now.head.root:
            raise Tampered(f"{old.name}: two signed checkpoints of size {head.size} with different roots", evidence)


def _receipts(walk: _Walk, remembered: Sequence[Remembered]) -> None:
    for old in remembered:
        if old.proof is None:
            continue
        head, proof = old.checkpoint.head, old.proof
        leaf = walk.leaves.get(proof.index, b"")
        if not verify_inclusion(leaf, proof.index, head.size, proof.hashes, head.root):
            raise Tampered(f"{old.name}: is a receipt for another entry than now stands at {proof.index}")


def _strays(source: Source, size: int) -> None:
    """Look at the files that the checkpoint does not need: partial tiles of earlier sizes must be beginnings of the
    present ones. Those beyond the checkpoint are being published just now: nobody has signed them."""
    for path in source.tiles():
        if path.endswith(UNFINISHED):
            continue
        match = PATH.fullmatch(path)
        if match is None:
            raise Tampered(f"{path}: no tile and no bundle has this name")
        kind, number, width = match[1], int(match[2].replace("/", "").replace("x", "")), int(match[3] or WIDTH)
        level = 0 if kind == "entries" else int(kind)
        present = min(WIDTH, (size >> HEIGHT * level) - number * WIDTH)
        if width < present:
            _beginning(source, path, kind, number, width, present)


def _beginning(source: Source, path: str, kind: str, number: int, width: int, present: int) -> None:
    small = source.read(path)
    if small is None:
        return  # it was there when the folder was listed: its full tile has come since
    large = source.read(bundle_path(number, present) if kind == "entries" else tile_path(int(kind), number, present))
    try:
        whole = len(decode_bundle(small)) == width if kind == "entries" else len(small) == width * HASH_BYTES
    except ValueError:
        whole = False
    if not whole or large is None or not large.startswith(small):
        raise Tampered(f"{path}: is not the beginning of what stands there now")
