"""Syncing in a process of its own, where the disk is slow: nobody is told sooner, nothing is missed, and it may die."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from daypass.ledger.files import Disk, Files
from daypass.ledger.group_commit import DIRTY_SECONDS
from daypass.ledger.journal import Durability, Journal
from daypass.ledger.syncing import Apart

TURNS = 200


class CountingDisk:
    """The real one, which says how often this process synced; `lasts` makes it slow."""

    def __init__(self) -> None:
        self.syncs = 0
        self.lasts = 0.0
        self._disk = Disk()

    def sync(self, handle: int) -> None:
        self.syncs += 1
        time.sleep(self.lasts)
        self._disk.sync(handle)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)


class Rig:
    """A journal of small segments, and who syncs it."""

    def __init__(self, folder: Path) -> None:
        self.disk = CountingDisk()
        self.folder = folder
        self.journal = Journal.open(folder, Durability.SYNCED, files=cast(Files, self.disk), segment_bytes=4096)
        self.journal.attach(asyncio.get_running_loop())
        self.apart = Apart()
        self.journal.sync_by(self.apart)
        self.journal.slow_seconds = 0.0  # any disk is
        self.told: list[str] = []

    def hold(self, *names: str) -> None:
        """Each appends a record and waits for it."""
        for name in names:
            self.journal.append(name.encode())
            self.journal.hold(lambda name=name: self.told.append(name))  # type: ignore[misc]

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not what():  # noqa: ASYNC110  what is waited for tells nobody
                await asyncio.sleep(0.001)

    async def turns(self) -> None:
        """As many turns as anything that is not waiting for the other process would take."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def kept(self) -> list[bytes]:
        """What a start would find."""
        found: list[bytes] = []
        again = Journal.open(self.folder, Durability.SYNCED, segment_bytes=4096)
        while part := again.read_from(len(found) + 1, 1000):
            found += [payload for _, payload in part]
        return found


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path / "journal")
    yield made
    made.journal.close()
    made.apart.close()


async def test_several_are_told_when_the_other_process_has_synced(rig: Rig) -> None:
    os.kill(rig.apart.pid, signal.SIGSTOP)
    rig.hold("a", "b")
    await rig.turns()
    assert rig.told == [] and rig.journal.durable == 0
    rig.hold("c")
    await rig.turns()
    os.kill(rig.apart.pid, signal.SIGCONT)
    await rig.until(lambda: len(rig.told) == 3)
    assert rig.told == ["a", "b", "c"]
    assert rig.journal.durable == 3 and rig.disk.syncs == 0


async def test_one_who_works_alone_waits_for_nobody_elses_turn(rig: Rig) -> None:
    def one() -> None:
        rig.told.append("one")

    for _ in range(3):
        rig.journal.append(b"one")
        rig.journal.hold(one)
        await rig.until(lambda: rig.journal.durable == rig.journal.last)
    assert rig.told == ["one"] * 3 and rig.disk.syncs == 2, "the first could have been one of several"


