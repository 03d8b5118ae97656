"""Receipts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.failing import FailingFiles
from tests.ledger.logs import Log

from daypass.ledger.disagreement import Disagreement
from daypass.ledger.note import NoteError, keypair
from daypass.ledger.proof import Proof, verify_proof
from daypass.ledger.receipts import make_receipt
from daypass.ledger.source import Directory

LOG = Log(Path("/data"), FailingFiles()).grow(5, 300)


def read(path: str) -> bytes | None:
    return LOG.files.read(LOG.root / path)


def test_a_receipt_of_every_entry() -> None:
    for index in range(300):
        made = make_receipt(read, LOG.vkey, index)
        proof = Proof.parse(made.proof)
        assert (proof.index, proof.encode(), made.entry) == (index, made.proof, LOG.entries[index])
        assert verify_proof(LOG.entries[index], proof, LOG.vkey).head.size == 300


def test_a_receipt_under_an_earlier_checkpoint() -> None:
    made = make_receipt(read, LOG.vkey, 4, LOG.published[1])
    assert verify_proof(made.entry, Proof.parse(made.proof), LOG.vkey).head.size == 5
    with pytest.raises(ValueError, match="not published yet"):
        make_receipt(read, LOG.vkey, 5, LOG.published[1])
    with pytest.raises(ValueError, match="not published yet"):
        make_receipt(read, LOG.vkey, -1)


def test_the_only_entry_needs_no_hashes() -> None:
    one = Log(Path("/data"), FailingFiles()).grow(1)
    made = make_receipt(lambda path: one.files.read(one.root / path), one.vkey, 0)
    assert made.proof == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + one.published[-1]
    verify_proof(one.entries[0], Proof.parse(made.proof), one.vkey)


def test_extra_data_is_kept_and_not_trusted() -> None:
    proof = Proof.parse(make_receipt(read, LOG.vkey, 7).proof)
    more = Proof(proof.index, proof.hashes, proof.checkpoint, b"about it")
    assert more.encode().split(b"\n")[1] == b"extra YWJvdXQgaXQ="
    assert Proof.parse(more.encode()) == more
    verify_proof(LOG.entries[7], more, LOG.vkey)


RECEIPT = make_receipt(read, LOG.vkey, 7).proof


@given(st.integers(0, len(RECEIPT) - 1), st.integers(1, 255))
def test_any_changed_byte_is_seen(position: int, change: int) -> None:
    damaged = bytearray(RECEIPT)
    damaged[position] ^= change
    with pytest.raises(NoteError):
        verify_proof(LOG.entries[7], Proof.parse(bytes(damaged)), LOG.vkey)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"c2sp.org/tlog-proof@v1\n",
        b"c2sp.org/tlog-proof@v2\nindex 0\n\n",
        b"c2sp.org/tlog-proof@v1\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 00\n\n",
        b"c2sp.org/tlog-proof@v1\nindex -1\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"A" * 43 + b"=\n\n",
        b"c2sp.org/tlog-proof@v1\nextra ?\nindex 0\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\n",
        b"c2sp.org/tlog-proof@v1\nindex \xff\n\n",
    ],
)
def test_a_malformed_receipt_is_refused(raw: bytes) -> None:
    with pytest.raises(NoteError):
        verify_proof(b"", Proof.parse(raw), LOG.vkey)


def test_a_receipt_holds_at_most_63_hashes_of_32_bytes() -> None:
    line = b"A" * 43 + b"=\n"
    assert len(Proof.parse(b"c2sp.org/tlog-proof@v1\nindex 0\n" + 63 * line + b"\n").hashes) == 63
    for lines in (64 * line, b"A" * 44 + b"\n", b"AAAA\n"):
        with pytest.raises(NoteError, match=r"^a proof holds at most 63 hashes of 32 bytes$"):
            Proof.parse(b"c2sp.org/tlog-proof@v1\nindex 0\n" + lines + b"\n")


def test_another_entry_or_key_is_refused() -> None:
    proof = Proof.parse(RECEIPT)
    with pytest.raises(NoteError, match="does not lead"):
        verify_proof(LOG.entries[8], proof, LOG.vkey)
    with pytest.raises(NoteError, match="does not lead"):
        verify_proof(LOG.entries[7], Proof(8, proof.hashes, proof.checkpoint), LOG.vkey)
    with pytest.raises(NoteError, match="no signature"):
        verify_proof(LOG.entries[7], proof, keypair(LOG.vkey.name, b"\x05" * 32)[0])


def test_no_receipt_from_a_log_with_holes(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(300)
    source = Directory(log.root)
    (log.root / "tile/entries/000").write_bytes(b"\xff")
    with pytest.raises(Disagreement, match="breaks off"):
        make_receipt(source.read, log.vkey, 3)
    (log.root / "tile/entries/000").unlink()
    with pytest.raises(Disagreement, match="tile/entries/000 is missing"):
        make_receipt(source.read, log.vkey, 3)
