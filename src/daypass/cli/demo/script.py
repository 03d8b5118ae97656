"""The main job, step by step: ask, decide, connect, end, prove. Each step judges what it saw."""

from __future__ import annotations

import json
import re
import time

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import ANA, BEN, CLEO
from daypass.cli.demo.record import check_record
from daypass.cli.demo.server import LocalServer
from daypass.cli.demo.stage import Stage, StepFailed

ASKED = "30m"
GRANTED, GRANTED_MS = "8s", 8_000
"""Short, so that its end can be watched; a real one is minutes or hours."""

END_SECONDS_MAX = 10.0
"""What cannot be shown in this time is END_UNCONFIRMED."""

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

REASON = "INC-7: order 4711 was paid twice, refund it"
LONG_UPDATE = "update orders set note = 'rewritten' where pg_sleep(0.01) is not null"
"""Five minutes of work on all orders: far more than is left of the grant."""


def play(stage: Stage, server: LocalServer) -> None:
    """The whole run. Raises StepFailed at the first step that is not as it should be."""
    _ask(stage)
    request = _request(stage)
    _decide(stage, request)
    session = _work(stage)
    _deadline(stage, server)
    _prove(stage, server, session)


def _ask(stage: Stage) -> None:
    stage.step("Ana has no access", "What she may ask for, and what asking would take.")
    stage.daypass(ANA, "targets", expect=[sample.DATABASE])
    stage.psql(ANA, "select 1", status=2, expect=["daypass request orders"])


def _request(stage: Stage) -> str:
    stage.step("Ana asks", "Which target, in which role, for how long, and why.")
    asked = ("request", sample.DATABASE, "--role", "write", "--for", ASKED, "--reason", REASON, "--ticket", "INC-7")
    said = stage.daypass(ANA, *asked)
    found = ID.search(said.stdout)
    if found is None:
        raise StepFailed(f"that holds no id: {said.stdout!r}")
    shown = json.loads(stage.gateway.run(ANA, "show", found[0], "--json").stdout)
    stage.require(shown["state"] == "PENDING", "the request waits for a decision", shown["state"])
    return found[0]


def _decide(stage: Stage, request: str) -> None:
    stage.step("Ana tries to approve her own request")
    refused = stage.daypass(ANA, "approve", request, status=1)
    shown = json.loads(stage.gateway.run(ANA, "show", request, "--json").stdout)
    stage.require("own request" in refused.text and shown["state"] == "PENDING", "nobody decides on their own request")

    stage.step("Ben approves it, for less time", f"Ana asked for {ASKED}; Ben gives {GRANTED}.")
    stage.daypass(BEN, "requests", "--to-decide", expect=["orders"])
    stage.daypass(BEN, "approve", request, "--for", GRANTED, "--note", "that is enough for one refund")
    shown = json.loads(stage.gateway.run(ANA, "show", request, "--json").stdout)
    stage.require(shown["state"] == "APPROVED", "the request is approved", shown["state"])
    given = json.loads(stage.gateway.run(ANA, "show", str(shown["grant"]), "--json").stdout)
    stage.require(given["duration_ms"] == GRANTED_MS, f"what it gives ends after {GRANTED}", given["duration_ms"])


def _work(stage: Stage) -> str:
    stage.step("Ana works with plain psql", "The clock starts with her first connection. Her token is the password.")
    stage.psql(
        ANA,
        "select o.id, c.name, o.status, o.total_cents from orders o join customers c on c.id = o.customer_id "
        "where o.id = 4711",
        "update orders set status = 'refunded', note = 'INC-7' where id = 4711 returning id, status",
        expect=["4711", "refunded", "UPDATE 1"],
    )
    sessions = json.loads(stage.gateway.run(ANA, "sessions", "--json").stdout)
    listed = sessions if isinstance(sessions, list) else next(iter(sessions.values()))
    stage.require(len(listed) == 1, "there is one session on record", listed)
    return str(listed[0]["id"])


def _deadline(stage: Stage, server: LocalServer) -> None:
    stage.step("The time is up while a long UPDATE runs", "It would take five minutes.")
    cut = stage.psql(ANA, LONG_UPDATE, status=2, expect=["FATAL", "grant", "expired"])
    stage.note(f"cut after {cut.seconds:.1f} s")
    _end_seen(stage, cut.text)
    left = server.psql("select count(*) from orders where note = 'rewritten'", database=sample.DATABASE)
    stage.require(left == "0", "asked directly, the server has none of its changes: rolled back", f"{left} rows")
    busy = server.psql(f"select count(*) from pg_stat_activity where usename = '{sample.WRITER}' and state = 'active'")
    stage.require(busy == "0", "asked directly, the server runs nothing of hers", f"{busy} backends")
    kept = server.psql("select status from orders where id = 4711", database=sample.DATABASE)
    stage.require(kept == "refunded", "what she committed in time stays", kept)

    stage.step("Ana tries to connect again")
    stage.psql(ANA, "select 1", status=2, expect=["daypass request orders --role write"])


def _end_seen(stage: Stage, told: str) -> None:
    """Until the end of the grant that was named has been seen, and show it: she was told while it was under way."""
    found = ID.search(told)
    if found is None:
        raise StepFailed(f"that names no grant: {told!r}")
    give_up = time.monotonic() + END_SECONDS_MAX
    state = "ACTIVE"
    while state in ("ACTIVE", "ENDING") and time.monotonic() < give_up:
        state = json.loads(stage.gateway.run(ANA, "show", found[0], "--json").stdout)["state"]
    stage.require(state == "ENDED", "the grant has ended, and that was seen", state)
    stage.daypass(ANA, "show", found[0])


def _prove(stage: Stage, server: LocalServer, session: str) -> None:
    stage.step("Cleo, the auditor, replays what happened")
    stage.daypass(CLEO, "sessions")
    stage.daypass(CLEO, "replay", session, expect=["update orders set status = 'refunded'"])

    stage.step("The record is checked", "By the offline verifier, and against the database server's own log.")
    check_record(stage, server)
