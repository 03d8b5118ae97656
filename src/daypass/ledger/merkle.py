"""The Merkle tree of RFC 6962, section 2.1, with the verification algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

Pure. A proof is *made* by recursion over the definition and *checked* by the other RFC's iterative algorithm, so that a
slip in one is seen by the other. Hashes are 32 raw bytes everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree of no leaves (RFC 6962, section 2.1)."""

_LEAF = sha256(b"\x00")

Node = Callable[[int, int], bytes]
"""`node(level, n)`: the hash over leaves [n·2^level, (n+1)·2^level), a complete subtree."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(00 ‖ entry)."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """The leaf hash of each. Starts from a copy of what is common to all, as making a hash anew costs more."""
    copy, hashes = _LEAF.copy, []
    for entry in entries:
        begun = copy()
        begun.update(entry)
        hashes.append(begun.digest())
    return hashes


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a complete subtree: a power of two of neighbours."""
    level = list(hashes)
    while len(level) > 1:
        each = iter(level)
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]
    return level[0]


class Frontier:
    """The right edge of a growing tree: enough to append leaves and to name the root, in O(log n) memory."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """`peaks` are the roots of the complete subtrees that `size` consists of, largest first."""
        if size < 0 or len(peaks) != size.bit_count() or any(len(peak) != HASH_BYTES for peak in peaks):
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks of {HASH_BYTES} bytes")
        self.size = size
        self.peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.append_subtree(0, leaf)

    def append_subtree(self, level: int, root: bytes) -> None:
        """Add the root over the next 2^level leaves; the size must be a multiple of that."""
        if self.size & ((1 << level) - 1):
            raise ValueError(f"a subtree of 2^{level} leaves cannot stand at {self.size}")
        size = self.size >> level
        while size & 1:
            root = node_hash(self.peaks.pop(), root)
            size >>= 1
        self.peaks.append(root)
        self.size += 1 << level

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def split(size: int) -> int:
    """The largest power of two that is smaller than `size` (RFC 6962: k), for size > 1."""
    return 1 << ((size - 1).bit_length() - 1)


def range_hash(low: int, high: int, node: Node) -> bytes:
    """MTH(D[low:high]) of a range that stands in the recursion of a tree (low is aligned to the range)."""
    size = high - low
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, low >> level)
    k = split(size)
    return node_hash(range_hash(low, low + k, node), range_hash(low + k, high, node))


def tree_root(size: int, node: Node) -> bytes:
    """The root of the tree of `size` leaves."""
    return range_hash(0, size, node) if size else EMPTY_ROOT


def peaks_of(size: int, node: Node) -> list[bytes]:
    """The roots of the complete subtrees that a tree of `size` leaves consists of, largest first."""
    peaks, low = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append(node(level, low >> level))
            low += 1 << level
    return peaks


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962, section 2.1.1: from the leaf's sibling up to the root's child."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    proof: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        k = split(high - low)
        if index < low + k:
            proof.append(range_hash(low + k, high, node))
            high = low + k
        else:
            proof.append(range_hash(low, low + k, node))
            low += k
    proof.reverse()
    return proof


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962, section 2.1.2. Empty for old = new; refused for old = 0."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    proof: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        k = split(high - low)
        if old <= low + k:
            proof.append(range_hash(low + k, high, node))
            high = low + k
        else:
            proof.append(range_hash(low, low + k, node))
            low += k
            whole = False
    if not whole:
        proof.append(range_hash(low, high, node))
    proof.reverse()
    return proof


def _hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that `leaf` (a leaf hash) stands at `index` in the tree (RFC 9162, section 2.1.3.2)."""
    if not _hashes(leaf, root, *proof) or not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = node_hash(r, p)
        fn >>= 1
        sn >>= 1
    return sn == 0 and r == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the old tree is a prefix of the new one (RFC 9162, section 2.1.4.2).

    From size 0 nothing can be shown, and it is refused.
    """
    if not _hashes(old_root, new_root, *proof) or not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    return sn == 0 and fr == old_root and sr == new_root
