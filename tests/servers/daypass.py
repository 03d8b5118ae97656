"""`Daypass`: a real `daypass serve` process for tests, in front of a `Postgres`, with what a test asks of it.

with Daypass(tmp_path, postgres) as daypass:
    daypass.grant("write", "1h")                    # Ana asks, Ben approves
    daypass.psql("select 1").stdout
    daypass.kill(); daypass.start()                 # faults, and back again
    daypass.entries("session.ended")                # the published log
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, Self, TypeVar

from daypass.cli.demo.gateway import ANA, BEN, CLEO, COMMAND_SECONDS_MAX, LocalGateway, Member, Process
from daypass.ledger.tiles import WIDTH, bundle_path, decode_bundle
from tests.servers import warm
from tests.servers.postgres import Postgres, pauses

T = TypeVar("T")

CLIENT_SECONDS_MAX = 60.0
"""No client that a test starts runs longer on a busy machine."""

PUBLISH_SECONDS_MAX = 15.0
"""The log is published every second when it grew; the rest is for a busy machine."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What came of asking."""

    request: str
    grant: str


class Daypass(LocalGateway):
    """One gateway. Signs in as Ana unless told otherwise."""

    server: Postgres
    warmed = False
    """Whether its commands are forked (`warm`): in tests (conftest.py), but where another program is run as `serve`, or
    `ps` is looked at; not in benchmarks."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.resume()
        self.stop()

    # -- running ------------------------------------------------------------------------------------------------

    def spawn(self, out: IO[bytes]) -> Process:
        environment = self.environment()
        if not self.warmed or not warm.may_start(environment):
            return super().spawn(out)
        return warm.start(["serve", "--config", str(self.config)], environment, out, leashed=True)

    def run(self, member: Member | None, *argv: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment(member)
        if not self.warmed or not warm.may_start(environment):
            return super().run(member, *argv)
        return warm.run(argv, environment, COMMAND_SECONDS_MAX)

    # -- asking -------------------------------------------------------------------------------------------------

    def say(self, member: Member | None, *argv: str) -> str:
        """Run a `daypass` command that must succeed; its standard output."""
        done = self.run(member, *argv)
        assert done.returncode == 0, f"daypass {' '.join(argv)}: {done.stderr or done.stdout}\n{self.log_tail()}"
        return done.stdout

    def unconfirmed(self, member: Member, *argv: str) -> None:
        """Run a `daypass` command that ends access, where the end cannot be shown: it says so."""
        done = self.run(member, *argv)
        assert done.returncode == 1, done.stdout
        assert "END_UNCONFIRMED" in done.stdout and "access may still exist" in done.stderr

    def object(self, member: Member | None, *argv: str) -> Any:
        """The same with `--json`; what it printed."""
        return json.loads(self.say(member, *argv, "--json"))

    def grant(self, role: str = "write", for_: str = "1h", reason: str = "for a test") -> Granted:
        """Ana asks, Ben approves."""
        asked = self.object(ANA, "request", "orders", "--role", role, "--for", for_, "--reason", reason)
        self.say(BEN, "approve", asked["id"])
        shown = self.object(ANA, "show", asked["id"])
        assert shown["state"] == "APPROVED", shown
        return Granted(asked["id"], shown["grant"] if isinstance(shown["grant"], str) else shown["grant"]["id"])

    def sessions(self, *more: str) -> list[dict[str, Any]]:
        """All sessions, as the auditor sees them."""
        found: list[dict[str, Any]] = self.object(CLEO, "sessions", *more, "--limit", "10000")
        return found

    # -- clients ------------------------------------------------------------------------------------------------

    def dsn(self, target: str = "orders", member: Member = ANA, **options: str) -> str:
        """A connection URL with the token in it, and connection options."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return self.url(member, target) + (f"?{query}" if query else "")

    def client(self, *argv: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a native client to its end; it finds where to connect, and as whom, in its environment."""
        return subprocess.run(
            argv,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=CLIENT_SECONDS_MAX,
            env=self.client_environment(ANA) | dict(more.get("env", {})),
        )

    def start_client(self, *argv: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a native client and go on."""
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.client_environment(ANA) | dict(env or {}),
        )

    def psql(
        self, *statements: str, target: str = "orders", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run psql to its end."""
        return self.client(*self.psql_argv(*statements, target=target), env=env or {})

    def psql_argv(self, *statements: str, target: str = "orders") -> list[str]:
        options = [part for statement in statements for part in ("-c", statement)]
        return [self.server.binaries.program("psql"), "-XAt", "-v", "ON_ERROR_STOP=1", "-d", target, *options]

    # -- the record ---------------------------------------------------------------------------------------------

    def health(self) -> dict[str, Any]:
        """What `/healthz` says, well or not. Raises OSError if nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.web}/healthz", timeout=2) as answer:
                said: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as answer:
            said = json.load(answer)
        return said

    def entries(self, type: str | None = None, **where: str) -> list[dict[str, Any]]:
        """The entries of the published log in order, of one type, of one session, grant or request."""
        found = [json.loads(raw) for raw in self.published()]
        return [
            entry
            for entry in found
            if type in (None, entry["type"]) and all(entry.get(key) == value for key, value in where.items())
        ]

    def wait_entries(self, type: str, count: int = 1, **where: str) -> list[dict[str, Any]]:
        """The same, when there are at least so many."""
        return until(
            lambda: found if len(found := self.entries(type, **where)) >= count else None,
            f"{count} {type} {where} in the log",
            PUBLISH_SECONDS_MAX,
        )

    def recording(self, session: str) -> list[Any]:
        """The events of a session's recording (asciicast v3, without its header)."""
        return [json.loads(line) for line in self.cast(session)[1:]]

    def cast(self, session: str) -> list[str]:
        """The lines of a session's recording."""
        return self.get(f"sessions/{session}/recording").decode().splitlines()

    def get(self, path: str, member: Member = CLEO) -> bytes:
        """What the HTTP API answers this person with."""
        bearer = {"Authorization": f"Bearer {self.token(member)}"}
        request = urllib.request.Request(f"{self.web}/api/v1/{path}", headers=bearer)
        with urllib.request.urlopen(request, timeout=CLIENT_SECONDS_MAX) as answer:
            raw: bytes = answer.read()
        return raw

    def recorded(self, session: str) -> list[str]:
        """The statement texts on record for a session, in order."""
        events = self.recording(session)
        return [json.loads(event[2])["text"] for event in events if event[1] == "sql.q"]

    def verify(self) -> str:
        """What the offline verifier says of the published log."""
        return self.say(None, "ledger", "verify", str(self.data / "ledger"))

    def published(self) -> list[bytes]:
        """The entries of the published log, as they are hashed."""
        checkpoint = self.data / "ledger" / "checkpoint"
        if not checkpoint.exists():
            return []
        size = int(checkpoint.read_text().splitlines()[1])
        entries: list[bytes] = []
        for n in range((size + WIDTH - 1) // WIDTH):
            width = min(WIDTH, size - n * WIDTH)
            path = self.data / "ledger" / bundle_path(n, width)
            whole = self.data / "ledger" / bundle_path(n)
            entries += decode_bundle((path if path.exists() else whole).read_bytes())[:width]
        return entries

    # -- faults -------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Freeze the process; `resume()` thaws it."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self.running:
            os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""


def until(look: Callable[[], T | None], what: str, seconds: float = 10.0) -> T:
    """Look again and again until there is something; AssertionError if there isn't in time."""
    give_up, longer = time.monotonic() + seconds, pauses()
    while (found := look()) is None:
        assert time.monotonic() < give_up, f"waited {seconds} s in vain for {what}"
        time.sleep(next(longer))
    return found
