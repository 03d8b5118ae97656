"""Is the record true? Checked from outside: the published log by the offline verifier, and statement by statement
against what the database server itself wrote into its log."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import CLEO
from daypass.cli.demo.server import LocalServer
from daypass.cli.demo.stage import Stage

SETTLE_SECONDS_MAX = 10.0
"""Facts are in the log within a second of happening; this is for a busy machine."""

LOGGED = re.compile(r"(?:statement|execute(?: fetch from)? [^:]+): (.*)", re.DOTALL)


def check_record(stage: Stage, server: LocalServer) -> None:
    """Raises StepFailed if anything is missing, out of order or different."""
    _wait_published(stage)
    stage.daypass(None, "ledger", "verify", str(stage.gateway.data / "ledger"))
    stage.note("entries in order, every chain intact, the signed root is theirs")
    reached = _reached(server)
    recorded = _recorded(stage)
    missing = [text for text in reached if text not in recorded]
    stage.require(bool(reached), f"the server's own log has {len(reached)} statements of {sample.WRITER}")
    stage.require(not missing, "each of them has its record, word for word", missing)


def _wait_published(stage: Stage) -> None:
    """Until the end of the grant stands in the published log."""
    give_up = time.monotonic() + SETTLE_SECONDS_MAX
    while time.monotonic() < give_up:
        if any(b'"type":"grant.ended"' in path.read_bytes() for path in _bundles(stage)):
            return
        time.sleep(0.1)
    stage.require(False, "the end of the grant stands in the published log")


def _bundles(stage: Stage) -> list[Path]:
    return [path for path in (stage.gateway.data / "ledger" / "tile" / "entries").rglob("*") if path.is_file()]


def _reached(server: LocalServer) -> list[str]:
    """The statements of people that reached the server, by its own log: Daypass's own are marked as such there."""
    found = []
    for line in map(json.loads, server.log_path().read_text().splitlines()):
        match = LOGGED.match(line.get("message", ""))
        if match and line.get("user") == sample.WRITER and line.get("error_severity") == "LOG":
            found.append(match[1])
    return found


def _recorded(stage: Stage) -> list[str]:
    """The statements on record, of all sessions."""
    texts: list[str] = []
    sessions = json.loads(stage.gateway.run(CLEO, "sessions", "--json").stdout)
    for session in sessions if isinstance(sessions, list) else next(iter(sessions.values())):
        replayed = stage.gateway.run(CLEO, "replay", session["id"], "--json").stdout
        for line in replayed.splitlines()[1:]:
            event = json.loads(line)
            if event[1] == "sql.q":
                texts.append(json.loads(event[2])["text"])
    return texts
