"""A Daypass of our own: its settings, its policy and its `serve` process, in front of one `LocalServer`.

It is the real program, started as anybody starts it; nothing here reaches into it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from typing import Protocol as Interface
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from daypass.cli.demo import sample
from daypass.cli.demo.leash import leash
from daypass.cli.demo.server import LocalServer, ServerError, free_port
from daypass.protocols import PROTOCOLS

READY_SECONDS_MAX = 60.0
"""`serve` is ready within two seconds; a busy machine or a store to recover may take longer."""

STOP_SECONDS_MAX = 30.0
"""After SIGTERM it drains, cuts and confirms; past this it is killed, so that nothing is left."""

COMMAND_SECONDS_MAX = 60.0
"""No command of the CLI that is run here waits for a person."""

TOKEN = re.compile(r"dp_[0-9A-Za-z]{38}")

PROTOCOL = next(iter(PROTOCOLS.values()))


@dataclass(frozen=True, slots=True)
class Member:
    """One of the sample people."""

    name: str
    email: str
    groups: tuple[str, ...]


ANA = Member("Ana", "ana@acme.test", ("payments-oncall", "payments-engineers"))
BEN = Member("Ben", "ben@acme.test", ("payments-leads",))
CLEO = Member("Cleo", "cleo@acme.test", ("auditors",))
PEOPLE = (ANA, BEN, CLEO)

_POLICY = """\
policy: payments-production
covers: { labels: { system: payments, env: prod } }
limits: { longest: 4h, extend: { times: 2, by: 30m } }
rules:                                   # the first match decides; no match means refused
  - name: on-call reads
    who: [group:payments-oncall]
    roles: [read]
    when: request.ticket.startsWith("INC-")
    decide: automatic
@OWES  - name: read and change data
    who: [group:payments-engineers]
    roles: [read, write]
    decide:
      undecided_after: 4h
      stages:
        - { need: 1, of: [@DECIDERS] }
@OWES@MOREexpect:                                  # run before the policy takes effect
  - { by: ana@acme.test, target: orders, role: read, for: 30m, ticket: INC-7, then: automatic }
  - { by: ana@acme.test, target: orders, role: write, for: 30m, then: { needs: 1, never: ana@acme.test } }
  - { by: cleo@acme.test, target: orders, role: read, for: 30m, then: refused }
"""


def sample_policy(deciders: str = "group:payments-leads", owes: str = "", more: str = "") -> str:
    """The policy of the sample. `deciders`: who decides on changing data; `owes`: what is owed after either access;
    `more`: rules behind these, as lines of the file."""
    line = f"    owes: {owes}\n" if owes else ""
    return _POLICY.replace("@DECIDERS", deciders).replace("@OWES", line).replace("@MORE", more)


POLICY = sample_policy()


@dataclass(slots=True)
class Setup:
    """What may differ from run to run. Ports of 0 mean any that is free.

    `target` are more lines of the target, `labels` more of its labels (`, team: shop`), `limits` more of the limits
    (`, message: 1MiB`), `extra` more of the file.
    """

    web_port: int = 0
    port: int = 0
    durability: str = "synced"
    store: str = "sqlite"
    policy: str = POLICY
    drain: str = "1s"
    target: str = ""
    labels: str = ""
    limits: str = ""
    extra: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    people: tuple[Member, ...] = PEOPLE


class Process(Interface):
    """A process that was started."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


