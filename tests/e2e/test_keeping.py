"""Backups of a running gateway, and what comes back from them."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from daypass.cli.demo.gateway import ANA, Setup
from tests.e2e.conftest import Starting
from tests.e2e.test_ledger import health, load
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres


def backed_up_under_load(daypass: Daypass, to: Path) -> str:
    """A backup that is taken while sessions work; its state."""
    stop = threading.Event()
    client = threading.Thread(target=load, args=(daypass, stop))
    client.start()
    until(lambda: True if len(daypass.entries("statement.submitted")) > 50 else None, "some load")
    try:
        state: str = daypass.object(None, "backup", str(to))["state"]
        return state
    finally:
        stop.set()
        client.join(20)


def lose_everything(daypass: Daypass) -> None:
    shutil.move(daypass.data, daypass.home / "lost")


def test_a_backup_of_a_working_gateway_is_whole(own_postgres: Postgres, starting: Starting, tmp_path: Path) -> None:
    daypass = starting(own_postgres)
    granted = daypass.grant()
    assert backed_up_under_load(daypass, tmp_path / "kept") == "COMPLETE"
    assert (tmp_path / "kept" / "keys" / "ledger.key").stat().st_mode & 0o77 == 0
    checkpoint = tmp_path / "kept" / "ledger" / "checkpoint"
    assert daypass.run(None, "backup", str(tmp_path / "kept")).returncode == 1  # it is there already
    daypass.stop()
    assert daypass.run(None, "restore", str(tmp_path / "kept")).returncode == 1  # the data is there still
    lose_everything(daypass)
    assert daypass.object(None, "restore", str(tmp_path / "kept"))["state"] == "RESTORED"
    daypass.start()
    assert [grant["id"] for grant in daypass.object(ANA, "grants", "--live")] == [granted.grant]
    assert daypass.psql("select 'back'").stdout.strip() == "back"
    until(lambda: None if daypass.sessions("--live") else True, "what was open to be over")
    assert "intact" in daypass.say(
        None, "ledger", "verify", str(daypass.data / "ledger"), "--checkpoint", str(checkpoint)
    )


def test_a_backup_older_than_the_published_files_is_refused_and_recovered(
    own_postgres: Postgres, starting: Starting, tmp_path: Path
) -> None:
    daypass = starting(own_postgres)
    daypass.grant()
    daypass.object(None, "backup", str(tmp_path / "kept"))
    assert daypass.psql("select 'since'").returncode == 0
    daypass.wait_entries("session.ended")
    daypass.stop()
    lose_everything(daypass)
    daypass.object(None, "restore", str(tmp_path / "kept"))
    shutil.rmtree(daypass.data / "ledger")
    shutil.copytree(daypass.home / "lost" / "ledger", daypass.data / "ledger")  # as a mirror has them
    daypass.start(well=False)
    assert health(daypass)["state"] == "READ_ONLY"
    daypass.stop()
    assert daypass.object(None, "ledger", "recover")["state"] == "RECOVERED"
    daypass.start()
    newest = str(daypass.home / "lost" / "ledger" / "checkpoint")
    assert "intact" in daypass.say(None, "ledger", "verify", str(daypass.data / "ledger"), "--checkpoint", newest)


@pytest.mark.parametrize("older", [False, True])
def test_a_store_in_postgresql_is_dumped_and_loaded(
    own_postgres: Postgres, starting: Starting, tmp_path: Path, older: bool
) -> None:
    url = own_postgres.create_database("kept")
    daypass = starting(own_postgres, Setup(store=url))
    daypass.grant()
    assert daypass.object(None, "backup", str(tmp_path / "kept"))["state"] == "WITHOUT_STORE"
    daypass.wait_entries("request.approved")
    dump = tmp_path / "kept" / "store.dump"
    done = daypass.client(own_postgres.binaries.program("pg_dump"), "-Fc", "-f", str(dump), "-d", url)
    assert done.returncode == 0, done.stderr
    if older:
        assert daypass.psql("select 'since'").returncode == 0
        daypass.wait_entries("session.ended")
    daypass.stop()
    own_postgres.execute("drop database kept with (force)")
    own_postgres.create_database("kept")
    done = daypass.client(own_postgres.binaries.program("pg_restore"), "--no-owner", "-d", url, str(dump))
    assert done.returncode == 0, done.stderr
    if older:
        daypass.start(well=False)
        daypass.stop()
        assert daypass.object(None, "ledger", "recover")["state"] == "RECOVERED"
    daypass.start()
    daypass.grant(for_="2h")
    daypass.wait_entries("request.approved", 2)
    daypass.verify()
