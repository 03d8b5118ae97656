"""Publishing: the bytes, and that no crash and no full disk can make the log contradict itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.ledger.failing import Crash, FailingFiles, Memory, input_output, no_space
from tests.ledger.logs import ORIGIN, Log, Sequencer, paths

from daypass.ledger.checkpoint import Checkpoint, open_checkpoint
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.durable import Unsynced
from daypass.ledger.merkle import leaf_hash, root_of
from daypass.ledger.note import Note, sign
from daypass.ledger.publisher import Publisher
from daypass.ledger.remembered import remember
from daypass.ledger.signer import SignerRefused
from daypass.ledger.source import Directory
from daypass.ledger.tiles import bundle_path, encode_bundle, tile_path, tile_widths
from daypass.ledger.verify import Asked, verify_log

HOME = Path("/data")


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 513])
def test_what_is_published(tmp_path: Path, size: int) -> None:
    log = Log(tmp_path).grow(size)
    expected = {"checkpoint", "vkey"} | {tile_path(*tile) for tile in tile_widths(size)}
    expected |= {bundle_path(n, width) for level, n, width in tile_widths(size) if level == 0}
    assert set(paths(log.root)) == expected
    for level, n, width in tile_widths(size):
        if level == 0:
            entries = log.entries[n * 256 : n * 256 + width]
            assert (log.root / bundle_path(n, width)).read_bytes() == encode_bundle(entries)
            assert (log.root / tile_path(0, n, width)).read_bytes() == b"".join(map(leaf_hash, entries))
    head = open_checkpoint((log.root / "checkpoint").read_bytes(), log.vkey).head
    assert head == Checkpoint(ORIGIN, size, root_of(map(leaf_hash, log.entries)))
    assert (log.root / "vkey").read_text() == f"{log.vkey}\n"
    assert (tmp_path / "keys" / "ledger.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys" / "ledger.state").stat().st_mode & 0o777 == 0o600


def test_a_checkpoint_on_disk_is_exact(tmp_path: Path) -> None:
    raw = (Log(tmp_path).root / "checkpoint").read_text()
    assert raw.startswith(f"{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— {ORIGIN} ")


def test_partial_tiles_stay_until_the_full_one_is_there(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(3, 5, 250)
    partial = {path for path in paths(log.root) if ".p/" in path}
    assert partial == {f"tile/{kind}/000.p/{width}" for kind in ("0", "entries") for width in (3, 5, 250)}
    log.grow(256)
    assert {path for path in paths(log.root) if ".p/" in path} == {"tile/1/000.p/1"}
    log.grow(2000)
    assert {path for path in paths(log.root) if ".p/" in path} == {
        "tile/1/000.p/1",
        "tile/1/000.p/7",
        "tile/0/007.p/208",
        "tile/entries/007.p/208",
    }


def test_a_log_of_70000_in_uneven_steps(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(1, 257, 300, 65_535, 65_536, 65_537)
    log.start()
    log.grow(70_000)
    assert {tile_path(*tile) for tile in tile_widths(70_000)} <= set(paths(log.root))
    kept = tuple(remember(f"kept {n}", raw, log.vkey) for n, raw in enumerate(log.published))
    report = verify_log(Directory(log.root), Asked(log.vkey, kept))
    assert (report.entries, report.head.root) == (70_000, root_of(map(leaf_hash, log.entries)))


def test_publishing_continues_where_it_was(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(300)
    with pytest.raises(ValueError, match="entry 300 comes next"):
        log.publisher.publish(299, log.sequencer.entries(1))
    with pytest.raises(ValueError, match="at most"):
        log.publisher.publish(300, [bytes(0x10000)])
    assert log.publisher.size == 300


def test_an_empty_publication_signs_the_same_head(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(7)
    assert log.append([]) == log.published[-2]


def test_a_published_tile_with_other_content_stops_it(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(250)
    (log.root / "tile/0/000").write_bytes(bytes(8192))
    with pytest.raises(Disagreement, match="tile/0/000 is already published"):
        log.grow(256)


def damaged(log: Log, path: str) -> None:
    (log.root / path).unlink()


@pytest.mark.parametrize("path", ["checkpoint", "tile/1/000.p/1", "tile/0/001.p/44", "tile/entries/001.p/44"])
def test_a_start_without_a_file_it_needs_is_refused(tmp_path: Path, path: str) -> None:
    log = Log(tmp_path).grow(300)
    damaged(log, path)
    if path == "checkpoint":
        log.start()
        assert (log.root / "checkpoint").read_bytes() == log.published[-2], "the signer remembers: it signs the same"
        return
    with pytest.raises(Disagreement):
        log.start()


def test_a_start_on_an_older_memory_is_refused(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(5)
    state = tmp_path / "keys" / "ledger.state"
    before = state.read_bytes()
    log.grow(9)
    state.write_bytes(before)
    with pytest.raises(Disagreement, match="remembers 5 entries, but a checkpoint of 9"):
        log.start()
    state.unlink()
    with pytest.raises(Disagreement, match="remembers 0 entries"):
        log.start()


def test_recovery_adopts_what_was_published(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(5)
    state = tmp_path / "keys" / "ledger.state"
    before = state.read_bytes()
    log.grow(9)
    state.write_bytes(before)
    with pytest.raises(Disagreement):
        log.start()
    log.signer.adopt(log.published[-1])
    log.start()
    log.grow(12)
    with pytest.raises(SignerRefused):
        log.signer.adopt(log.published[1])
    with pytest.raises(SignerRefused):
        log.signer.adopt(b"nonsense")


def test_an_older_checkpoint_put_back_is_replaced_if_the_tiles_are_there(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(5, 300)
    (log.root / "checkpoint").write_bytes(log.published[1])
    log.start()
    assert (log.root / "checkpoint").read_bytes() == log.published[2]


def test_a_checkpoint_of_another_history_stops_the_start(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(5, 300)
    head = Checkpoint(ORIGIN, 5, bytes(32))
    signed = str(Note(head.text, (sign(head.text, log.vkey, log.signer._signer),)))
    (log.root / "checkpoint").write_text(signed)
    with pytest.raises(Disagreement, match="not of the log that was signed"):
        log.start()


def test_a_key_of_another_log_stops_the_start(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(5)
    (log.root / "vkey").write_text("acme.test/prod+00000000+AAAA\n")
    with pytest.raises(Disagreement, match="another key"):
        log.start()


def test_a_signed_head_waits_until_it_is_released(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(5)
    signed = log.publisher.prepare(5, log.sequencer.entries(4))
    assert (log.root / "checkpoint").read_bytes() == log.published[-1]
    again = Publisher(log.root, log.signer, log.files)
    again.open()
    assert (again.pending, again.size, again.published) == (signed, 9, 5)
    with pytest.raises(Disagreement, match="asked to publish a checkpoint of 5"):
        again.release(log.published[-1])
    again.release(signed)
    assert (log.root / "checkpoint").read_bytes() == signed
    assert (again.pending, again.published) == (None, 9)


# -- faults

STEPS = (3, 250, 6, 0, 270)
ENTRIES = Sequencer().entries(sum(STEPS))


class Store:
    """The store beside the log: what it has acknowledged stays, in order."""

    def __init__(self) -> None:
        self.steps = list(STEPS)
        self.entries: list[bytes] = []

    def grow(self) -> None:
        self.entries = ENTRIES[: len(self.entries) + self.steps.pop(0)]


def publish_all(log: Log, store: Store) -> None:
    """The gateway's loop: sequence, then publish from where the log ends."""
    while store.steps or log.publisher.published < len(store.entries):
        if store.steps:
            store.grow()
        checkpoint = log.publisher.publish(log.publisher.size, store.entries[log.publisher.size :])
        log.published.append(checkpoint)


