"""The journal after any kind of end: everything before the damage is read back, and nothing is invented."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.disk import ForgetfulDisk
from tests.ledger.test_journal import everything

from daypass.ledger.journal import Durability, Journal

WHERE = Path("/journal")
SEGMENT = 512

payloads = st.lists(st.binary(min_size=1, max_size=120), min_size=1, max_size=40)


def written(disk: ForgetfulDisk, content: list[bytes]) -> Journal:
    journal = Journal.open(WHERE, Durability.SYNCED, files=disk, segment_bytes=SEGMENT)
    for payload in content:
        journal.append(payload)
    journal.flush()
    return journal


def reopened(disk: ForgetfulDisk) -> Journal:
    return Journal.open(WHERE, Durability.SYNCED, files=disk, segment_bytes=SEGMENT)


def is_start_of(found: list[tuple[int, bytes]], content: list[bytes]) -> bool:
    return found == list(enumerate(content, 1))[: len(found)]


@given(content=payloads, data=st.data())
def test_a_flipped_bit_ends_the_journal_there(content: list[bytes], data: st.DataObject) -> None:
    disk = ForgetfulDisk()
    written(disk, content)
    path = data.draw(st.sampled_from(sorted(disk.files)))
    at = data.draw(st.integers(0, SEGMENT - 1))
    used = len(bytes(disk.files[path]).rstrip(b"\0"))
    before = int(path.name[:16]) - 1
    disk.files[path][at] ^= 1 << data.draw(st.integers(0, 7))
    journal = reopened(disk)
    found = everything(journal)
    assert is_start_of(found, content)
    assert len(found) >= before
    if at >= used + 8:
        assert len(found) == len(content)
    goes_on_after(disk, journal, content[: len(found)])


@given(content=payloads, data=st.data())
def test_a_truncated_segment_ends_the_journal_there(content: list[bytes], data: st.DataObject) -> None:
    disk = ForgetfulDisk()
    written(disk, content)
    path = data.draw(st.sampled_from(sorted(disk.files)))
    del disk.files[path][data.draw(st.integers(0, SEGMENT)) :]
    journal = reopened(disk)
    found = everything(journal)
    assert is_start_of(found, content) and len(found) >= int(path.name[:16]) - 1
    goes_on_after(disk, journal, content[: len(found)])


def goes_on_after(disk: ForgetfulDisk, journal: Journal, before: list[bytes]) -> None:
    """What is appended after a recovery follows what was found, and survives the next opening with it."""
    for _ in range(6):
        journal.append(b"z" * 100)
    journal.flush()
    expected = list(enumerate([*before, *[b"z" * 100] * 6], 1))
    assert everything(journal) == expected
    assert everything(reopened(disk)) == expected


@settings(max_examples=200)
@given(turns=st.lists(payloads, min_size=1, max_size=6), loose=payloads, seed=st.integers(0, 2**32))
def test_a_crash_loses_nothing_that_was_waited_for(turns: list[list[bytes]], loose: list[bytes], seed: int) -> None:
    disk = ForgetfulDisk()
    journal = Journal.open(WHERE, Durability.SYNCED, files=disk, segment_bytes=SEGMENT)
    acknowledged: list[bytes] = []
    for turn in turns:
        for payload in turn:
            journal.append(payload)
        told: list[int] = []
        journal.hold(lambda told=told: told.append(1))  # type: ignore[misc]
        journal.flush()
        assert told == [1]
        acknowledged += turn
    for payload in loose:
        journal.append(payload)
    disk.crash(Random(seed))
    found = everything(reopened(disk))
    assert len(found) >= len(acknowledged)
    assert is_start_of(found, acknowledged + loose)


def test_the_torn_tail_is_reported_and_zeroed() -> None:
    disk = ForgetfulDisk()
    written(disk, [b"one", b"two"])
    (path,) = disk.files
    disk.files[path][22:27] = b"\x09\x00\x00\x00\x01"
    journal = reopened(disk)
    assert (journal.recovery.records, journal.recovery.torn_bytes) == (2, 5)
    assert not any(disk.files[path][22:])


def test_segments_that_do_not_follow_are_set_aside_not_removed() -> None:
    disk = ForgetfulDisk()
    written(disk, [b"x" * 200] * 6)
    first = sorted(disk.files)[0]
    disk.files[first][3] = 0xFF
    journal = reopened(disk)
    assert journal.last == 0 and journal.recovery.set_aside
    assert all(WHERE / f"{name}.aside" in disk.files for name in journal.recovery.set_aside)
