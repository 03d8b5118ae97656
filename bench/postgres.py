"""Daypass against the bare server, HAProxy and pgbouncer, interleaved in one run; each as a ratio.

python -m bench.postgres                      all of it, about forty minutes
python -m bench.postgres --quick              two minutes
python -m bench.postgres --only "prepared, 8" --rounds 5 --markdown out.md
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.servers.daypass import Daypass
from tests.servers.postgres import Missing, Postgres

from bench.contenders import Contender, lineup
from bench.loads import Load, bulk, connections, transactions
from bench.machine import fdatasync_us, flush_us, kib_per_idle_session, settle, ship_lag

MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 8, 64)
DURABILITIES = ("written", "synced")

Results = dict[str, dict[str, float]]


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
    lines = _tables(results, loads, contenders)
    if synced is not None:
        lines += _surroundings(server, synced, folder, given.seconds, idle_kib)
    print("\n".join(lines))
    return lines


def _run(loads: list[Load], contenders: list[Contender], rounds: int) -> Results:
    """Every load against everybody in turn, again in each round: what else the machine does hits all alike."""
    seen: dict[str, dict[str, list[float]]] = {}
    for number in range(1, rounds + 1):
        for load in loads:
            for contender in contenders:
                value = load.run(contender)
                if contender.gateway is not None:
                    settle(contender.gateway)
                seen.setdefault(load.name, {}).setdefault(contender.name, []).append(value)
                note = f"round {number}: {load.name:34} {contender.name:16} {value:12.1f} {load.unit}"
                print(note, file=sys.stderr, flush=True)
    return {
        load: {name: statistics.median(values) for name, values in by_name.items()} for load, by_name in seen.items()
    }


def _tables(results: Results, loads: list[Load], contenders: list[Contender]) -> list[str]:
    names = [contender.name for contender in contenders]
    units = {load.name: load.unit for load in loads}
    lines: list[str] = []
    for title, against in (("as measured", None), ("to direct", "direct"), ("to pgbouncer", "pgbouncer")):
        lines += [f"## {title.capitalize() if against is None else f'Ratio {title}'}", ""]
        lines += [f"| load | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
        for load, values in results.items():
            cells = [
                f"{values[name]:,.0f}" if against is None else f"{values[name] / values[against]:.2f}" for name in names
            ]
            lines.append(f"| {load} ({units[load]}) | {' | '.join(cells)} |")
        lines.append("")
    return lines


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
