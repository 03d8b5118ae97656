"""A disk that takes no more, for real: the operating system refuses to let any file grow past a size.

What could not be stored is said to be so and is not there; once there is room again, everything goes on as one log.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from daypass.domain.errors import Unavailable
from daypass.domain.events import Draft
from daypass.ledger.durable import Disk
from daypass.ledger.publisher import Publisher
from daypass.ledger.sequencer import number
from daypass.ledger.signer import LogSigner
from daypass.ledger.source import Directory
from daypass.ledger.verify import Asked, verify_log
from daypass.store.interface import Store
from daypass.store.opening import open_store
from tests.ledger.logs import Sequencer
from tests.store import things

BATCH = 50
BATCHES_MAX = 400
LOST = 100_000


@contextmanager
def no_file_grows_past(size: int) -> Iterator[None]:
    """Writes beyond fail in this process with EFBIG (`SIGXFSZ` is ignored by Python)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def drafts(first: int) -> list[Draft]:
    return [
        replace(things.draft(n, session=None), entry=b'{"chains":[],"commit":{},"n":%d}' % n)
        for n in range(first, first + BATCH)
    ]


async def filled(store: Store) -> int:
    """Ship until the store says that it cannot; the number of the first record that it has not got."""
    for at in range(1, BATCHES_MAX * BATCH, BATCH):
        try:
            await store.ship_placed("one", at, at + BATCH - 1, drafts(at), number)
        except Unavailable:
            return at
    raise AssertionError("the disk never filled up")


async def change(store: Store) -> None:
    """A state and an entry that belong together, too large for what is left."""
    async with store.begin() as tx:
        await tx.append(drafts(LOST)[0])
        await tx.save_setting("large", "x" * 4 * 1024 * 1024)


async def test_a_store_whose_disk_is_full_keeps_what_it_has_and_goes_on_later(tmp_path: Path) -> None:
    store = open_store("sqlite", tmp_path)
    await store.migrate()
    with no_file_grows_past(max(file.stat().st_size for file in tmp_path.iterdir()) + 512 * 1024):
        at = await filled(store)
        assert await store.shipped("one") == at - 1
        async with store.reading() as tx:
            assert len(await tx.leaves_and_bytes(since=0, limit=100_000)) == at - 1
        with pytest.raises(Unavailable):
            await change(store)
    assert await store.ship_placed("one", at, at + BATCH - 1, drafts(at), number) == BATCH
    await store.close()
    again = open_store("sqlite", tmp_path)
    async with again.reading() as tx:
        found = await tx.entries(limit=100_000)
    await again.close()
    assert [one.index for one in found] == list(range(at - 1 + BATCH))
    assert not [one for one in found if one.id == drafts(LOST)[0].id]


def test_publishing_on_a_full_disk_signs_nothing_that_is_not_there(tmp_path: Path) -> None:
    folder, disk = tmp_path / "ledger", Disk()
    for path in (folder, tmp_path / "keys"):
        path.mkdir()
    signer = LogSigner("acme.test/full", tmp_path / "keys", disk, bytes(range(32)))
    publisher = Publisher(folder, signer, disk)
    publisher.open()
    sequencer = Sequencer()
    entries = [sequencer.entry() for _ in range(300)]
    publisher.publish(0, entries[:10])
    before = (folder / "checkpoint").read_bytes()
    with no_file_grows_past(2048), pytest.raises(OSError):
        publisher.publish(10, entries[10:])
    assert (folder / "checkpoint").read_bytes() == before and signer.memory.size == 10
    assert not [file for file in folder.rglob("*") if file.name.endswith(".new")]
    publisher.publish(10, entries[10:])
    assert verify_log(Directory(folder), Asked(signer.vkey))
