"""The offline verifier: is this log whole, and is it the one that was seen before?

It needs the published files and the log's verifier key, and imports nothing of the server. It reads every entry,
hashes it again, compares every tile, follows every chain, and compares the roots at the sizes of the checkpoints that
somebody remembered. What it cannot do is tell that the log's own key signed a lie from the start: for that, remember
checkpoints or ask witnesses (docs/verify.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from daypass.ledger.chains import Chains
from daypass.ledger.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from daypass.ledger.examine import Findings, Run, compare_tile, examine
from daypass.ledger.merkle import Frontier, subtree_root, verify_inclusion
from daypass.ledger.note import NoteError, VerifierKey, cosigned_at
from daypass.ledger.remembered import Remembered
from daypass.ledger.source import Source, Unreadable
from daypass.ledger.strays import check_strays
from daypass.ledger.tampering import Tampered
from daypass.ledger.tiles import HEIGHT, WIDTH, tile_path
from daypass.ledger.votes import Votes

BUNDLES_IN_A_RUN = 64
"""How much is read between two steps of progress, and handed to one process at once: some MB."""
RUNS_AHEAD = 8
"""How many runs are handed out before the first of them is back; their findings wait in memory."""
CHAINS_MAX = 5_000_000
"""How many chains are followed at once: each takes some hundred bytes of the verifier's memory."""


