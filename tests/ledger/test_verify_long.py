"""Logs long enough for tiles of three levels and for processes that share the work."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.ledger.logs import Log

from daypass.ledger.remembered import remember
from daypass.ledger.source import Directory, Unreadable
from daypass.ledger.tampering import Tampered
from daypass.ledger.verify import Asked, Report, verify_log

SIZE = 70_000
"""273 full tiles and a partial one, above them one full and a partial one, above these one hash."""


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("genuine")).grow(65_536, SIZE)


def check(log: Log, root: Path, processes: ThreadPoolExecutor | None = None, **limits: int) -> Report:
    kept = tuple(remember(f"kept {n}", raw, log.vkey) for n, raw in enumerate(log.published))
    return verify_log(Directory(root), Asked(log.vkey, kept), processes=processes, **limits)


def test_every_tile_of_every_level_is_compared(genuine: Log, tmp_path: Path) -> None:
    root = tmp_path / "ledger"
    shutil.copytree(genuine.root, root)
    report = check(genuine, root)
    assert (report.entries, report.tiles) == (SIZE, 274 + 2 + 1)
    for path, said in {
        "tile/0/268": "first at entry 68615$",
        "tile/1/000": "first at hash 7$",
        "tile/1/001.p/17": "first at hash 7$",
        "tile/2/000.p/1": "first at hash 0$",
    }.items():
        raw = bytearray((root / path).read_bytes())
        position = 7 * 32 + 31 if len(raw) > 32 else 31
        raw[position] ^= 1
        (root / path).write_bytes(raw)
        with pytest.raises(Tampered, match=f"^{path}: differs from what the entries hash to, {said}"):
            check(genuine, root)
        (root / path).unlink()
        with pytest.raises(Tampered, match=f"^{path}: the tile is missing"):
            check(genuine, root)
        raw[position] ^= 1
        (root / path).write_bytes(raw)
    check(genuine, root)


def test_shared_among_processes_it_is_the_same(genuine: Log) -> None:
    alone = check(genuine, genuine.root, bundles=16)
    with ThreadPoolExecutor(2) as threads:
        assert check(genuine, genuine.root, threads, bundles=16) == alone


def test_more_chains_than_it_can_hold_are_not_called_intact(genuine: Log) -> None:
    chains = check(genuine, genuine.root).chains
    check(genuine, genuine.root, chains_max=chains)
    with pytest.raises(Unreadable, match=f"more than {chains - 1} chains"):
        check(genuine, genuine.root, chains_max=chains - 1)


@pytest.mark.parametrize("threads", [0, 2])
def test_an_entry_left_out_between_two_runs_is_seen(tmp_path: Path, threads: int) -> None:
    log = Log(tmp_path)
    entries = log.sequencer.entries(600)
    log.append([*entries[:256], *entries[257:]])
    with ThreadPoolExecutor(2) as pool, pytest.raises(Tampered, match=r"^entry 256: stands as number .* in the chain"):
        check(log, log.root, pool if threads else None, bundles=1)
