"""Sigstore's verifier (npm @sigstore/verify), written by others, accepts our receipts and refuses the tampered ones."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.ledger.logs import Log

from daypass.ledger.note import VerifierKey
from daypass.ledger.receipts import make_receipt
from daypass.ledger.source import Directory

HERE = Path(__file__).parent / "sigstore"
Receipt = tuple[bytes, bytes]
"""A .tlog-proof and its entry."""


def sigstore(vkey: VerifierKey, receipts: Sequence[Receipt]) -> list[str]:
    """What it says of each."""
    if shutil.which("node") is None:
        pytest.fail("no node: run, as root,  apt-get install -y nodejs npm")
    if not (HERE / "node_modules").is_dir():
        pytest.fail(f"@sigstore/verify is not installed: run  npm ci  in {HERE}")
    asked = [{"proof": proof.decode(), "entry": base64.b64encode(entry).decode()} for proof, entry in receipts]
    lines = "".join(f"{json.dumps(one)}\n" for one in asked)
    command = ["node", str(HERE / "receipts.js"), str(vkey)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert len(said) == len(receipts), done.stderr
    return said


def receipt(log: Log, index: int) -> Receipt:
    made = make_receipt(Directory(log.root).read, log.vkey, index)
    return made.proof, made.entry


@pytest.mark.parametrize("size", [1, 255, 256, 257, 70_000])
def test_it_accepts_the_receipts_of_a_log_of_any_size(tmp_path: Path, size: int) -> None:
    log = Log(tmp_path).grow(size)
    indexes = sorted({n for n in (0, 1, 254, 255, 256, 65_535, 65_536, size - 2, size - 1) if 0 <= n < size})
    assert sigstore(log.vkey, [receipt(log, n) for n in indexes]) == [f"accepted {size}"] * len(indexes)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("log")).grow(300, 600)


def test_it_refuses_an_entry_that_was_changed_or_stands_elsewhere(log: Log) -> None:
    proof, entry = receipt(log, 256)
    changed = [(proof, entry + b" "), (proof, entry[:-1]), (proof, log.entries[257])]
    moved = [(proof.replace(b"index 256\n", f"index {n}\n".encode()), entry) for n in (255, 257, 599, 600)]
    said = sigstore(log.vkey, [*changed, *moved])
    assert [one.split()[0] for one in said] == ["refused"] * 7


def test_it_refuses_a_proof_with_a_hash_changed_left_out_or_added(log: Log) -> None:
    proof, entry = receipt(log, 256)
    magic, index, *hashes = proof.split(b"\n\n", 1)[0].split(b"\n")
    rest = proof.split(b"\n\n", 1)[1]
    other = base64.b64encode(bytes(32))
    wrong = [[*hashes[:n], other, *hashes[n + 1 :]] for n in range(len(hashes))]
    wrong += [hashes[1:], hashes[:-1], [*hashes, other], hashes[::-1]]
    said = sigstore(log.vkey, [(b"\n".join([magic, index, *some]) + b"\n\n" + rest, entry) for some in wrong])
    assert [one.split()[0] for one in said] == ["refused"] * len(wrong)


def test_it_refuses_a_checkpoint_that_was_changed_or_signed_by_another(log: Log, tmp_path: Path) -> None:
    proof, entry = receipt(log, 256)
    other = Log(tmp_path, seed=bytes(32)).grow(600)
    changed = [proof.replace(b"\n600\n", b"\n601\n"), proof.replace(b"acme.test/prod\n", b"acme.test/test\n")]
    said = sigstore(log.vkey, [(one, entry) for one in changed] + [receipt(other, 256)])
    assert said == ["refused invalid checkpoint signature"] * 3
    assert sigstore(other.vkey, [receipt(other, 256)]) == ["accepted 600"]


def test_a_log_written_anew_is_refused_with_the_receipts_that_were_kept(log: Log, tmp_path: Path) -> None:
    """The true key signs both, so it accepts each by itself; neither's proof leads to the other's checkpoint."""
    other = Log(tmp_path)
    other.append([other.sequencer.entry(n + 1) for n in range(600)])
    (old, entry), (new, forged) = receipt(log, 256), receipt(other, 256)
    crossed = old.split(b"\n\n", 1)[0] + b"\n\n" + new.split(b"\n\n", 1)[1]
    said = sigstore(log.vkey, [(old, entry), (new, forged), (crossed, entry), (old, forged), (new, entry)])
    assert [one.split()[0] for one in said] == ["accepted", "accepted", "refused", "refused", "refused"]