@dataclass(slots=True)
class Report:
    """What an intact log is: its head, when which witness cosigned it (POSIX seconds), how much was read."""

    head: Checkpoint
    cosigned: tuple[tuple[VerifierKey, int], ...] = ()
    entries: int = 0
    tiles: int = 0
    chains: int = 0
    signed_votes: int = 0
    """How many votes are signed; each of them holds."""
    erased: list[int] = field(default_factory=list)
    """The indexes of the entries that say that bodies were erased."""
    bodies: list[str] = field(default_factory=list)
    """The digests of the bodies that they name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a log is compared with: its key, checkpoints and receipts that somebody kept, and the witnesses of whom
    `quorum` must have cosigned the present checkpoint."""

    key: VerifierKey
    remembered: tuple[Remembered, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0


def verify_log(
    source: Source,
    asked: Asked,
    progress: Callable[[int, int], None] = lambda done, size: None,
    processes: Executor | None = None,
    *,
    bundles: int = BUNDLES_IN_A_RUN,
    chains_max: int = CHAINS_MAX,
) -> Report:
    """Check a whole published log. Raises Tampered with one line saying where, Unreadable where that cannot be told.

    `progress` is told how many of how many entries have been read, each time after so many `bundles`; `processes` may
    share the work.
    """
    now = _present(source, asked)
    head = now.head
    _compare_heads(now, asked.remembered)
    report = Report(head, cosigned_at(now.note, asked.witnesses))
    join = _Join(source, report, now, asked.remembered, chains_max)
    for run, findings in _examine_all(_runs(source, head.size, bundles, join.bundles_wanted), processes):
        join.take(run, findings)
        progress(report.entries, head.size)
    strays = None if processes is None else processes.submit(check_strays, source, head.size)
    root = join.finish()
    if root != head.root:
        raise Tampered(
            f"checkpoint: says that {head.size} entries have the root {head.root.hex()}, "
            f"but the entries have {root.hex()}",
            (str(now.note),),
        )
    join.receipts()
    check_strays(source, head.size) if strays is None else strays.result()
    return report


def _present(source: Source, asked: Asked) -> SignedCheckpoint:
    raw = source.read("checkpoint")
    if raw is None:
        raise Unreadable(f"{source.name}: no checkpoint")
    try:
        now = open_checkpoint(raw, asked.key, asked.witnesses)
    except NoteError as error:
        raise Tampered(f"checkpoint: {error}", (raw.decode(errors="replace"),)) from error
    published = source.read("vkey")
    if published is not None and published != f"{asked.key}\n".encode():
        raise Tampered(f"vkey: the published key is not {asked.key}", (published.decode(errors="replace"),))
    missing = [key.name for key in asked.witnesses if key not in now.signed_by]
    if len(asked.witnesses) - len(missing) < asked.quorum:
        raise Tampered(f"checkpoint: not cosigned by {', '.join(missing)}", (str(now.note),))
    return now


def _runs(source: Source, size: int, bundles: int, keep: frozenset[int]) -> Iterator[Run]:
    """The runs of a log one by one: a checkpoint may say any size, and what is missing is to be found before all are
    counted."""
    end = (size + WIDTH - 1) // WIDTH
    for first in range(0, end, bundles):
        yield Run(source, size, first, min(first + bundles, end), keep)


def _examine_all(runs: Iterable[Run], processes: Executor | None) -> Iterator[tuple[Run, Findings]]:
    """All runs in order, each with its findings."""
    if processes is None:
        for run in runs:
            yield run, examine(run)
        return
    ahead: list[tuple[Run, Future[Findings]]] = []
    for run in runs:
        ahead.append((run, processes.submit(examine, run)))
        if len(ahead) == RUNS_AHEAD:
            oldest, future = ahead.pop(0)
            yield oldest, future.result()
    for run, future in ahead:
        yield run, future.result()


class _Join:
    """Puts runs together in order; holds the right edge of the tree, the newest link of each chain, nothing else."""

    def __init__(
        self,
        source: Source,
        report: Report,
        now: SignedCheckpoint,
        remembered: Sequence[Remembered],
        chains_max: int,
    ) -> None:
        self._source, self._report, self._now = source, report, now
        self._remembered, self._chains_max = remembered, chains_max
        self._waiting = sorted(remembered, key=lambda r: r.checkpoint.head.size)
        indexes = {r.proof.index for r in remembered if r.proof is not None}
        sizes = {r.checkpoint.head.size for r in remembered}
        self.bundles_wanted = frozenset(n // WIDTH for n in indexes | sizes)
        """Whose leaf hashes are needed: a remembered size may end in the middle of a bundle."""
        self._leaves: dict[int, list[bytes]] = {}
        self._frontier = Frontier()
        self._chains = Chains()
        self._tiles: list[list[bytes]] = [[], []]
        self._numbers = [0, 0]
        self._votes = Votes()

    def take(self, run: Run, found: Findings) -> None:
        """Join the next run. Raises Tampered, Unreadable."""
        self._chains.extend(found.chains)
        if len(self._chains.heads) > self._chains_max:
            raise Unreadable(f"more than {self._chains_max} chains")
        self._leaves |= found.leaves
        for n in range(run.first, run.end):
            self._bundle(n, found)
        self._report.erased += found.erased
        for index, entry in found.votes:
            self._votes.follow(index, entry)
        self._report.signed_votes = self._votes.signed
        self._report.bodies += found.bodies
        self._report.entries = self._frontier.size

    def _bundle(self, n: int, found: Findings) -> None:
        leaves = found.leaves.get(n, [])
        self._compare_within(n * WIDTH, leaves)
        self._report.tiles += 1
        if found.roots:
            root = found.roots.pop(0)
            self._frontier.append_subtree(HEIGHT, root)
            self._hash(1, root)
        else:
            for leaf in leaves:
                self._frontier.append(leaf)

    def _compare_within(self, first: int, leaves: Sequence[bytes]) -> None:
        """Compare the roots at the remembered sizes from `first` to before the end of these leaves."""
        while self._waiting and self._waiting[0].checkpoint.head.size < first + max(1, len(leaves)):
            remembered = self._waiting.pop(0)
            frontier = Frontier(self._frontier.size, self._frontier.peaks)
            for leaf in leaves[: remembered.checkpoint.head.size - first]:
                frontier.append(leaf)
            self._compare(remembered, frontier.root())

    def _compare(self, remembered: Remembered, root: bytes) -> None:
        old = remembered.checkpoint
        if old.head.root != root:
            raise Tampered(
                f"{remembered.name}: the log had another root at size {old.head.size} than it has now: "
                "history was rewritten",
                (str(old.note), str(self._now.note)),
            )

    def _hash(self, level: int, root: bytes) -> None:
        """Put a subtree's root into its tile; when that is full, compare it and hash it into the level above."""
        if level == len(self._tiles):
            self._tiles.append([])
            self._numbers.append(0)
        tile = self._tiles[level]
        tile.append(root)
        if len(tile) == WIDTH:
            self._compare_tile(level)
            self._numbers[level] += 1
            self._tiles[level] = []
            self._hash(level + 1, subtree_root(tile))

    def _compare_tile(self, level: int) -> None:
        tile, number = self._tiles[level], self._numbers[level]
        compare_tile(self._source, level, number, tile, self._source.read(tile_path(level, number, len(tile))))
        self._report.tiles += 1

    def finish(self) -> bytes:
        """Compare the partial tiles at the right edge and the last remembered checkpoints; name the root."""
        for level, tile in enumerate(self._tiles):
            if tile:
                self._compare_tile(level)
        root = self._frontier.root()
        for remembered in self._waiting:
            self._compare(remembered, root)
        self._report.chains = len(self._chains.heads)
        return root

    def receipts(self) -> None:
        """Look whether each receipt that was kept leads from the entry in its place to its checkpoint. That checkpoint
        is a beginning of this log, which has been compared already; so where it does not, it is the receipt's fault and
        not the log's. Raises Unreadable."""
        for old in self._remembered:
            if old.proof is None:
                continue
            head, proof = old.checkpoint.head, old.proof
            n, offset = divmod(proof.index, WIDTH)
            leaves = self._leaves.get(n, [])
            leaf = leaves[offset] if offset < len(leaves) else b""
            if not verify_inclusion(leaf, proof.index, head.size, proof.hashes, head.root):
                raise Unreadable(
                    f"{old.name}: its checkpoint is a beginning of this log, but its proof does not lead there from "
                    f"entry {proof.index}: the receipt is damaged"
                )


def _compare_heads(now: SignedCheckpoint, remembered: Sequence[Remembered]) -> None:
    """What can be said from the checkpoints alone: the log is not shorter than it was, and not two logs at one size."""
    seen: dict[int, tuple[str, SignedCheckpoint]] = {now.head.size: ("checkpoint", now)}
    for old in remembered:
        head = old.checkpoint.head
        name, other = seen.setdefault(head.size, (old.name, old.checkpoint))
        if head.root != other.head.root:
            raise Tampered(
                f"{old.name} and {name}: two signed checkpoints of size {head.size} with different roots",
                (str(old.checkpoint.note), str(other.note)),
            )
    for old in remembered:
        size = old.checkpoint.head.size
        if size > now.head.size:
            raise Tampered(
                f"{old.name}: the log had {size} entries, it has {now.head.size}: its end was cut off",
                (str(old.checkpoint.note), str(now.note)),
            )
