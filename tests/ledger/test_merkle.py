"""RFC 6962 trees: proofs that are made are accepted, every other one is refused."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    peaks_of,
    range_hash,
    root_of,
    split,
    subtree_root,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

SIZE_MAX = 600
LEAVES = [leaf_hash(n.to_bytes(2, "big")) for n in range(SIZE_MAX + 1)]


def definition(low: int, high: int) -> bytes:
    """MTH as RFC 6962, section 2.1, writes it."""
    if high - low == 1:
        return LEAVES[low]
    k = split(high - low)
    return node_hash(definition(low, low + k), definition(low + k, high))


_KNOWN: dict[tuple[int, int], bytes] = {}


def node(level: int, n: int) -> bytes:
    if (level, n) not in _KNOWN:
        _KNOWN[level, n] = definition(n << level, (n + 1) << level)
    return _KNOWN[level, n]


ROOTS = [tree_root(size, node) for size in range(SIZE_MAX + 1)]


def test_the_hashes_are_those_of_the_rfc() -> None:
    assert sha256(b"").digest() == EMPTY_ROOT == root_of([]) == tree_root(0, node)
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert node_hash(b"\x01" * 32, b"\x02" * 32) == sha256(b"\x01" + b"\x01" * 32 + b"\x02" * 32).digest()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 255, 256, 257, 600])
def test_the_frontier_has_the_root_of_the_definition(size: int) -> None:
    assert root_of(LEAVES[:size]) == definition(0, size) == ROOTS[size]


def test_every_inclusion_proof_up_to_600() -> None:
    for size in range(1, SIZE_MAX + 1, 1):
        for index in {0, 1, size // 3, size // 2, size - 2, size - 1} if size > 130 else range(size):
            if 0 <= index < size:
                proof = inclusion_proof(index, size, node)
                assert verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size]), (index, size)


def test_every_consistency_proof_up_to_600() -> None:
    for new in range(1, SIZE_MAX + 1):
        step = 1 if new <= 130 or new in (255, 256, 257, 511, 512, 513, 600) else 37
        for old in range(1, new + 1, step):
            proof = consistency_proof(old, new, node)
            assert verify_consistency(old, ROOTS[old], new, ROOTS[new], proof), (old, new)


def test_every_index_of_large_trees() -> None:
    for size in (255, 256, 257, 600):
        for index in range(size):
            assert verify_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, node), ROOTS[size])


sizes = st.integers(1, SIZE_MAX)


@st.composite
def inclusions(draw: st.DrawFn) -> tuple[int, int, list[bytes]]:
    size = draw(sizes)
    index = draw(st.integers(0, size - 1))
    return index, size, inclusion_proof(index, size, node)


@given(inclusions(), st.data())
def test_a_changed_inclusion_proof_is_refused(made: tuple[int, int, list[bytes]], data: st.DataObject) -> None:
    index, size, proof = made
    for other in {index ^ 1, index + 1, index - 1, 0, size - 1} - {index}:
        assert not verify_inclusion(LEAVES[index], other, size, proof, ROOTS[size])
    assert (
        not verify_inclusion(LEAVES[index + 1 if index + 1 < size else 0], index, size, proof, ROOTS[size]) or size == 1
    )
    assert not verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size - 1])
    assert not verify_inclusion(LEAVES[index], index, size, [*proof, LEAVES[0]], ROOTS[size])
    assert not verify_inclusion(LEAVES[index], index, 0, proof, ROOTS[size])
    if proof:
        assert not verify_inclusion(LEAVES[index], index, size, proof[:-1], ROOTS[size])
        assert not verify_inclusion(LEAVES[index], index, size, proof[1:], ROOTS[size])
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        wrong = bytes(b ^ (1 << bit % 8 if i == bit // 8 else 0) for i, b in enumerate(proof[at]))
        assert not verify_inclusion(LEAVES[index], index, size, [*proof[:at], wrong, *proof[at + 1 :]], ROOTS[size])


@given(sizes, sizes, st.data())
def test_a_changed_consistency_proof_is_refused(a: int, b: int, data: st.DataObject) -> None:
    old, new = min(a, b), max(a, b)
    proof = consistency_proof(old, new, node)
    assert not verify_consistency(old, ROOTS[old - 1], new, ROOTS[new], proof)
    assert not verify_consistency(old, ROOTS[old], new, ROOTS[new - 1], proof)
    assert not verify_consistency(old, ROOTS[old], new, ROOTS[new], [*proof, LEAVES[0]])
    if old < new:
        assert not verify_consistency(new, ROOTS[new], old, ROOTS[old], proof)
        assert not verify_consistency(old, ROOTS[old], new, ROOTS[new], proof[:-1])
        at = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:at], bytes(32), *proof[at + 1 :]]
        assert not verify_consistency(old, ROOTS[old], new, ROOTS[new], changed)


def test_edges_of_the_rfc() -> None:
    proof = consistency_proof(3, 7, node)
    assert not verify_consistency(0, EMPTY_ROOT, 7, ROOTS[7], [])
    assert not verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert not verify_consistency(-1, EMPTY_ROOT, 7, ROOTS[7], proof)
    assert verify_consistency(7, ROOTS[7], 7, ROOTS[7], [])
    assert not verify_consistency(7, ROOTS[7], 7, ROOTS[7], [ROOTS[7]])
    assert not verify_consistency(7, ROOTS[7], 7, ROOTS[6], [])
    assert not verify_consistency(4, ROOTS[4], 7, ROOTS[7], [])
    for wrong in (-1, 0, 8):
        with pytest.raises(ValueError, match=f"no consistency proof from {wrong} to 7"):
            consistency_proof(wrong, 7, node)
    for wrong in (-1, 7):
        with pytest.raises(ValueError, match=f"no leaf {wrong} in a tree of 7"):
            inclusion_proof(wrong, 7, node)


def test_hashes_of_another_length_are_refused() -> None:
    proof = inclusion_proof(2, 7, node)
    assert not verify_inclusion(LEAVES[2][:-1], 2, 7, proof, ROOTS[7])
    assert not verify_inclusion(LEAVES[2], 2, 7, proof, ROOTS[7] + b"\0")
    assert not verify_inclusion(LEAVES[2], 2, 7, [proof[0][:31], *proof[1:]], ROOTS[7])
    assert not verify_inclusion(b"", 0, 1, [], b"")
    assert not verify_consistency(7, b"x", 7, b"x", [])


@given(st.integers(0, SIZE_MAX), st.integers(0, SIZE_MAX))
def test_a_frontier_continues_from_its_peaks(a: int, b: int) -> None:
    low, high = min(a, b), max(a, b)
    frontier = Frontier(low, peaks_of(low, node))
    assert frontier.root() == ROOTS[low]
    for leaf in LEAVES[low:high]:
        frontier.append(leaf)
    assert (frontier.size, frontier.root()) == (high, ROOTS[high])


def test_subtrees_stand_only_where_they_fit() -> None:
    frontier = Frontier()
    frontier.append_subtree(8, subtree_root(LEAVES[:256]))
    assert frontier.root() == ROOTS[256]
    frontier.append(LEAVES[256])
    assert frontier.root() == ROOTS[257]
    with pytest.raises(ValueError):
        frontier.append_subtree(8, ROOTS[256])
    with pytest.raises(ValueError):
        Frontier(3, [bytes(32)])
    with pytest.raises(ValueError):
        Frontier(1, [b"short"])


def test_a_range_inside_a_tree() -> None:
    assert range_hash(256, 600, node) == definition(256, 600)
