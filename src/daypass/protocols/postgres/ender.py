"""A connection of our own that ends other sessions' work at the target, all at once, and reads back that it is gone.

It signs in with the sessions' own login, which may signal its own backends. A backend is known by pid, start time and
user id together, never by its pid alone: pids come again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from daypass.protocols.ending import (
    Answered,
    Around,
    EnderEffect,
    EnderEvent,
    Enter,
    Entered,
    Halt,
    Look,
    Lost,
    Poke,
    Stop,
)
from daypass.protocols.interface import Close, Side
from daypass.protocols.postgres.errors import Rejected
from daypass.protocols.postgres.frames import Malformed
from daypass.protocols.postgres.messages import query
from daypass.protocols.postgres.script import Script, Stage
from daypass.protocols.postgres.upstream import Door, PushedOut, answer, ask, sign_in, start_time

ORDERS_MAX = 1_000
"""Orders that may wait; an ender that is so far behind is of no use."""

ENTROPY_BYTES_MIN = 18
"""What a SCRAM nonce is made of, as in PostgreSQL."""
INBOX_BYTES_MAX = 1024 * 1024
"""What a target may say that nobody asked for."""
AROUND_MAX = 50
"""Connections that are told of one by one."""

# A session may give its own login settings that the next connection starts with (ALTER ROLE … SET): another role, which
# could signal nobody, time-outs, a planner that takes its time.
_FROM_THE_START = {"role": "none", "statement_timeout": "0", "search_path": "pg_catalog", "jit": "off"}
"""The same as start-up parameters, where nothing can be waited for; a pooler may not take them."""
_OWN_SETTINGS = """SET statement_timeout = 0; SET ROLE NONE;
SELECT pg_catalog.set_config(s.name, m.value, false) FROM pg_catalog.pg_settings s
 JOIN (VALUES ('lock_timeout', '0'), ('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
 ('transaction_timeout', '0'), ('jit', 'off'), ('max_parallel_workers_per_gather', '0'),
 ('default_transaction_read_only', 'off'), ('search_path', 'pg_catalog')) m(name, value)
 ON s.name OPERATOR(pg_catalog.=) m.name"""
# The server shows a backend that is none of our business without its start: it may be the one, and is not gone.
_SEEN = """FROM (VALUES {values}) m(i, pid, start, sysid, work, hurried) {join} pg_catalog.pg_stat_activity a
 ON a.pid OPERATOR(pg_catalog.=) m.pid AND COALESCE({start}, m.start) OPERATOR(pg_catalog.=) m.start
 AND a.usesysid OPERATOR(pg_catalog.=) m.sysid"""
# What became of a transaction is asked only once its backend is gone: before that it may still be decided.
_LOOK = (
    """SELECT m.i, CASE WHEN a.pid IS NULL THEN 'gone' ELSE 'seen' END,
 CASE WHEN a.pid IS NULL AND m.work OPERATOR(pg_catalog.>) 0 THEN pg_catalog.txid_status(m.work) END """
    + _SEEN
)
_POKE = "SELECT m.i, pg_catalog.pg_cancel_backend(a.pid) " + _SEEN
# pg_stat_activity shows 32 bits of a transaction's id: the whole one is the nearest to the next that will be given out.
_NEXT = "pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())"
_AHEAD = f"((a.backend_xid::pg_catalog.text::pg_catalog.int8 - {_NEXT} + 2147483648) & 4294967295) - 2147483648"
_WHOLE_XID = f"{_NEXT} + {_AHEAD}"
# A commit that waits for a standby is in flight; so is what an extension waits for on a connection of its own.
_WAITS = """CASE WHEN a.wait_event OPERATOR(pg_catalog.=) 'SyncRep' OR a.wait_event_type OPERATOR(pg_catalog.=)
 'Extension' THEN a.wait_event END AS waits"""
_CANCEL = "pg_catalog.pg_cancel_backend(s.pid)"
_TERMINATE = "pg_catalog.pg_terminate_backend(s.pid)"
# A statement that is cancelled is over in a tenth of a millisecond; a backend that is terminated takes a processor for
# two, and a hundred of them keep each other waiting. What is idle has nothing to cancel, and need not wake up for it.
_GENTLY = f"""CASE WHEN s.hurried OR pg_catalog.left(s.state, 4) OPERATOR(pg_catalog.<>) 'idle' THEN {_CANCEL} END,
 CASE WHEN s.hurried THEN {_TERMINATE} END"""
_AT_ONCE = f"{_CANCEL}, {_TERMINATE}"
# The view is read whole before the first signal is sent: what is noted was so before.
_STOP = (
    """SELECT s.i, s.state, {signals}, s.work, s.waits FROM (SELECT m.i, m.hurried, a.pid, a.state, """
    + _WAITS
    + """, CASE WHEN a.backend_xid IS NOT NULL THEN """
    + _WHOLE_XID
    + " END AS work "
    + _SEEN
    + " OFFSET 0) s"
)
# What this login may not look at has no type and no start, and is not told of.
_AROUND = f"""SELECT pg_catalog.concat('pid ', k.pid, ' as ', k.usename, ', ' || k.state)
 FROM pg_catalog.pg_stat_activity k WHERE k.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
 AND pg_catalog.left(k.application_name, 7) OPERATOR(pg_catalog.<>) 'daypass'
 AND (k.application_name OPERATOR(pg_catalog.=) 'postgres_fdw'
 OR k.backend_type OPERATOR(pg_catalog.=) 'client backend' AND {{start}} OPERATOR(pg_catalog.>) {{since}}
 AND (k.client_addr IS NULL OR k.client_addr OPERATOR(pg_catalog.=) pg_catalog.inet_server_addr()
 OR k.client_addr OPERATOR(pg_catalog.<<) '127.0.0.0/8'::pg_catalog.inet))
 ORDER BY k.pid LIMIT {AROUND_MAX}"""
_COMMITTING = "SyncRep"

_OUTCOMES: Mapping[str | None, str] = {"aborted": "rolled back", "committed": "committed"}


Order = Halt | Stop | Look | Around | Poke


class PostgresEnder:
    """See `protocols.interface.Ender`."""

    def __init__(self) -> None:
        self._stage = Stage()
        self._orders: deque[Order] = deque()
        self._script = self._work()
        self._lost = False

    def handle(self, event: EnderEvent) -> Sequence[EnderEffect]:
        if self._lost:
            return ()
        if isinstance(event, Order):
            self._orders.append(event)
            if len(self._orders) > ORDERS_MAX:
                return self._lose("too many orders wait")
        else:
            self._stage.take(event)
            if len(self._stage.inbox[Side.TARGET]) > INBOX_BYTES_MAX:
                return self._lose("the target sends what nobody asked for")
        try:
            next(self._script)
        except (Rejected, Malformed) as problem:
            return self._lose(str(problem), pushed_out=isinstance(problem, PushedOut))
        return self._taken()

    def _taken(self) -> list[Any]:
        out, self._stage.out = self._stage.out, []
        return out

    def _lose(self, why: str, *, pushed_out: bool = False) -> list[Any]:
        self._lost = True
        self._script.close()
        return [*self._taken(), Close(Side.TARGET, "ender", why), Lost(why, pushed_out)]

    def _work(self) -> Script[None]:
        stage = self._stage
        enter = yield from stage.wait(Enter)
        if len(enter.entropy) < ENTROPY_BYTES_MIN:
            raise Malformed("an ender needs entropy of its own to sign in with")
        door = Door(enter.target, enter.role, enter.credential, enter.label, enter.entropy)
        if enter.order is not None:
            yield from self._at_once(door, enter.order)
        else:
            yield from sign_in(stage, door, {})
            yield from ask(stage, _OWN_SETTINGS)
            stage.out.append(Entered())
        while True:
            while not self._orders:
                if stage.closed:
                    yield from stage.read(Side.TARGET, 1 << 30)
                yield
            order = self._orders.popleft()
            marks = (order.mark,) if isinstance(order, Poke) else order.marks
            if not marks:
                stage.out.append(Answered(()))
                continue
            rows = yield from ask(stage, _sql(order, marks))
            stage.out.append(_answered(order, len(marks), rows))

    def _at_once(self, door: Door, order: Stop) -> Script[None]:
        """Sign in with this order behind the proof, and answer it. Raises `Rejected`."""
        sent = query(_sql(order, order.marks).encode())
        yield from sign_in(self._stage, door, _FROM_THE_START, sent)
        self._stage.out.append(Entered())
        rows = yield from answer(self._stage)
        self._stage.out.append(_answered(order, len(order.marks), rows))


def _answered(order: Order, count: int, rows: Sequence[tuple[str | None, ...]]) -> Answered:
    if isinstance(order, Around):
        return Answered(tuple({"what": row[0] or ""} for row in rows))
    found = {row[0]: row for row in rows}
    return Answered(tuple(_seen(order, found.get(str(i))) for i in range(count)))


def _seen(order: Order, row: tuple[str | None, ...] | None) -> Mapping[str, str]:
    if row is None:
        return {"alive": "no"}
    if isinstance(order, Halt | Stop):
        waits = row[5] if len(row) > 5 else None
        seen = {"alive": "yes", "was": "committing" if waits == _COMMITTING else row[1] or "unknown"}
        if waits and waits != _COMMITTING:
            seen["elsewhere"] = "yes"
        return {**seen, "work": row[4]} if len(row) > 4 and row[4] else seen
    if isinstance(order, Look) and row[1] == "gone":
        status = row[2] if len(row) > 2 else None
        return {"alive": "no", "outcome": _OUTCOMES.get(status, "unknown")} if status else {"alive": "no"}
    return {"alive": "yes"}


def _sql(order: Order, marks: Sequence[Mapping[str, str]]) -> str:
    if isinstance(order, Around):
        for index, mark in enumerate(marks):
            _value(index, mark)
        return _AROUND.format(start=start_time("k"), since=min(int(mark["backend_start"]) for mark in marks))
    template = _LOOK if isinstance(order, Look) else _POKE if isinstance(order, Poke) else _STOP
    values = ", ".join(_value(index, mark) for index, mark in enumerate(marks))
    join = "LEFT JOIN" if isinstance(order, Look) else "JOIN"
    signals = _GENTLY if isinstance(order, Halt) else _AT_ONCE
    return template.format(values=values, start=start_time("a"), join=join, signals=signals)


def _value(index: int, mark: Mapping[str, str]) -> str:
    """A mark as SQL. It came from our own probe, and is still read as numbers before it becomes a text again."""
    try:
        pid, start, sysid = int(mark["pid"]), int(mark["backend_start"]), int(mark["usesysid"])
        work = int(mark.get("work", "0"))
    except (KeyError, ValueError):
        raise Malformed("a mark that is not of this protocol") from None
    hurried = "true" if mark.get("hurried") == "yes" else "false"
    return (
        f"({index}, {pid}::pg_catalog.int4, {start}::pg_catalog.int8, {sysid}::pg_catalog.oid,"
        f" {work}::pg_catalog.int8, {hurried})"
    )
