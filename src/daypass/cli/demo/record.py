"""Is the record true? Checked from outside: the published log by the offline verifier, and statement by statement
against what the database server itself wrote into its log."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path

from daypass.cli.demo.gateway import CLEO
from daypass.cli.demo.server import LocalServer
from daypass.cli.demo.stage import Stage

SETTLE_SECONDS_MAX = 10.0
"""Facts are in the log within a second of happening; this is for a busy machine."""

LOGGED = re.compile(r"(?:statement|execute(?: fetch from)? [^:]+): (.*)", re.DOTALL)
LABEL = re.compile(r"daypass/([0-9a-f]{12}) ")
"""How a session is named at the server: by the end of its id."""
QUESTION = "BEGIN; SET LOCAL search_path = pg_catalog;\nSELECT "
"""How the one statement begins that Daypass itself sends at the start of a session: what may this login do?"""


def check_record(stage: Stage, server: LocalServer) -> None:
    """Raises StepFailed if anything is missing, out of order or different."""
    _wait_published(stage)
    stage.daypass(None, "ledger", "verify", str(stage.gateway.data / "ledger"))
    stage.note("entries in order, every chain intact, and the signed root is theirs")
    recorded, logged = _recorded(stage), _logged(server)
    stage.require(recorded.keys() == logged.keys(), f"the server's log knows the same {len(recorded)} sessions")
    before = set()
    for session, texts in recorded.items():
        told = logged[session]
        own = len(told) - len(texts)
        before.add(tuple(told[:own]))
        stage.require(
            own >= 0 and told[own:] == texts, f"session {session}: {len(texts)} statements, word for word", told
        )
    stage.require(
        [len(own) for own in before] == [1] and all(own[0].startswith(QUESTION) for own in before),
        "and nothing else, but for what Daypass itself asks before it lets anyone in",
        before,
    )


def _wait_published(stage: Stage) -> None:
    """Until the end of the grant stands in the published log."""
    folder = stage.gateway.data / "ledger" / "tile" / "entries"
    give_up = time.monotonic() + SETTLE_SECONDS_MAX
    while not any(b'"type":"grant.ended"' in _content(path) for path in folder.rglob("*")):
        if time.monotonic() > give_up:
            stage.require(
                False, "the end of the grant stands in the published log", f"not after {SETTLE_SECONDS_MAX} s"
            )
        time.sleep(0.1)


def _content(path: Path) -> bytes:
    """Of a file; a partial bundle may be gone when its successor is there."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return b""


def _logged(server: LocalServer) -> Mapping[str, list[str]]:
    """What reached the server, by its own log: the statement texts of each session in order."""
    found: dict[str, list[str]] = {}
    for line in map(json.loads, server.log_path().read_text().splitlines()):
        text, label = LOGGED.match(line.get("message", "")), LABEL.match(line.get("application_name", ""))
        if text and label and line.get("error_severity") == "LOG":
            found.setdefault(label[1], []).append(text[1])
    return found


def _recorded(stage: Stage) -> Mapping[str, list[str]]:
    """What is on record: the statement texts of each session in order."""
    found: dict[str, list[str]] = {}
    for session in json.loads(stage.gateway.run(CLEO, "sessions", "--json").stdout):
        told = json.loads(stage.gateway.run(CLEO, "replay", session["id"], "--json").stdout)
        found[session["id"][-12:]] = [statement["text"] for statement in told["statement_list"]]
    return found
