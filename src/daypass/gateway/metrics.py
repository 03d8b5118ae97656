"""The gateway's numbers for Prometheus, read when they are asked for, so that the data path only adds integers."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from daypass.gateway.works import Works


class GatewayMetrics(Collector):
    """Register it with a `CollectorRegistry`."""

    def __init__(self, works: Works) -> None:
        self._works = works

    def collect(self) -> Iterable[Metric]:
        works, tally, journal = self._works, self._works.tally, self._works.journal
        yield _gauge("sessions_open", "Sessions that are carried now.", len(works.carrying))
        yield _gauge("connections_unauthenticated", "Connections that have not signed in.", tally.unauthenticated)
        yield _gauge("ends_untold", "Sessions that ended and whose last record is not in the store.", works.untold)
        yield _gauge(
            "journal.backlog.unshipped_bytes",
            "Journal records that are not in the store.",
            journal.backlog.unshipped_bytes,
        )
        yield _gauge("journal_broken", "1 once the journal cannot be written.", int(journal.broken))
        yield _gauge("journal_room", "1 while new sessions may open.", int(journal.has_room()))
        traffic = CounterMetricFamily("daypass_bytes", "Bytes received.", labels=["side"])
        traffic.add_metric(["client"], tally.from_clients_bytes)
        traffic.add_metric(["target"], tally.from_targets_bytes)
        yield traffic
        yield _counter("statements", "Statements recorded before they were sent.", tally.statements)
        yield _counter("refused", "Connections refused.", tally.refused)
        yield _counter("crowded_out", "Connections closed as too many had not signed in.", tally.crowded_out)
        yield _counter("sessions_cut", "Sessions ended by Daypass.", tally.cut)
        yield _counter("faults", "Sessions ended by an error of our own.", tally.faults)
        yield _counter("journal_flushes", "Writes of the journal.", journal.flushes)
        yield _counter("journal_flush_seconds", "Time spent writing and syncing the journal.", journal.flush_seconds)
        yield _counter("journal_records", "The number of the newest record.", journal.last)


def _gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"daypass_{name}", help, value=value)


def _counter(name: str, help: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"daypass_{name}", help, value=value)
