"""The log by itself: publishing, verifying and receipts.   python -m bench.ledger [--entries 1000000]

Figures go beside the machine's own SHA-256 and fdatasync, taken in the same run: read them as ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from tests.ledger.logs import Log, Sequencer
from tests.servers.postgres import Postgres

from bench.appends import appending
from bench.search import searching
from daypass.ledger.receipts import make_receipt
from daypass.ledger.source import Directory

ENTRIES_IN_A_STEP = 4096
"""As many as the gateway publishes at once when it is busy."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--receipts", type=int, default=500)
    parser.add_argument("--search", action="store_true", help="only searches, over as many events")
    parser.add_argument("--search-postgresql", action="store_true", help="the same on PostgreSQL")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="daypass-bench-") as folder:
        if given.search:
            searching("sqlite", Path(folder), given.entries, show)
            return
        if given.search_postgresql:
            with Postgres.debian() as server:
                searching(server.create_database("search"), Path(folder), given.entries, show)
            return
        machine(Path(folder))
        appending(Path(folder), show)
        log = publishing(Path(folder) / "log", given.entries)
        verifying(log, given.entries)
        receipts(log, given.entries, given.receipts)


def machine(folder: Path) -> None:
    """What this machine does at best."""
    entry = bytes(660)
    count = 200_000
    seconds = timed(lambda: [sha256(entry).digest() for _ in range(count)])
    show("SHA-256 of 660 bytes, one process", count / seconds, "/s")
    fd = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT)
    waits = []
    for n in range(200):
        os.pwrite(fd, bytes(4096), n * 4096)
        waits.append(timed(lambda: os.fdatasync(fd)))
    os.close(fd)
    show("fdatasync of 4 KiB, median", statistics.median(waits) * 1000, "ms")


def publishing(folder: Path, count: int) -> Log:
    """From sequenced entries to a published checkpoint over them."""
    log, sequencer = Log(folder), Sequencer()
    seconds, size = 0.0, 0
    while size < count:
        entries = sequencer.entries(min(ENTRIES_IN_A_STEP, count - size))
        first = size
        seconds += timed(lambda first=first, entries=entries: log.publisher.publish(first, entries))  # type: ignore[misc]
        size += len(entries)
    bundles = [file for file in (log.root / "tile/entries").rglob("*") if file.is_file()]
    show("bytes in an entry", sum(file.stat().st_size for file in bundles) / count, "")
    show(f"published, {ENTRIES_IN_A_STEP} entries a step", count / seconds, "entries/s")
    small = [timed(lambda: log.publisher.publish(log.publisher.size, sequencer.entries(1))) for _ in range(100)]
    show("one entry published, median", statistics.median(small) * 1000, "ms")
    return log


def verifying(log: Log, count: int) -> None:
    """The command itself, start-up and processes included."""
    command = [sys.executable, "-m", "daypass", "ledger", "verify", str(log.root), "--vkey", str(log.vkey)]
    runs = [timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(3)]
    show("verified, best of 3", count / min(runs), "entries/s")
    show("verified, median of 3", count / statistics.median(runs), "entries/s")


def receipts(log: Log, count: int, wanted: int) -> None:
    """Made from the published files and verified."""
    source = Directory(log.root)
    waits = [timed(lambda n=n: make_receipt(source.read, log.vkey, n * 7919 % count)) for n in range(wanted)]  # type: ignore[misc]
    show("receipt, median", statistics.median(waits) * 1000, "ms")
    show("receipt, p99", statistics.quantiles(waits, n=100)[98] * 1000, "ms")


def timed(work: Callable[[], object]) -> float:
    """How many seconds it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def show(what: str, value: float, unit: str) -> None:
    print(f"{what:<44} {value:>14,.2f} {unit}", flush=True)


if __name__ == "__main__":
    main()
