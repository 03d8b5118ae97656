"""The journal in one process: order, holding, shipping, forgetting, and what it does when the disk does not."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ledger.disk import ForgetfulDisk

from daypass.domain.errors import Unavailable
from daypass.ledger.group_commit import DIRTY_SECONDS, GATHERED_MAX
from daypass.ledger.journal import Durability, Journal

WHERE = Path("/journal")


def open_on(disk: ForgetfulDisk, durability: Durability = Durability.SYNCED, **limits: int) -> Journal:
    return Journal.open(WHERE, durability, files=disk, segment_bytes=limits.pop("segment_bytes", 4096), **limits)


def everything(journal: Journal, start: int = 1) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while part := journal.read_from(start, 7):
        found += part
        start = part[-1][0] + 1
    return found


@pytest.fixture(params=["memory", "disk"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    if request.param == "memory":
        yield open_on(ForgetfulDisk())
    else:
        yield Journal.open(tmp_path / "journal", Durability.SYNCED, segment_bytes=4096)


def test_numbers_are_contiguous_across_segments(journal: Journal) -> None:
    payloads = [bytes([n % 251 + 1]) * (n % 300 + 1) for n in range(500)]
    assert [journal.append(p) for p in payloads] == list(range(1, 501))
    journal.flush()
    assert everything(journal) == list(enumerate(payloads, 1))
    assert journal.last == journal.durable == 500


def test_nothing_is_read_before_it_is_durable(journal: Journal) -> None:
    journal.append(b"a")
    assert journal.read_from(1, 10) == []
    journal.flush()
    assert journal.read_from(1, 10) == [(1, b"a")]
    assert journal.read_from(2, 10) == []


def test_a_record_longer_than_a_segment_gets_its_own(journal: Journal) -> None:
    journal.append(b"before")
    journal.append(b"x" * 3_000_000)
    journal.append(b"after")
    journal.flush()
    assert [len(p) for _, p in everything(journal)] == [6, 3_000_000, 5]


@pytest.mark.parametrize("durability", [Durability.SYNCED, Durability.WRITTEN])
def test_records_lie_in_their_segment_as_it_is_told(tmp_path: Path, durability: Durability) -> None:
    journal = Journal.open(tmp_path, durability, after=2**32 - 2)  # a checksum begins with 32 bits of the number
    payloads = [b"small", b"l" * 5000, b"s", b"small again", b"l" * 70_000, b"m" * 4096]
    for payload in payloads:
        journal.append(payload)
    journal.flush()
    journal.append(b"of another turn")
    journal.close()
    (data,) = (path.read_bytes() for path in tmp_path.glob("*.seg"))
    expected = b"".join(
        struct.pack("<II", len(payload), zlib.crc32(payload, number % 2**32)) + payload
        for number, payload in enumerate([*payloads, b"of another turn"], 2**32 - 1)
    )
    assert data.startswith(expected) and not data[len(expected) :].strip(b"\0")


def test_old_records_are_read_back_from_their_files_when_memory_has_let_them_go(journal: Journal) -> None:
    payload = b"y" * 100_000
    for _ in range(120):
        journal.append(payload)
        journal.flush()
    assert [n for n, p in everything(journal) if p == payload] == list(range(1, 121))


def test_reopened_it_goes_on_where_it_was(tmp_path: Path) -> None:
    first = Journal.open(tmp_path, Durability.WRITTEN, segment_bytes=4096)
    for n in range(100):
        first.append(b"%d" % n * 50)
    first.close()
    second = Journal.open(tmp_path, Durability.WRITTEN, segment_bytes=4096)
    assert second.recovery.records == 100 and second.recovery.torn_bytes == 0
    assert second.append(b"next") == 101
    second.flush()
    assert [n for n, _ in everything(second)] == list(range(1, 102))


def test_numbering_never_falls_behind_what_the_store_holds() -> None:
    disk = ForgetfulDisk()
    journal = Journal.open(WHERE, Durability.SYNCED, files=disk, after=41, segment_bytes=4096)
    assert journal.append(b"x") == 42
    journal.flush()
    assert Journal.open(WHERE, Durability.SYNCED, files=disk, after=42, segment_bytes=4096).append(b"y") == 43


async def turn() -> None:
    """As long as those who hold are gathered for one sync."""
    for _ in range(GATHERED_MAX + 2):
        await asyncio.sleep(0)


async def test_one_write_and_one_sync_cover_all_who_hold_in_a_turn() -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk)
    journal.attach(asyncio.get_running_loop())
    order: list[str] = []
    for name in "abc":
        journal.append(name.encode())
        journal.hold(lambda name=name: order.append(f"{name} after {disk.syncs} sync"))  # type: ignore[misc]
    assert (order, disk.writes, disk.syncs) == ([], 0, 0)
    await turn()
    assert order == ["a after 1 sync", "b after 1 sync", "c after 1 sync"]
    assert (disk.writes, disk.syncs) == (1, 1)


async def test_what_nobody_waits_for_goes_with_a_timer() -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk)
    journal.attach(asyncio.get_running_loop())
    journal.append(b"completed")
    await turn()
    assert journal.durable == 0
    await asyncio.sleep(10 * DIRTY_SECONDS)
    assert (journal.durable, disk.syncs) == (1, 1)


async def test_written_never_syncs() -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk, Durability.WRITTEN)
    journal.attach(asyncio.get_running_loop())
    called: list[int] = []
    journal.append(b"x")
    journal.hold(lambda: called.append(1))
    await turn()
    assert called == [1] and disk.syncs == 0


async def test_ledger_durability_waits_for_the_store() -> None:
    journal = open_on(ForgetfulDisk(), Durability.LEDGER)
    journal.attach(asyncio.get_running_loop())
    called: list[str] = []
    journal.append(b"x")
    journal.hold(lambda: called.append("first"))
    journal.append(b"y")
    journal.hold(lambda: called.append("second"))
    await turn()
    assert journal.durable == 2 and called == []
    journal.shipped(1)
    assert called == ["first"]
    journal.shipped(2)
    assert called == ["first", "second"]


def test_waiting_for_shipping_is_told_in_order_and_at_once_if_it_is_done() -> None:
    journal = open_on(ForgetfulDisk())
    for _ in range(3):
        journal.append(b"x")
    journal.flush()
    told: list[int] = []
    for number in (3, 1, 2):
        journal.when_shipped(number, lambda number=number: told.append(number))  # type: ignore[misc]
    journal.shipped(2)
    assert told == [1, 2]
    journal.shipped(3)
    journal.when_shipped(3, lambda: told.append(33))
    assert told == [1, 2, 3, 33]


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["write", "sync"])
async def test_after_a_failure_nobody_is_called_and_nothing_is_taken(fault: str) -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk)
    journal.attach(asyncio.get_running_loop())
    failures: list[OSError] = []
    journal.on_failure = failures.append
    disk.fail(fault)
    journal.append(b"x")
    journal.hold(lambda: pytest.fail("told that it is durable"))
    await turn()
    disk.fail()
    await asyncio.sleep(0.1)
    assert len(failures) == 1 and journal.broken and journal.durable == 0
    with pytest.raises(Unavailable, match="cannot be written"):
        journal.append(b"y")
    journal.flush()
    assert len(failures) == 1 and not journal.has_room()


async def test_a_disk_without_room_for_the_next_segment_opens_no_session_and_then_breaks() -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk)
    disk.fail("create")
    journal.attach(asyncio.get_running_loop())
    await asyncio.sleep(0.05)
    assert not journal.has_room() and not journal.broken
    failures: list[OSError] = []
    journal.on_failure = failures.append
    for _ in range(4):
        journal.append(b"x" * 1000)
    with pytest.raises(Unavailable):
        journal.append(b"x" * 1000)
    assert journal.broken and len(failures) == 1


async def test_room_comes_back_with_the_disk() -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk)
    disk.fail("create")
    journal.attach(asyncio.get_running_loop())
    async with asyncio.timeout(20):  # a busy machine is slow with threads
        while journal.has_room():  # noqa: ASYNC110  a thread makes room
            await asyncio.sleep(0.01)
        disk.fail()
        while not journal.has_room():  # noqa: ASYNC110  and again
            await asyncio.sleep(0.01)


def test_below_the_reserve_there_is_no_room() -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk, reserve_bytes=1000)
    disk.free = 999
    assert not journal.has_room()
    disk.free = 1000
    assert journal.has_room()


# -- backlog ----------------------------------------------------------------------------------------------------------


def test_the_backlog_is_full_above_its_limit_until_it_is_shipped() -> None:
    journal = open_on(ForgetfulDisk(), backlog_bytes=200_000)
    while not journal.backlog.full:
        journal.append(b"x" * 1000)
    journal.flush()
    assert 199 <= journal.last <= 210
    journal.shipped(journal.last // 2)
    assert not journal.backlog.full and journal.backlog.unshipped_bytes > 50_000
    journal.shipped(journal.last)
    assert journal.backlog.unshipped_bytes == 0


def test_shipped_segments_leave_the_disk() -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk)
    for n in range(40):
        journal.append(b"%02d" % n * 250)
    journal.flush()
    before = len(disk.files)
    journal.shipped(20)
    left = b"".join(bytes(content) for content in disk.files.values())
    assert 1 < len(disk.files) < before and b"0101" not in left and b"3939" in left
    assert everything(journal, 21)[0] == (21, b"20" * 250)


def test_an_old_segment_that_is_wholly_shipped_leaves_the_disk_though_it_is_not_full() -> None:
    disk = ForgetfulDisk()
    journal = open_on(disk)
    journal.roll_seconds = 0.0
    journal.append(b"secret")
    journal.flush()
    journal.shipped(1)
    assert not any(b"secret" in content for content in disk.files.values())
    assert journal.append(b"next") == 2


def test_what_is_forgotten_cannot_be_read() -> None:
    journal = open_on(ForgetfulDisk())
    for _ in range(40):
        journal.append(b"x" * 500)
    journal.flush()
    journal.shipped(30)
    with pytest.raises(Unavailable, match="no longer holds"):
        journal.read_from(1, 1)
