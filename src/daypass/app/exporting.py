"""The exports of the settings, each running on its own: read from the store, sent, and how far they are behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from daypass.config import ExportSettings, Settings, read_secret
from daypass.domain.errors import ConfigError
from daypass.ledger.exporting.exporter import Exporter
from daypass.ledger.exporting.forms import Placed
from daypass.ledger.exporting.sending import Way, sending
from daypass.store.interface import Store

CURSOR = "export:"
"""What the names of cursors among the store's settings begin with."""
AGAIN_SECONDS = 5.0
"""After something that nobody expected; it is told, and tried again."""

log = structlog.get_logger()


class StoreFeed:
    """A `ledger.exporting.exporter.Feed` over the store."""

    def __init__(self, store: Store, site: str, name: str) -> None:
        self._store = store
        self._site = site
        self._name = CURSOR + name

    async def cursor(self) -> int:
        async with self._store.reading() as tx:
            return int(await tx.setting(self._name) or 0)

    async def move(self, cursor: int) -> None:
        async with self._store.begin() as tx:
            await tx.save_setting(self._name, str(cursor))

    async def read(self, since: int, limit: int) -> Sequence[Placed]:
        async with self._store.reading() as tx:
            found = await tx.entries(since=since, limit=limit)
        return [Placed(self._site, entry.index, entry.leaf, entry.entry) for entry in found]

    async def mine(self) -> bool:
        return await self._store.hold(self._name)


class Exports(Collector):
    """`start`, then `stop`. It is a Prometheus collector as well."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._exporters = [self._exporter(store, settings.site, one) for one in settings.exports]
        self._tasks: list[asyncio.Task[None]] = []

    @staticmethod
    def _exporter(store: Store, site: str, one: ExportSettings) -> Exporter:
        if one.ca is not None and not one.ca.is_file():
            raise ConfigError(f"exports: {one.name}: there is no file {one.ca}")
        way = Way(one.to, one.form, read_secret(one.token) if one.token else "", one.ca)
        patterns = one.types

        def wanted(type: str) -> bool:
            return not patterns or any(fnmatchcase(type, pattern) for pattern in patterns)

        return Exporter(one.name, StoreFeed(store, site, one.name), sending(way), wanted)

    def start(self) -> None:
        for exporter in self._exporters:
            self._tasks.append(asyncio.create_task(self._run(exporter), name=f"export {exporter.name}"))

    async def stop(self) -> None:
        """What has not arrived is sent after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _run(self, exporter: Exporter) -> None:
        while True:
            try:
                await exporter.run()
            except Exception as problem:  # noqa: BLE001  told, and tried again: an export stops nothing else
                log.error("an export failed", export=exporter.name, problem=f"{type(problem).__name__}: {problem}")
                await asyncio.sleep(AGAIN_SECONDS)

    def collect(self) -> Iterable[Metric]:
        """Where each export is, and whether it can be sent."""
        places = GaugeMetricFamily("daypass_export_next", "The next entry an export sends.", labels=["export"])
        failing = GaugeMetricFamily("daypass_export_failing", "1 while an export cannot be sent.", labels=["export"])
        for exporter in self._exporters:
            places.add_metric([exporter.name], exporter.next)
            failing.add_metric([exporter.name], int(bool(exporter.problem)))
        return (places, failing)