class LocalGateway:
    """`start()` after `stop()` or `kill()` brings the same gateway back: same data, same ports, same tokens."""

    def __init__(self, home: Path, server: LocalServer, setup: Setup | None = None) -> None:
        self.home = home
        self.server = server
        self.setup = setup or Setup()
        self.web_port = self.setup.web_port or free_port()
        self.port = self.setup.port or free_port()
        self.config = home / "daypass.yaml"
        self.data = home / "data"
        self.log = home / "serve.log"
        self.tokens: dict[str, str] = {}
        self._process: Process | None = None
        self._write()

    @property
    def web(self) -> str:
        return f"http://localhost:{self.web_port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError("the gateway is not running")
        return self._process.pid

    # -- life ---------------------------------------------------------------------------------------------------

    def start(self, *, well: bool = True) -> None:
        """Run `daypass serve` and return when it is healthy (not `well`: when it says that it is not)."""
        self.begin()
        give_up = time.monotonic() + READY_SECONDS_MAX
        while self.healthy() is not well:
            if not self.running or time.monotonic() > give_up:
                self.stop()
                raise ServerError(f"daypass serve did not start: {self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def begin(self) -> None:
        """Run `daypass serve` and return at once."""
        with self.log.open("ab") as out:
            self._process = self.spawn(out)

    def spawn(self, out: IO[bytes]) -> Process:
        """Start `daypass serve`, which prints to `out` and does not outlive us."""
        return subprocess.Popen(
            [*self.serving(), "--config", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=self.environment(),
            preexec_fn=leash,
            start_new_session=True,
        )

    def stop(self) -> int:
        """SIGTERM, as a service manager stops it; its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def healthy(self) -> bool | None:
        """None: nobody answers."""
        try:
            # Past whatever proxy the environment names: it is on this machine.
            with build_opener(ProxyHandler({})).open(f"{self.web}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except HTTPError:
            return False
        except OSError:
            return None

    # -- using it -----------------------------------------------------------------------------------------------

    @staticmethod
    def command() -> list[str]:
        return [sys.executable, "-m", "daypass"]

    def serving(self) -> list[str]:
        """The command that serves, without its settings."""
        return [*self.command(), "serve"]

    def environment(self, member: Member | None = None) -> dict[str, str]:
        """What a command finds: as the operator (no member), or as one person with her token."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DAYPASS_"))}
        kept |= {"DAYPASS_CONFIG": str(self.config), "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home)}
        kept |= self.setup.environment
        if member is not None:
            kept |= {"DAYPASS_URL": self.web, "DAYPASS_TOKEN": self.token(member)}
            del kept["DAYPASS_CONFIG"]
        return kept

    def token(self, member: Member) -> str:
        """The member's token, made by the operator's command on first use."""
        if member.email not in self.tokens:
            made = self.run(None, "people", "token", member.email)
            found = TOKEN.search(made.stdout)
            if made.returncode != 0 or found is None:
                raise ServerError(f"daypass people token {member.email}: {made.stderr or made.stdout}")
            self.tokens[member.email] = found[0]
        return self.tokens[member.email]

    def run(self, member: Member | None, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run one `daypass` command as this person (None: as the operator)."""
        return subprocess.run(
            [*self.command(), *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(member),
            timeout=COMMAND_SECONDS_MAX,
        )

    def client_environment(self, member: Member) -> dict[str, str]:
        """The environment of a native client that signs in as this person."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return kept | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": member.email,
            "PGPASSWORD": self.token(member),
            "HOME": str(self.home),
        }

    def url(self, member: Member, target: str = sample.DATABASE, *, token: bool = True) -> str:
        """The connection URL that a native client is given."""
        who = member.email.replace("@", "%40") + (f":{self.token(member)}" if token else "")
        return f"postgresql://{who}@127.0.0.1:{self.port}/{target}"

    # -- making -------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = self.home / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.server.password)
        (self.home / "policies").mkdir(exist_ok=True)
        (self.home / "policies" / "payments.yaml").write_text(self.setup.policy)
        people = "\n".join(
            f"    - {{ email: {p.email}, name: {p.name}, groups: [{', '.join(p.groups)}] }}" for p in self.setup.people
        )
        self.config.write_text(
            f"site: acme.test/demo\n"
            f"data: {self.data}\n"
            f"store: {self.setup.store}\n"
            f"durability: {self.setup.durability}\n"
            f"listen: {{ web: '127.0.0.1:{self.web_port}', {PROTOCOL.name}: '127.0.0.1:{self.port}' }}\n"
            f"public_url: {self.web}\n"
            f"limits: {{ drain: {self.setup.drain}, disk_reserve: 16MiB{self.setup.limits} }}\n"
            f"identity:\n  people:\n{people}\n"
            f"targets:\n{self._target()}"
            f"policies: [ policies/*.yaml ]\n"
            f"{self.setup.extra}"
        )

    def _target(self) -> str:
        return (
            f"  - name: {sample.DATABASE}\n"
            f"    protocol: {PROTOCOL.name}\n"
            f"    address: 127.0.0.1:{self.server.port}\n"
            f"    database: {sample.DATABASE}\n"
            f"    labels: {{ env: prod, system: payments, data: personal{self.setup.labels} }}\n"
            f"{self.setup.target}"
            f"    roles:\n"
            f"      read:  {{ user: {sample.READER}, password: {{ file: password }}, effect: read }}\n"
            f"      write: {{ user: {sample.WRITER}, password: {{ file: password }}, effect: write }}\n"
        )

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
