"""Durable appends, and their way into published tiles: what `bench.ledger` shows of the writing side.

An append is what a statement waits for: a record in the journal and the sync of the turn it shares with others. From
there everything goes as in the gateway: drafts, the store (SQLite), places, tiles under a signed checkpoint.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from os import urandom
from pathlib import Path
from uuid import UUID

import uvloop
from tests.ledger.sessions import info, session_id

from daypass.app.publishing import Publishing
from daypass.app.shipping import Numbering
from daypass.domain.statement import Submitted
from daypass.ledger.drafting import SessionInfo
from daypass.ledger.facts import encode
from daypass.ledger.journal import Durability, Journal
from daypass.ledger.shipper import Shipper
from daypass.protocols import PROTOCOLS
from daypass.store.opening import open_store

CONCURRENCIES = (1, 8, 64, 512)
SECONDS = 3.0
STATEMENTS_A_SESSION = 100
THROUGH = 60_000
"""Entries on their way into tiles: some seconds' worth."""

TEXT = b"select id, note from orders where id = $1 and region = 'north'"
"""Prepared once, as applications do: a text that was seen before is not parsed again."""

Show = Callable[[str, float, str], None]


@dataclass
class Appends:
    """Callers that append to one journal as the gateway does, and how long each waited."""

    journal: Journal
    waits: list[float] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)

    async def one(self) -> None:
        n = next(self.numbers)
        session = UUID(session_id(n // STATEMENTS_A_SESSION)).bytes
        began = time.perf_counter()
        fact = Submitted(n % STATEMENTS_A_SESSION + 1, "query", TEXT)
        self.journal.append(encode(session, time.time_ns() // 1000, fact))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.journal.hold(lambda: done.set_result(None))
        await done
        self.waits.append(time.perf_counter() - began)

    async def caller(self, until: float) -> None:
        while time.perf_counter() < until:
            await self.one()


def appending(folder: Path, show: Show) -> None:
    """Show rates and waits at each concurrency, and the rate through to published tiles."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for callers in CONCURRENCIES:
            runner.run(_append(folder / f"journal{callers}", callers, show))
        runner.run(_through(folder / "through", show))


async def _append(folder: Path, callers: int, show: Show) -> None:
    folder.mkdir()
    journal = Journal.open(folder, Durability.SYNCED, reserve_bytes=0)
    journal.attach(asyncio.get_running_loop())
    appends = Appends(journal)
    began = time.perf_counter()
    await asyncio.gather(*(appends.caller(began + SECONDS) for _ in range(callers)))
    took = time.perf_counter() - began
    cuts = statistics.quantiles(appends.waits, n=100)
    show(f"durable appends, {callers} at once", len(appends.waits) / took, "/s")
    show("  p50", cuts[49] * 1000, "ms")
    show("  p99", cuts[98] * 1000, "ms")
    journal.close()


async def _through(folder: Path, show: Show) -> None:
    """Everything at once, as fast as it goes: shipping, numbering, publishing."""
    (folder / "journal").mkdir(parents=True)
    journal = Journal.open(folder / "journal", Durability.SYNCED, reserve_bytes=0)
    journal.attach(asyncio.get_running_loop())
    appends = Appends(journal)
    while len(appends.waits) < THROUGH:
        await asyncio.gather(*(appends.one() for _ in range(512)))
    total = len(appends.waits)
    store = open_store("sqlite", folder)
    await store.migrate()
    publishing = Publishing(store, "acme.test/bench", folder)
    await publishing.open()

    async def describe(id: str) -> SessionInfo | None:
        return info(int(id[-12:], 16))

    shipper = Shipper(journal, Numbering(store), "one", describe, PROTOCOLS, urandom)
    began, used = time.perf_counter(), time.process_time()
    shipping = asyncio.create_task(shipper.drain())
    while publishing.size < total:
        await publishing.publish()
    await shipping
    took, used = time.perf_counter() - began, time.process_time() - used
    show("through to published tiles", total / took, "entries/s")
    show("  processor time an entry", used / total * 1e6, "us")
    await publishing.close()
    await store.close()
    journal.close()
