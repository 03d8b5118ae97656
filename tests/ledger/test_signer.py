"""The log's key and its memory."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from daypass.ledger.checkpoint import open_checkpoint
from daypass.ledger.durable import Disk
from daypass.ledger.merkle import Frontier, leaf_hash
from daypass.ledger.signer import LogSigner, SignerRefused

ENTROPY = bytes(range(32))


def signer(folder: Path) -> LogSigner:
    return LogSigner("acme.test/prod", folder, Disk(), ENTROPY)


def grown(*entries: bytes) -> Frontier:
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    return frontier


def test_the_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = signer(tmp_path).vkey
    key = tmp_path / "ledger.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert LogSigner("acme.test/prod", tmp_path, Disk(), bytes(32)).vkey == first
    key.chmod(0o640)
    with pytest.raises(SignerRefused, match="read by others"):
        signer(tmp_path)


@pytest.mark.parametrize("raw", [b"", b"not base64", base64.b64encode(bytes(31))])
def test_a_damaged_key_is_refused(tmp_path: Path, raw: bytes) -> None:
    signer(tmp_path)
    (tmp_path / "ledger.key").write_bytes(raw)
    with pytest.raises(SignerRefused, match="holds no key"):
        signer(tmp_path)


def test_a_lost_key_is_not_replaced(tmp_path: Path) -> None:
    signer(tmp_path).sign(grown(b"a"), Frontier())
    (tmp_path / "ledger.key").unlink()
    with pytest.raises(SignerRefused, match="is gone, but 1 entries"):
        signer(tmp_path)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"size": -1, "root": ""}', b'{"size": 1, "root": "00"}'])
def test_a_damaged_memory_is_refused(tmp_path: Path, raw: bytes) -> None:
    signer(tmp_path)
    (tmp_path / "ledger.state").write_bytes(raw)
    with pytest.raises(SignerRefused, match=r"ledger\.state"):
        signer(tmp_path)


def test_it_signs_only_what_continues_what_it_signed(tmp_path: Path) -> None:
    one = signer(tmp_path)
    empty, a, ab, xy = Frontier(), grown(b"a"), grown(b"a", b"b"), grown(b"x", b"y")
    assert open_checkpoint(one.sign(a, empty), one.vkey).head.size == 1
    for frontier, before in ((ab, empty), (xy, xy), (empty, a), (grown(b"x"), a), (ab, grown(b"x"))):
        with pytest.raises(SignerRefused):
            one.sign(frontier, before)
    again = signer(tmp_path)
    with pytest.raises(SignerRefused):
        again.sign(xy, empty)
    assert again.sign(ab, a) == again.sign(ab, ab), "the same head has the same signature"
