"""Daypass against the bare server, HAProxy and pgbouncer, interleaved in one run; each as a ratio.

python -m bench.postgres                      all of it, about an hour
python -m bench.postgres --quick              two minutes
python -m bench.postgres --only "prepared, 8" --rounds 5 --markdown out.md
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.servers.daypass import Daypass
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import Missing, Postgres

from bench.contenders import Contender, lineup
from bench.loads import Load, bulk, connections, transactions
from bench.machine import fdatasync_us, flush_us, kib_per_idle_session, settle, ship_lag

MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 8, 64)
DURABILITIES = ("written", "synced")
PGBOUNCER = PgBouncer.program

Round = list[tuple[str, float]]
"""What one load gave in one round: who, how much, in the order of the runs."""


def main(argv: Sequence[str] | None = None) -> int:
    given = _arguments().parse_args(argv)
    if given.quick:
        given.rounds, given.seconds, given.clients, given.modes = 1, 2, [8], ["simple", "prepared"]
    try:
        with (
            tempfile.TemporaryDirectory(prefix="daypass-bench-", dir=Path.cwd()) as folder,
            lineup(DURABILITIES, given.scale) as (server, contenders),
        ):
            lines = _measure(given, server, contenders, Path(folder))
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    if given.markdown:
        Path(given.markdown).write_text("\n".join(lines) + "\n")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.postgres", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="one short round of a part")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured; medians are shown")
    parser.add_argument("--seconds", type=int, default=5, help="how long each pgbench runs")
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--only", default="", help="only loads whose name holds this text")
    parser.add_argument("--scale", type=int, default=10, help="pgbench's scale: 100,000 rows each")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables to this file as well")
    return parser


def _measure(given: argparse.Namespace, server: Postgres, contenders: list[Contender], folder: Path) -> list[str]:
    loads = [
        *transactions(server, given.modes, given.clients, given.seconds),
        connections(server, given.seconds),
        *bulk(server, folder),
    ]
    synced = contenders[-1].gateway
    # Before the loads: a process that has just freed memory would fit the sessions into that.
    idle_kib = kib_per_idle_session(synced) if synced is not None else float("nan")
    results = _run([load for load in loads if given.only in load.name], contenders, given.rounds)
    lines = tables(results, {load.name: load.unit for load in loads}, [contender.name for contender in contenders])
    if synced is not None:
        lines += _surroundings(server, synced, folder, given.seconds, idle_kib)
    print("\n".join(lines))
    return lines


def _run(loads: list[Load], contenders: list[Contender], rounds: int) -> dict[str, list[Round]]:
    """Every load against everybody in turn, again in each round: what else the machine does hits all alike."""
    seen: dict[str, list[Round]] = {load.name: [] for load in loads}
    for number in range(1, rounds + 1):
        for load in loads:
            taken: Round = []
            for contender in _turns(contenders):
                value = load.run(contender)
                if contender.gateway is not None:
                    settle(contender.gateway)
                taken.append((contender.name, value))
                note = f"round {number}: {load.name:34} {contender.name:16} {value:12.1f} {load.unit}"
                print(note, file=sys.stderr, flush=True)
            seen[load.name].append(taken)
    return seen


def _turns(contenders: list[Contender]) -> Iterator[Contender]:
    """In order, and pgbouncer again right before each gateway: shipping what one was told takes longer than the
    machine keeps its speed, and a share is taken of the run next to it."""
    (pgbouncer,) = (contender for contender in contenders if contender.name == PGBOUNCER)
    before: Contender | None = None
    for contender in contenders:
        if contender.gateway is not None and before is not pgbouncer:
            yield pgbouncer
        yield contender
        before = contender


def shares(rounds: list[Round], name: str, against: str) -> list[float]:
    """Each run of `name` as a share of that run of `against` that was next to it in its round."""
    found: list[float] = []
    for taken in rounds:
        others = [place for place, (who, _) in enumerate(taken) if who == against]
        for place, (who, value) in enumerate(taken):
            if who == name:
                found.append(value / taken[min(others, key=lambda other, here=place: abs(other - here))][1])
    return found


def tables(results: dict[str, list[Round]], units: dict[str, str], names: list[str]) -> list[str]:
    """Markdown: medians as measured, medians of the shares of the bare server and of pgbouncer, and how far apart
    the latter were."""

    def cells(value: Callable[[list[Round], str], str]) -> list[str]:
        head = [f"| load | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
        rows = (f"| {load} ({units[load]}) | {' | '.join(value(r, n) for n in names)} |" for load, r in results.items())
        return [*head, *rows, ""]

    def measured(rounds: list[Round], name: str) -> str:
        return f"{statistics.median(value for taken in rounds for who, value in taken if who == name):,.0f}"

    def spread(rounds: list[Round], name: str) -> str:
        found = shares(rounds, name, PGBOUNCER)
        return f"{min(found):.2f} to {max(found):.2f}"

    lines = ["## As measured", "", *cells(measured)]
    for against in ("direct", PGBOUNCER):
        lines += [f"## Ratio to {against}", ""]
        lines += cells(lambda rounds, name, to=against: f"{statistics.median(shares(rounds, name, to)):.2f}")
    return [*lines, "## Ratio to pgbouncer, of single rounds", "", *cells(spread)]


def _surroundings(server: Postgres, gateway: Daypass, folder: Path, seconds: int, idle_kib: float) -> list[str]:
    typical, worst = ship_lag(server, gateway, seconds)
    return [
        "## Beside it",
        "",
        f"- cores: {os.cpu_count()}",
        f"- `fdatasync` of 512 bytes: {fdatasync_us(folder):.0f} µs (median)",
        f"- the same and its write between the statements of one client: {flush_us(server, gateway, seconds):.0f} µs",
        f"- memory of an idle session: {idle_kib:.0f} KiB",
        f"- shipper's lag under pgbench -S prepared, 8 clients: {typical:.0f} ms typically, {worst:.0f} ms at worst",
    ]


if __name__ == "__main__":
    sys.exit(main())