def check(log: Log, files: FailingFiles, store: Store, seen: list[bytes]) -> None:
    kept = tuple(remember(f"seen {n}", raw, log.vkey) for n, raw in enumerate(seen))
    report = verify_log(Memory(files.there, HOME / "ledger"), Asked(log.vkey, kept))
    assert report.entries == len(store.entries)
    assert report.head.root == root_of(map(leaf_hash, store.entries))


def count_operations() -> int:
    files = FailingFiles()
    publish_all(Log(HOME, files), Store())
    return files.operations


OPERATIONS = count_operations()


def run_until_crash(files: FailingFiles, store: Store) -> list[bytes]:
    """Every checkpoint that was given out, or that a reader could have seen."""
    published: list[bytes] = []
    try:
        log = Log(HOME, files)
        published = log.published
        publish_all(log, store)
    except Crash:
        pass
    readable = files.there.get(HOME / "ledger" / "checkpoint")
    return [*published, readable] if readable else published


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_after_a_crash_at_any_operation_the_log_continues_every_checkpoint(before: bool) -> None:
    for k in range(1, OPERATIONS + 1):
        files, store = FailingFiles(), Store()
        files.fail(k, Crash(), before)
        seen = run_until_crash(files, store)
        files.crash(Random(k))
        log = Log(HOME, files)
        publish_all(log, store)
        check(log, files, store, seen + log.published)


@pytest.mark.parametrize("failure", [no_space, input_output], ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_after_an_error_at_any_operation_the_log_continues_every_checkpoint(
    failure: Callable[[], OSError], before: bool
) -> None:
    for k in range(1, OPERATIONS + 1):
        files, store = FailingFiles(), Store()
        files.fail(k, failure(), before)
        try:
            log = Log(HOME, files)
        except OSError:
            log = Log(HOME, files)
        seen = log.published
        try:
            publish_all(log, store)
        except Unsynced:
            log = Log(HOME, files)  # nothing goes on in the process that was told so
            publish_all(log, store)
        except OSError:
            publish_all(log, store)
        seen = seen + log.published
        check(log, files, store, seen)
        files.crash(Random(k))
        log = Log(HOME, files)
        check(log, files, store, seen)
