"""A backup is on the disk when it is told that it is complete."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daypass.app.checking import check_settings
from daypass.app.keeping import backup, restore
from daypass.config import read_settings
from tests.api.inside import inside


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """What was synced, as it is; files and folders."""
    found: set[Path] = set()
    fsync = os.fsync

    def sync(fd: int) -> None:
        found.add(Path(f"/proc/self/fd/{fd}").readlink())
        fsync(fd)

    monkeypatch.setattr(os, "fsync", sync)
    return found


async def test_whatever_is_copied_is_synced(tmp_path: Path, synced: set[Path]) -> None:
    async with inside(tmp_path) as here:
        await here.publishing.publish()
    checked = check_settings(read_settings(tmp_path / "daypass.yaml"), 0)
    kept, data = tmp_path / "kept" / "today", checked.settings.data
    synced.clear()
    assert backup(checked, kept)["state"] == "COMPLETE"
    copied = set(kept.rglob("*"))
    assert {kept / "store.sqlite", kept / "ledger" / "checkpoint", kept / "keys"} <= copied <= synced
    assert {kept, kept.parent} <= synced
    data.rename(tmp_path / "lost")
    synced.clear()
    assert restore(checked, kept)["state"] == "RESTORED"
    assert {data / path.relative_to(kept) for path in copied} | {data, data.parent} <= synced
