"""The verifier: an intact log is intact, and each way of tampering is seen. The table of issue 3, item 5."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.ledger.logs import ORIGIN, SEED, Log, Sequencer, paths

from daypass.ledger.checkpoint import Checkpoint
from daypass.ledger.durable import Disk
from daypass.ledger.merkle import leaf_hash, root_of
from daypass.ledger.note import COSIGNATURE_V1, Note, NoteError, cosign, keypair, sign
from daypass.ledger.receipts import make_receipt
from daypass.ledger.remembered import Remembered, remember
from daypass.ledger.source import Directory, Unreadable
from daypass.ledger.tampering import Tampered
from daypass.ledger.tiles import bundle_path, decode_bundle, encode_bundle, tile_path
from daypass.ledger.verify import Asked, Report, verify_log

KEY, SIGNER = keypair(ORIGIN, SEED)
WITNESS, COSIGNER = keypair("witness.test/one", b"\x09" * 32, COSIGNATURE_V1)
OTHER_WITNESS, _ = keypair("witness.test/two", b"\x0a" * 32, COSIGNATURE_V1)
SIZES = (0, 3, 255, 256, 300, 600)


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("genuine")).grow(*SIZES[1:])


@pytest.fixture
def root(genuine: Log, tmp_path: Path) -> Path:
    shutil.copytree(genuine.root, tmp_path / "ledger")
    return tmp_path / "ledger"


def check(root: Path, *remembered: Remembered, witnesses: int = 0) -> Report:
    keys = (WITNESS, OTHER_WITNESS)[:witnesses]
    return verify_log(Directory(root), Asked(KEY, remembered, keys, witnesses))


def kept(genuine: Log, size: int) -> Remembered:
    return remember(f"kept at {size}", genuine.published[SIZES.index(size)], KEY)


def receipt(genuine: Log, index: int) -> Remembered:
    return remember("receipt", make_receipt(Directory(genuine.root).read, KEY, index).proof, KEY)


def rewrite(root: Path, entries: list[bytes], signer: Callable[[bytes], bytes] = SIGNER) -> bytes:
    """Publish these entries as if they had always been the log, signed with the true key."""
    shutil.rmtree(root)
    log = Log(root.parent / "forged")
    shutil.rmtree(root.parent / "forged")
    log = Log(root.parent / "forged")
    log.append(entries)
    shutil.move(log.root, root)
    return log.published[-1]


# -- intact


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513])
def test_an_intact_log(tmp_path: Path, size: int) -> None:
    log = Log(tmp_path).grow(size)
    report = check(log.root)
    assert (report.entries, report.head.size, report.head.root) == (size, size, root_of(map(leaf_hash, log.entries)))
    assert report.erased == [n for n in range(size) if n % 50 == 0]
    assert report.chains == len(log.sequencer.heads)
    assert report.signed_votes == 0


def test_an_intact_log_and_everything_that_was_kept_of_it(genuine: Log, root: Path) -> None:
    everything = [kept(genuine, size) for size in SIZES] + [receipt(genuine, n) for n in (0, 255, 256, 599)]
    assert check(root, *everything).entries == 600
    assert check(root, *reversed(everything)).tiles == 4


def test_progress_is_told(genuine: Log, root: Path) -> None:
    told: list[tuple[int, int]] = []
    verify_log(Directory(root), Asked(KEY), lambda done, size: told.append((done, size)))
    assert told[-1] == (600, 600)


def test_files_that_are_being_written_are_nobodys_business(root: Path) -> None:
    (root / "tile/0/002.p/89.new").write_bytes(b"half")
    (root / "tile/0/002.p/250").write_bytes(b"not signed yet")
    (root / "tile/0/003").write_bytes(b"not signed yet")
    check(root)


def test_a_log_that_grows_while_it_is_read(genuine: Log, tmp_path: Path) -> None:
    log = Log(tmp_path).grow(3, 200, 600)

    class Growing(Directory):
        reads = 0

        def read(self, path: str) -> bytes | None:
            self.reads += 1
            if self.reads == 3:
                log.grow(900)
            return super().read(path)

        def tiles(self) -> Iterator[str]:
            for path in super().tiles():
                if path == "tile/0/003":
                    log.grow(1100)
                yield path

    assert verify_log(Growing(log.root), Asked(KEY)).entries == 600
    assert len(log.entries) > 600
    assert check(log.root).entries == len(log.entries)


# -- one flipped byte, anywhere


def flips(raw: bytes) -> set[int]:
    """Positions of every kind: both ends, the middle, and a stride that meets every field of entries and notes."""
    return {0, 1, 2, 3, len(raw) // 2, len(raw) - 2, len(raw) - 1} | set(range(0, len(raw), max(1, len(raw) // 40)))


def test_a_flipped_byte_anywhere_is_seen(genuine: Log, root: Path) -> None:
    for path in list(paths(root)):
        raw = (root / path).read_bytes()
        every = path in ("checkpoint", "vkey") or len(raw) < 100
        for position in range(len(raw)) if every else sorted(flips(raw)):
            for bit in (0x01, 0x20) if every else (0x01 << position % 8,):
                damaged = bytearray(raw)
                damaged[position] ^= bit
                (root / path).write_bytes(damaged)
                with pytest.raises(Tampered):
                    check(root)
        (root / path).write_bytes(raw)
    check(root)


@pytest.mark.parametrize(
    "change", [lambda raw: raw[:-1], lambda raw: raw + b"\0", lambda raw: b"", lambda raw: raw * 2]
)
def test_a_file_of_another_length_is_seen(root: Path, change: Callable[[bytes], bytes]) -> None:
    for path in list(paths(root)):
        raw = (root / path).read_bytes()
        (root / path).write_bytes(change(raw))
        with pytest.raises(Tampered):
            check(root)
        (root / path).write_bytes(raw)


def test_a_missing_file_is_seen(root: Path) -> None:
    for path in list(paths(root)):
        raw = (root / path).read_bytes()
        (root / path).unlink()
        if path == "checkpoint":
            with pytest.raises(Unreadable, match="no checkpoint"):
                check(root)
        elif path == "vkey" or (".p/" in path and path.rsplit("/")[-1] not in ("88", "2")):
            check(root)
        else:
            with pytest.raises(Tampered, match=f"^{path}: the (tile|bundle) is missing"):
                check(root)
        (root / path).write_bytes(raw)


def test_a_folder_in_the_place_of_a_file_is_seen(root: Path) -> None:
    (root / "tile/0/000").unlink()
    (root / "tile/0/000").mkdir()
    with pytest.raises(Tampered, match="tile/0/000: the tile is missing"):
        check(root)


@pytest.mark.parametrize(
    "name", ["tile/0/0", "tile/0/x000/000", "tile/64/000", "tile/0/000.p/256", "tile/entries/a", "tile/00/000"]
)
def test_a_file_that_no_log_has_is_seen(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(b"x")
    with pytest.raises(Tampered, match="no tile and no bundle has this name"):
        check(root)


# -- entries, by someone without the key


def edit(root: Path, bundle: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    (root / bundle).write_bytes(encode_bundle(change(decode_bundle((root / bundle).read_bytes()))))


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "dropped": lambda e: e[:7] + e[8:],
    "inserted": lambda e: [*e[:7], e[3], *e[7:]],
    "replaced": lambda e: [*e[:7], e[7].replace(b"SELECT", b"DELETE"), *e[8:]],
    "reordered": lambda e: [*e[:7], e[8], e[7], *e[9:]],
    "duplicated": lambda e: [*e[:7], e[7], e[7], *e[9:]],
    "emptied": lambda e: [*e[:7], b"", *e[8:]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("bundle", [bundle_path(0), bundle_path(1), bundle_path(2, 88)])
def test_a_changed_entry_is_seen(root: Path, bundle: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    edit(root, bundle, change)
    with pytest.raises(Tampered):
        check(root)


def test_where_an_entry_differs_is_told(root: Path) -> None:
    edit(root, bundle_path(1), CHANGES["replaced"])
    with pytest.raises(Tampered, match=r"^tile/0/001: differs from what the entries hash to, first at entry 263$"):
        check(root)
    edit(root, bundle_path(1), lambda entries: entries[1:])
    with pytest.raises(Tampered, match=r"^tile/entries/001: holds 255 entries, not 256$"):
        check(root)


def test_the_bodies_that_an_erasure_names_are_told(tmp_path: Path) -> None:
    log, bodies = Log(tmp_path), ["0a" * 32, "f1" * 32]
    value = json.loads(log.sequencer.entry())
    erased = [value | {"body": {"bodies": bodies[:n]}} for n in range(3)]
    log.append([json.dumps(v | {"chains": []}, sort_keys=True, separators=(",", ":")).encode() for v in erased])
    report = check(log.root)
    assert (report.erased, report.bodies) == ([0, 1, 2], [bodies[0], *bodies])


def test_tiles_made_to_fit_do_not_fit_the_checkpoint(genuine: Log, root: Path) -> None:
    signed = (root / "checkpoint").read_bytes()
    sequencer = Sequencer()
    rewrite(root, [sequencer.entry(n + 1 if n > 9 else n) for n in range(600)])
    (root / "checkpoint").write_bytes(signed)
    with pytest.raises(Tampered, match="checkpoint: says that 600 entries have the root"):
        check(root)


# -- by someone with the key: seen with what was kept


def test_a_tail_cut_off_is_seen_by_what_was_kept(genuine: Log, root: Path) -> None:
    rewrite(root, genuine.entries[:300])
    assert (root / "checkpoint").read_bytes() == genuine.published[SIZES.index(300)], "an older genuine checkpoint"
    check(root)
    for old in (kept(genuine, 600), receipt(genuine, 7)):
        with pytest.raises(Tampered, match="had 600 entries, it has 300") as found:
            check(root, old)
        assert found.value.evidence == (str(old.checkpoint.note), str(kept(genuine, 300).checkpoint.note))
    with pytest.raises(Tampered, match="not cosigned by"):
        check(root, witnesses=1)


@pytest.mark.parametrize("size", [3, 255, 256, 300])
def test_a_rewrite_with_the_true_key_is_seen_by_what_was_kept(genuine: Log, root: Path, size: int) -> None:
    sequencer = Sequencer()
    now = rewrite(root, [sequencer.entry(n + 1 if n > 1 else n) for n in range(700)])
    check(root)
    for old in (kept(genuine, size), kept(genuine, 600), receipt(genuine, 599)):
        with pytest.raises(Tampered, match="history was rewritten") as found:
            check(root, kept(genuine, 0), old)
        assert found.value.evidence == (str(old.checkpoint.note), now.decode())


def test_two_checkpoints_of_one_size_are_both_evidence(genuine: Log, root: Path) -> None:
    sequencer = Sequencer()
    now = rewrite(root, [sequencer.entry(n + 1 if n > 500 else n) for n in range(600)])
    old = kept(genuine, 600)
    with pytest.raises(Tampered, match="two signed checkpoints of size 600 with different roots") as found:
        check(root, old)
    assert found.value.evidence == (str(old.checkpoint.note), now.decode())


def test_two_kept_checkpoints_of_one_size_are_both_evidence(genuine: Log, root: Path) -> None:
    head = Checkpoint(ORIGIN, 300, bytes(32))
    forged = remember("from ben", str(Note(head.text, (sign(head.text, KEY, SIGNER),))).encode(), KEY)
    with pytest.raises(Tampered, match="from ben and kept at 300: two signed checkpoints of size 300"):
        check(root, kept(genuine, 300), forged)


def test_a_damaged_receipt_accuses_nobody(genuine: Log, root: Path) -> None:
    good = make_receipt(Directory(genuine.root).read, KEY, 8).proof
    with pytest.raises(Unreadable, match="from entry 9: the receipt is damaged"):
        check(root, remember("receipt", good.replace(b"index 8", b"index 9"), KEY))
    with pytest.raises(NoteError, match="for entry 600, but its checkpoint covers 600"):
        remember("receipt", good.replace(b"index 8", b"index 600"), KEY)


def cosigned(raw: bytes, alone: bool = False) -> bytes:
    note = Note.parse(raw)
    line = cosign(note.text, WITNESS, COSIGNER, 1_790_000_000)
    return str(Note(note.text, (line,) if alone else (*note.signatures, line))).encode()


def test_a_cosignature_is_demanded_and_told(genuine: Log, root: Path) -> None:
    with pytest.raises(Tampered, match=r"not cosigned by witness\.test/one"):
        check(root, witnesses=1)
    (root / "checkpoint").write_bytes(cosigned(genuine.published[-1]))
    assert check(root, witnesses=1).cosigned == ((WITNESS, 1_790_000_000),)
    with pytest.raises(Tampered, match=r"not cosigned by witness\.test/two"):
        check(root, witnesses=2)
    assert verify_log(Directory(root), Asked(KEY, (), (WITNESS, OTHER_WITNESS), 1)).cosigned


def test_a_cosignature_alone_is_as_good_as_a_checkpoint(genuine: Log, root: Path) -> None:
    old = remember("from the witness", cosigned(genuine.published[-1], alone=True), KEY, (WITNESS,))
    check(root, old)
    rewrite(root, genuine.entries[:300])
    with pytest.raises(Tampered, match="from the witness: the log had 600"):
        check(root, old)


def test_another_key_for_the_same_log_is_seen(genuine: Log, root: Path) -> None:
    forger, _ = keypair(ORIGIN, b"\x07" * 32)
    with pytest.raises(Tampered, match="signed with another key"):
        remember("kept", genuine.published[-1], forger)
    with pytest.raises(Tampered, match="no signature by"):
        verify_log(Directory(root), Asked(forger))
    with pytest.raises(NoteError, match=r"it is of acme\.test/prod"):
        remember("kept", genuine.published[-1], keypair("other.test", SEED)[0])
    (root / "vkey").write_text(f"{forger}\n")
    with pytest.raises(Tampered, match="the published key is not"):
        check(root)


def test_what_nobody_known_signed_is_no_checkpoint_of_this_log(genuine: Log) -> None:
    stranger, signer = keypair("stranger.test", b"\x0b" * 32)
    text = Note.parse(genuine.published[-1]).text
    with pytest.raises(NoteError, match=r"^no signature by acme\.test/prod$"):
        remember("kept", str(Note(text, (sign(text, stranger, signer),))).encode(), KEY, (WITNESS,))


# -- chains: the key's holder made a log of entries that do not continue each other


def chained(change: Callable[[int, dict[str, object]], None]) -> list[bytes]:
    sequencer, entries = Sequencer(), []
    for n in range(300):
        value = json.loads(sequencer.entry())
        change(n, value)
        entries.append(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
    return entries


def link(value: dict[str, object], which: int = 0) -> dict[str, object]:
    links = value["chains"]
    assert isinstance(links, list)
    found: dict[str, object] = links[which]
    return found


def at(position: int, change: Callable[[dict[str, object]], object]) -> Callable[[int, dict[str, object]], None]:
    return lambda n, value: change(value) and None if n == position else None


BROKEN: dict[str, tuple[Callable[[int, dict[str, object]], None], str]] = {
    "number": (at(8, lambda v: link(v).update(n=9)), "entry 8: stands as number 9 in the chain session:"),
    "first number": (at(1, lambda v: link(v).update(n=2)), "entry [12]: "),
    "first previous": (at(1, lambda v: link(v).update(prev="0" * 64)), "entry [12]: names another entry"),
    "previous": (
        at(9, lambda v: link(v, 1).update(prev="0" * 64)),
        "entry 9: names another entry than the chain target:orders-0 has as number 7$",
    ),
    "later bundle": (at(257, lambda v: link(v, 1).update(n=3)), "entry 257: stands as number 3 in the chain target:"),
    "begun anew": (
        at(8, lambda v: link(v).update(n=1, prev="")),
        "entry 8: stands as number 1 in the chain session:.*, which has 6 before it",
    ),
    "zero": (at(8, lambda v: link(v).update(n=0)), "entry 8: its chains are malformed"),
    "text number": (at(8, lambda v: link(v).update(n="8")), "entry 8: its chains are malformed"),
    "number nought": (at(8, lambda v: link(v).update(n=0)), "entry 8: its chains are malformed"),
    "number past all": (at(8, lambda v: link(v).update(n=10**19)), "entry 8: its chains are malformed"),
    "missing": (at(8, lambda v: v.pop("chains")), "entry 8: its chains are malformed"),
    "short previous": (
        at(8, lambda v: link(v).update(prev="00")),
        "entry 8: names another entry than the chain session:",
    ),
    "extra key": (at(8, lambda v: link(v).update(more=1)), "entry 8: its chains are malformed"),
    "not its session's": (at(8, lambda v: v["chains"].pop(0)), "entry 8: does not stand in the chain session:"),  # type: ignore[attr-defined]
    "not its target's": (at(8, lambda v: v["chains"].pop(1)), "entry 8: does not stand in the chain target:orders-0$"),  # type: ignore[attr-defined]
    "none of its own": (at(8, lambda v: v.update(chains=[])), "entry 8: does not stand in the chain session:"),
    "another session's": (
        at(8, lambda v: v.update(session="another")),
        "entry 8: does not stand in the chain session:another$",
    ),
    "another target's": (
        at(8, lambda v: v.update(target={"name": 'b"\\', "protocol": "postgres"})),
        r'entry 8: does not stand in the chain target:b"\\$',
    ),
    "a target that is none": (at(8, lambda v: v.update(target="orders-0")), "entry 8: its chains are malformed"),
    "no link": (at(8, lambda v: v.update(chains=[7])), "entry 8: its chains are malformed"),
    "no list": (at(8, lambda v: v.update(chains={})), "entry 8: does not stand in the chain session:"),
    "itself": (at(8, lambda v: v.update(chains=[link(v), link(v), link(v, 1)])), "entry 8: stands as number"),
}


@pytest.mark.parametrize(("change", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_chain_is_seen(tmp_path: Path, change: Callable[[int, dict[str, object]], None], said: str) -> None:
    log = Log(tmp_path)
    log.append(chained(change))
    with pytest.raises(Tampered, match=said):
        check(log.root)


WRONG: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "chains said twice": (lambda e: e.replace(b'"chains":[', b'"chains":[],"chains":['), "its chains are malformed"),
    "chains said again": (lambda e: e[:-1] + b',"chains":[]}', "its chains are malformed"),
    "session said again": (lambda e: e[:-1] + b',"session":"another"}', "its chains are malformed"),
    "session escaped": (lambda e: e.replace(b'"session":"', b'"session":"\\u0061', 1), "does not stand in the chain"),
    "key escaped": (
        lambda e: e.replace(b'"session":"0', b'"s\\u0065ssion":"a0'),
        "does not stand in the chain session:a0",
    ),
    "another key of its own": (lambda e: b'{"s\\u0065ssion":"a",' + e[1:], "its chains are malformed"),
    "not UTF-8": (lambda e: e.replace(b"commit", b"c\xffmmit"), "its chains are malformed"),
    "no JSON": (lambda e: e[:-1], "its chains are malformed"),
    "no object": (lambda e: b"[]", "its chains are malformed"),
    "too deep": (lambda e: b"[" * 60_000, "its chains are malformed"),
    "between chains": (lambda e: e.replace(b"},{", b"}{"), "its chains are malformed"),
    "after chains": (lambda e: e.replace(b"}],", b"},],"), "its chains are malformed"),
    "another tail": (lambda e: e.replace(b'"v":1}', b'"v":1]'), "its chains are malformed"),
}


@pytest.mark.parametrize(("change", "said"), WRONG.values(), ids=WRONG)
def test_an_entry_of_another_form_is_seen(tmp_path: Path, change: Callable[[bytes], bytes], said: str) -> None:
    log = Log(tmp_path)
    first, second = log.sequencer.entries(2)
    log.append([first, change(second)])
    assert change(second) != second
    with pytest.raises(Tampered, match=f"^entry 1: {said}"):
        check(log.root)


def test_an_entry_of_an_unusual_form_stands_in_the_same_chains(tmp_path: Path) -> None:
    """Escapes, and what looks like chains inside its body, are read as JSON; the chains go on from there."""
    sequencer, entries, head = Sequencer(), [], ""
    for n in range(1, 30):
        entry = json.loads(sequencer.entry(n, ("target:orders",)))
        entry["chains"][0]["prev"] = head
        if n % 3 == 1:
            entry["body"] = {"chains": [{"n": 9, "name": "target:orders", "prev": ""}], "said": 'a "word" \\'}
        entries.append(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode())
        head = leaf_hash(entries[-1]).hex()
    log = Log(tmp_path / "whole")
    log.append(entries)
    assert check(log.root).chains == 1
    log = Log(tmp_path / "broken")
    log.append(entries[:3] + entries[4:])
    with pytest.raises(Tampered, match=r"^entry 3: stands as number 5 in the chain target:orders, which has 3 before"):
        check(log.root)


def test_an_entry_may_stand_in_any_number_of_chains(tmp_path: Path) -> None:
    log = Log(tmp_path)
    names = ('session:ä"}]', "target:b", "node:c", "more:d")
    log.append([log.sequencer.entry(chains=names[: n % 5]) for n in range(300)])
    assert check(log.root).chains == 4
    log = Log(tmp_path / "broken")
    entries = [log.sequencer.entry(chains=names[1:]) for n in range(3)]
    log.append([entries[0], entries[2]])
    with pytest.raises(Tampered, match="entry 1: stands as number 3 in the chain target:b, which has 1 before it"):
        check(log.root)


# -- reading


def test_what_cannot_be_read_is_not_called_tampered(root: Path) -> None:
    (root / "tile/0/000").unlink()
    (root / "tile/0/000").symlink_to("000")
    with pytest.raises(Unreadable, match="tile/0/000"):
        check(root)


def test_a_file_beyond_any_size_is_refused(root: Path) -> None:
    with open(root / "tile/entries/000", "r+b") as file:
        file.truncate(1 << 30)
    with pytest.raises(Unreadable, match="larger than any file"):
        check(root)


def test_the_paths_that_are_compared_are_those_of_the_publisher() -> None:
    assert (bundle_path(2, 88), tile_path(1, 0, 2)) == ("tile/entries/002.p/88", "tile/1/000.p/2")
    assert Disk().read(Path("/nowhere")) is None
