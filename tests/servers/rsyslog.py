"""A real rsyslog as an ordinary process: it takes octet-counted messages over TCP and writes what it read of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from daypass.cli.demo.leash import leash
from daypass.cli.demo.server import free_port
from tests.servers.postgres import Missing

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 5.0

SETTINGS = """\
global(workDirectory="{home}" maxMessageSize="256k" processInternalMessages="off")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="read" type="list" option.jsonf="on") {{
  property(outname="pri" name="pri" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="data" name="structured-data" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}}
action(type="omfile" file="{home}/messages" template="read")
"""


class Rsyslog:
    """`messages()` is what has arrived, in order, as rsyslog's own parser took it apart."""

    def __init__(self) -> None:
        found = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if found is None:
            raise Missing("no rsyslogd: run apt-get install -y rsyslog")
        self.home = Path(tempfile.mkdtemp(prefix="daypass-rsyslog-"))
        self.port = free_port()
        settings = self.home / "rsyslog.conf"
        settings.write_text(SETTINGS.format(home=self.home, port=self.port))
        with (self.home / "log").open("wb") as out:
            self._process = subprocess.Popen(
                [found, "-n", "-f", str(settings), "-i", str(self.home / "pid")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=leash,
            )

    def __enter__(self) -> Self:
        give_up = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        said = (self.home / "log").read_text()[-2000:]
        self.__exit__()
        raise RuntimeError(f"rsyslogd did not start: {said}")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def messages(self) -> list[dict[str, Any]]:
        file = self.home / "messages"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
