"""How fast access ends that a directory takes away: somebody is disabled there, or leaves the group that it rests on.

    python -m bench.identity [--sessions 20] [--rounds 10] [--people 10000]

Milliseconds of each round, of its slowest session; half of them are in a running statement. Seen by the directory and
the clients, from sending the PATCH: until it is answered, and until every client was told and its socket closed. As
the log tells it, from the change of the person or group: until nothing more is forwarded, the work is stopped at the
server, and it was read back that nothing is left. First with the few people of the rounds, then with so many more in
the same group.
"""

from __future__ import annotations

import argparse
import select
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from tests.servers.daypass import until
from tests.servers.directed import Directed, setup
from tests.servers.postgres import Postgres

from bench.contenders import QUIET
from bench.ending import STEPS, Connection, active, connections, shown
from daypass.cli.demo.gateway import BEN, CLEO, Member

WORKERS = "payments-engineers"
ENDED_SECONDS_MAX = 30.0
ANSWERED, TOLD = "PATCH answered", "every client told"

Took = dict[str, float]


def all_told(open_now: Sequence[Connection]) -> None:
    """Wait until each client was told that its session ended, and its socket is closed."""
    waiting = {one.pgconn.socket: one for one in open_now}
    while waiting:
        ready, _, _ = select.select(list(waiting), [], [], ENDED_SECONDS_MAX)
        assert ready, f"{len(waiting)} clients were told nothing"
        for socket in ready:
            try:
                waiting[socket].pgconn.consume_input()
            except psycopg.OperationalError:
                del waiting[socket]


def taken_away(directed: Directed, who: Member, take: Callable[[], None], change: str, sessions: int) -> Took:
    """One round: somebody has access and is at work with it, and the directory takes it away."""
    asked = directed.object(who, "request", "orders", "--role", "write", "--for", "1h", "--reason", "for a figure")
    directed.say(BEN, "approve", asked["id"])
    with (
        connections(directed.dsn(member=who), sessions, "select pg_sleep(600)") as open_now,
        ThreadPoolExecutor(1) as beside,
    ):
        until(lambda: len(active(directed)) >= (sessions + 1) // 2 or None, "the statements", 60)
        began = time.perf_counter()
        answered = beside.submit(lambda: (take(), time.perf_counter())[1])
        all_told(open_now)
        told = time.perf_counter()
        took = {ANSWERED: (answered.result() - began) * 1000, TOLD: (told - began) * 1000}
    (ending,) = directed.wait_entries("grant.ending", request=asked["id"])
    (ended,) = directed.wait_entries("grant.ended", request=asked["id"])
    assert ended["body"]["session_count"] == sessions and not ended["body"]["unconfirmed"], ended["body"]
    accepted = [one["t"] for one in directed.entries(change) if one["t"] <= ending["t"]][-1]
    steps = ended["body"]["steps_ms"]
    return took | {name: ending["t"] - accepted + steps[step] for step, name in STEPS.items()}


def measured(directed: Directed, group: str, sessions: int, rounds: int, first: int) -> None:
    """Print what so many rounds of each kind took. Whoever was taken away once is not there for the next round."""
    found: dict[str, list[Took]] = {}
    for n in range(first, first + rounds):
        for what, change in (("somebody disabled", "person.changed"), ("a group lost", "group.changed")):
            who = Member(f"Worker {n}", f"{change.partition('.')[0]}{n}@acme.test", ())
            id = directed.hire(who)
            directed.take_in(group, id)
            lost = change == "group.changed"
            take = (lambda id=id: directed.take_out(group, id)) if lost else (lambda id=id: directed.disable(id))
            found.setdefault(what, []).append(taken_away(directed, who, take, change, sessions))
    for what, rows in found.items():
        print(f" {what}, {sessions} sessions, half of them at work, {rounds} rounds (ms)")
        for name in rows[0]:
            print(f"  {name:24} {shown([row[name] for row in rows])}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--people", type=int, default=10_000, help="how many more are in the directory at last")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        Postgres.debian(QUIET) as server,
        Directed(Path(name) / "gateway", server.load_sample(), setup(BEN, CLEO)) as directed,
    ):
        group = directed.gather(WORKERS)
        print("nobody else in the directory")
        measured(directed, group, given.sessions, given.rounds, 0)
        directed.crowd(WORKERS, group, given.people)
        print(f"{given.people} others in the directory, all of them in the group")
        measured(directed, group, given.sessions, given.rounds, given.rounds)


if __name__ == "__main__":
    main()
