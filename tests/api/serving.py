"""`Served`: a real `daypass serve` on SQLite, in front of a target that is down. For what needs no session."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from daypass.cli.demo.server import free_port
from daypass.protocols import PROTOCOLS
from tests.cli.running import daypass

PROTOCOL = next(iter(PROTOCOLS))
READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0
REQUEST_BYTES = 64 * 1024

SETTINGS = """\
site: acme.test/api
listen: {{ web: '127.0.0.1:{web}', {protocol}: '127.0.0.1:{port}' }}
public_url: http://localhost:{web}
limits: {{ drain: 1s, request: 64KiB, disk_reserve: 1MiB }}
identity:
  people:
    - {{ email: ana@acme.test, name: Ana, groups: [engineers] }}
    - {{ email: ben@acme.test, name: Ben, groups: [leads] }}
    - {{ email: cleo@acme.test, name: Cleo, groups: [auditors] }}
    - {{ email: eve@acme.test, name: Eve }}
    - {{ email: sam@acme.test, name: Sam, groups: [security] }}
    - {{ email: sam+2@acme.test, name: Sam again, groups: [security] }}
    - {{ email: tess@acme.test, name: Tess, groups: [security] }}
targets:
  - name: orders
    protocol: {protocol}
    address: 127.0.0.1:{dead}
    labels: {{ env: prod }}
    roles: {{ read: {{ user: app_ro, effect: read }}, write: {{ user: app_rw }} }}
policies: [ policy.yaml ]
"""
POLICY = """\
policy: orders
covers: { targets: [orders] }
limits: { longest: 4h, extend: { times: 2, by: 30m } }
rules:
  - name: tickets
    who: ["group:engineers"]
    roles: [read]
    when: request.ticket.startsWith("INC-")
    decide: automatic
  - name: work
    who: ["group:engineers"]
    roles: [read, write]
    decide: { undecided_after: 4h, stages: [ { need: 1, of: ["group:leads"] } ] }
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


class Served:
    """The process, and people who use it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.web, self.port = free_port(), free_port()
        (home / "daypass.yaml").write_text(
            SETTINGS.format(web=self.web, port=self.port, dead=free_port(), protocol=PROTOCOL)
        )
        (home / "policy.yaml").write_text(POLICY)
        self.tokens: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with (self.home / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "daypass", "serve"],
                cwd=self.home,
                env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + READY_SECONDS_MAX
        while not self._ready():
            assert self._process.poll() is None and time.monotonic() < give_up, self.log()
            time.sleep(0.05)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self) -> None:
        """As if the power went."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def log(self) -> str:
        return (self.home / "serve.log").read_text()

    def _ready(self) -> bool:
        try:
            return self.call("GET", "/healthz").status == 200
        except OSError:
            return False

    # -- as people ----------------------------------------------------------------------------------------------

    def token(self, name: str) -> str:
        if name not in self.tokens:
            done = daypass(self.home, "people", "token", f"{name}@acme.test")
            assert done.returncode == 0, done.stderr + self.log()
            self.tokens[name] = done.stdout.strip()
        return self.tokens[name]

    def run(self, name: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command as this person."""
        return daypass(self.home, *argv, DAYPASS_URL=f"http://localhost:{self.web}", DAYPASS_TOKEN=self.token(name))

    def object(self, name: str, *argv: str) -> Any:
        """The same with --json, which must succeed."""
        done = self.run(name, *argv, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        by: str | None = None,
        raw: bytes | Iterable[bytes] | None = None,
        **more: str,
    ) -> Answer:
        """One HTTP request; `more` are headers, with `_` for `-`. A `raw` body in parts goes without its length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if by is not None:
            headers["Authorization"] = f"Bearer {self.token(by)}"
        sent = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        if sent is not None:
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def ask(self, by: str = "ana", **more: object) -> Any:
        """A request by this person, for `write` unless told otherwise."""
        body = {"target": "orders", "role": "write", "duration_ms": 1_800_000, "reason": "to see", **more}
        made = self.call("POST", "/api/v1/requests", body, by=by)
        assert made.status == 201, made.raw
        return made.json
