"""Partial tiles of earlier sizes: somebody may have read them, so they must begin what stands there now."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.ledger.logs import Log

from daypass.ledger.source import Directory
from daypass.ledger.strays import unsigned
from daypass.ledger.tampering import Tampered
from daypass.ledger.verify import Asked, Report, verify_log

STRAYS = ("tile/0/003.p/32", "tile/1/000.p/2", "tile/entries/003.p/32")
"""What a log of 800 entries needs and one of 900 does not, beside one of 600's tile of level 1."""


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("genuine")).grow(600, 800, 900)


@pytest.fixture
def root(genuine: Log, tmp_path: Path) -> Path:
    shutil.copytree(genuine.root, tmp_path / "ledger")
    return tmp_path / "ledger"


def check(log: Log, root: Path) -> Report:
    return verify_log(Directory(root), Asked(log.vkey))


def test_they_are_there_and_nothing_is_wrong_with_them(genuine: Log, root: Path) -> None:
    assert all((root / path).is_file() for path in STRAYS)
    assert check(genuine, root).entries == 900


@pytest.mark.parametrize("path", STRAYS)
def test_a_flipped_byte_is_seen(genuine: Log, root: Path, path: str) -> None:
    raw = (root / path).read_bytes()
    for position in (0, 1, len(raw) // 2, len(raw) - 1):
        damaged = bytearray(raw)
        damaged[position] ^= 1
        (root / path).write_bytes(damaged)
        with pytest.raises(Tampered, match=f"^{path}: is not the beginning of what stands there now$"):
            check(genuine, root)


@pytest.mark.parametrize("path", STRAYS)
def test_a_true_beginning_of_another_length_than_its_name_says_is_seen(genuine: Log, root: Path, path: str) -> None:
    folder, _, own = path.rpartition("/")
    wrong = f"{folder}/{int(own) - 1}"
    shutil.copy(root / path, root / wrong)
    with pytest.raises(Tampered, match=f"^{wrong}: is not the beginning"):
        check(genuine, root)


def test_half_a_bundle_is_seen(genuine: Log, root: Path) -> None:
    raw = (root / "tile/entries/003.p/32").read_bytes()
    (root / "tile/entries/003.p/32").write_bytes(raw[:-1])
    with pytest.raises(Tampered, match=r"^tile/entries/003.p/32: is not the beginning"):
        check(genuine, root)


def test_they_are_compared_with_the_full_one_where_that_has_taken_the_place(genuine: Log, tmp_path: Path) -> None:
    """A mirror kept a checkpoint and partial tiles, and fetched the full ones later."""
    log = Log(tmp_path).grow(600, 800, 900)
    checkpoint = (log.root / "checkpoint").read_bytes()
    kept = {path: (log.root / path).read_bytes() for path in STRAYS}
    log.grow(1100)
    assert not (log.root / "tile/0/003.p").exists()
    (log.root / "checkpoint").write_bytes(checkpoint)
    for path, raw in kept.items():
        (log.root / path).parent.mkdir(exist_ok=True)
        (log.root / path).write_bytes(raw)
    assert check(log, log.root).entries == 900
    (log.root / "tile/0/003.p/32").write_bytes(bytes(32 * 32))
    with pytest.raises(Tampered, match=r"^tile/0/003.p/32: is not the beginning"):
        check(log, log.root)


def test_a_stray_of_a_full_tile_is_compared_as_well(genuine: Log, root: Path) -> None:
    for path in ("tile/0/000", "tile/entries/000"):
        (root / f"{path}.p").mkdir()
        shutil.copy(root / path, root / f"{path}.p/7")
        with pytest.raises(Tampered, match=f"^{path}.p/7: is not the beginning"):
            check(genuine, root)
        shutil.rmtree(root / f"{path}.p")


def test_what_nobody_has_signed_is_what_reaches_further_than_the_size(root: Path) -> None:
    (root / "tile/0/notes").write_bytes(b"of somebody")
    whole = {"tile/0/003.p/132", "tile/entries/003.p/132"}
    more = {"tile/0/002", "tile/entries/002", "tile/0/003.p/32", "tile/entries/003.p/32", "tile/1/000.p/3"}
    for size, beyond in ((900, set()), (899, whole), (800, whole), (799, whole | {*STRAYS} - {"tile/1/000.p/2"})):
        assert set(unsigned(Directory(root), size)) == beyond
    assert set(unsigned(Directory(root), 767)) == whole | more