class Watching(selectors.DefaultSelector):
    """The loop's selector, which says how often it is asked without any time to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.awake = 0

    def select(self, timeout: float | None = None) -> Any:
        self.awake += timeout == 0
        return super().select(timeout)


@pytest.mark.parametrize(("several", "awake"), [(False, True), (True, False)])
def test_the_loop_stays_awake_after_the_sync_of_one_alone(tmp_path: Path, several: bool, awake: bool) -> None:
    selector = Watching()

    async def work() -> None:
        rig = Rig(tmp_path / "journal")
        rig.journal.slow_seconds, rig.journal.awake_seconds = 20.0, 0.5
        told: list[str] = []
        waiters = [lambda: told.append("one"), lambda: told.append("other")]
        for n in range(4):
            rig.journal.append(b"a statement")
            rig.journal.hold(waiters[n % 2 if several else 0])
            await rig.until(lambda n=n: len(told) > n)  # type: ignore[misc]
        selector.awake = 0
        await asyncio.sleep(0.3)
        rig.journal.close()
        rig.apart.close()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(work())
    assert (selector.awake > 20) is awake, selector.awake


async def test_only_the_disk_decides_who_syncs(rig: Rig) -> None:
    """However long the other process waits for its turn."""
    os.kill(rig.apart.pid, signal.SIGSTOP)
    rig.hold("a", "b")
    await asyncio.sleep(2)
    os.kill(rig.apart.pid, signal.SIGCONT)
    await rig.until(lambda: len(rig.told) == 2)
    assert rig.disk.syncs == 0
    rig.journal.slow_seconds = 0.2  # two seconds, and sixteen of them count, would be more than half of it
    rig.hold("c", "d")
    await rig.until(lambda: len(rig.told) == 4)
    assert rig.disk.syncs == 1


async def test_what_nobody_waits_for_is_synced_with_a_timer(rig: Rig) -> None:
    rig.journal.append(b"completed")
    await asyncio.sleep(2 * DIRTY_SECONDS)
    await rig.until(lambda: rig.journal.durable == 1)
    assert rig.disk.syncs == 0


async def test_a_file_that_is_full_while_it_is_synced_is_left_in_order(rig: Rig) -> None:
    os.kill(rig.apart.pid, signal.SIGSTOP)
    names = [f"{n:03}" + "x" * 500 for n in range(40)]
    for at in range(0, len(names), 4):
        rig.hold(*names[at : at + 4])
        await rig.turns()
    assert rig.told == []
    os.kill(rig.apart.pid, signal.SIGCONT)
    await rig.until(lambda: len(rig.told) == len(names))
    assert rig.told == names
    assert rig.kept() == [name.encode() for name in names]


async def test_when_the_other_process_is_killed_this_one_syncs(rig: Rig) -> None:
    os.kill(rig.apart.pid, signal.SIGSTOP)
    rig.hold("a", "b")
    await rig.turns()
    os.kill(rig.apart.pid, signal.SIGKILL)
    await rig.until(lambda: len(rig.told) == 2)
    rig.hold("c", "d")
    await rig.until(lambda: len(rig.told) == 4)
    assert rig.told == ["a", "b", "c", "d"] and rig.disk.syncs == 2


async def test_a_sync_that_fails_elsewhere_breaks_the_journal(rig: Rig) -> None:
    failures: list[OSError] = []
    rig.journal.on_failure = failures.append
    reading, writing = os.pipe()  # neither end of which can be synced
    rig.apart.follow(writing)
    rig.hold("a", "b")
    await rig.until(lambda: rig.journal.broken)
    await rig.turns()
    assert rig.told == [] and [problem.errno for problem in failures] == [22]
    os.close(reading)
    os.close(writing)


async def test_closing_while_it_is_synced_elsewhere_leaves_nothing_out(rig: Rig) -> None:
    os.kill(rig.apart.pid, signal.SIGSTOP)
    rig.hold("a", "b")
    await rig.turns()
    rig.hold("c")
    rig.journal.flush()
    assert rig.told == ["a", "b", "c"] and rig.journal.durable == 3
    os.kill(rig.apart.pid, signal.SIGCONT)
    rig.hold("d", "e")
    await rig.until(lambda: len(rig.told) == 5)


async def test_signals_to_the_group_end_it_not(rig: Rig) -> None:
    rig.hold("a", "b")
    await rig.until(lambda: len(rig.told) == 2)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(rig.apart.pid, number)
    rig.hold("c", "d")
    await rig.until(lambda: len(rig.told) == 4)
    assert rig.disk.syncs == 0


async def test_who_is_ready_meanwhile_shares_a_sync(rig: Rig) -> None:
    rig.journal.slow_seconds = 20.0
    rig.hold("a")
    asyncio.get_running_loop().call_soon(rig.hold, "b", "c")
    await rig.until(lambda: len(rig.told) == 3)
    assert rig.told == ["a", "b", "c"] and rig.disk.syncs == 1


async def test_those_who_keep_coming_hold_nobody_up(rig: Rig) -> None:
    rig.journal.slow_seconds = 20.0
    loop, coming = asyncio.get_running_loop(), 1000

    def come() -> None:
        nonlocal coming
        coming -= 1
        rig.hold(str(coming))
        if coming and "999" not in rig.told:
            loop.call_soon(come)

    come()
    await rig.until(lambda: "999" in rig.told)
    assert coming > 990


async def test_a_disk_that_gets_slow_is_synced_elsewhere_and_one_that_gets_fast_is_not(rig: Rig) -> None:
    rig.journal.slow_seconds, rig.disk.lasts = 1.0, 5.0
    rig.hold("a", "b")
    await rig.until(lambda: len(rig.told) == 2)
    assert rig.disk.syncs == 1
    rig.disk.lasts = 0.0
    rig.journal.slow_seconds = 0.2  # five seconds, and sixteen of them count
    rig.hold("c", "d")
    await rig.until(lambda: len(rig.told) == 4)
    assert rig.disk.syncs == 1
    rig.journal.slow_seconds = 20.0
    rig.hold("e", "f")
    await rig.until(lambda: len(rig.told) == 6)
    assert rig.disk.syncs == 2 and rig.told == list("abcdef")
