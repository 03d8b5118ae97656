"""What stands beside Daypass in the benchmark: HAProxy in TCP mode, and pgbouncer in session mode."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from daypass.cli.demo import sample
from daypass.cli.demo.leash import leash
from daypass.cli.demo.server import free_port, unprivileged_user
from tests.servers.postgres import Missing, Postgres

START_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 5.0


class Pooler(ABC):
    """A program between a client and the server, on a port of its own."""

    program = ""

    def __init__(self, server: Postgres) -> None:
        found = shutil.which(self.program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if found is None:
            raise Missing(f"no {self.program}: run apt-get install -y {self.program}")
        self.home = Path(tempfile.mkdtemp(prefix=f"daypass-{self.program}-"))
        self.server = server
        self.port = free_port()
        self.user = unprivileged_user()
        argv = [found, *self._configure()]
        for path in (self.home, *self.home.iterdir()):
            if self.user:
                shutil.chown(path, self.user)
        with (self.home / "log").open("wb") as out:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.home,
                preexec_fn=leash,
                user=self.user,
                extra_groups=[] if self.user else None,
            )
        self._wait_ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def url(self, user: str = sample.WRITER, database: str = sample.DATABASE) -> str:
        return f"postgresql://{user}:{self.server.password}@127.0.0.1:{self.port}/{database}"

    @abstractmethod
    def _configure(self) -> list[str]:
        """Write the settings; the arguments that name them."""

    def _wait_ready(self) -> None:
        give_up = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.program} did not start: {(self.home / 'log').read_text()[-2000:]}")
