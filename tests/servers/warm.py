"""`daypass` commands that start at once: a process that has imported all of Daypass forks for each of them.

Importing is most of what a short command, or a gateway that lives for one test, costs: 2 s of a processor for `serve`,
0.1 s for any other. What runs after the fork is the same as after `python -m daypass`: the same arguments, environment,
folder and streams, a process of its own that waits for its threads and runs what is registered for its end. That the
command itself starts, and how its interpreter ends, is tested where it is typed: test_demo and tests/cli.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from daypass.cli.demo.leash import leash

ROOT = Path(__file__).parents[2]
REQUEST_BYTES_MAX = 1 << 17
STARTING_SECONDS_MAX = 60.0
IMPORTED_LATE = ("alembic.command", "cel")
"""Large ones that the program imports when it first needs them: at each start of `serve`."""
NOT_TO_IMPORT = ("daypass.__main__", "daypass.store.migrations")
UNSETTLED = ("PYTHON", "LD_")
"""Beginnings of variables that mean something to an interpreter or a loader only when it starts."""


class Warmed:
    """A process that was forked; what `subprocess.Popen` would be for it."""

    def __init__(self, argv: Sequence[str], status: int) -> None:
        self.args = argv
        self.pid = int(_line(status, STARTING_SECONDS_MAX) or 0)
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; subprocess.TimeoutExpired if it has none in time."""
        if self.returncode is None:
            line = _line(self._status, timeout)
            if line is None:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(line)
            os.close(self._status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def may_start(environment: Mapping[str, str]) -> bool:
    """Whether it makes no difference that the interpreter runs already."""
    of_both = {**os.environ, **environment}
    return all(os.environ.get(name) == environment.get(name) for name in of_both if name.startswith(UNSETTLED))


def start(argv: Sequence[str], environment: Mapping[str, str], out: IO[bytes], *, leashed: bool = False) -> Warmed:
    """Start `daypass ARGV`, which reads nothing and prints to `out`. `leashed`: in a session of its own, and it
    does not outlive us."""
    return _start(argv, environment, out.fileno(), out.fileno(), leashed=leashed)


def run(argv: Sequence[str], environment: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run `daypass ARGV` to its end."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = _start(argv, environment, out.fileno(), err.fileno(), leashed=False)
        try:
            status = process.wait(timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([*argv], status, out.read(), err.read())


def _start(argv: Sequence[str], environment: Mapping[str, str], out: int, err: int, *, leashed: bool) -> Warmed:
    asked = {"argv": [*argv], "environment": {**environment}, "folder": str(Path.cwd()), "leashed": leashed}
    told, status = os.pipe()
    try:
        socket.send_fds(_server(), [json.dumps(asked).encode()], [out, err, status])
    finally:
        os.close(status)
    return Warmed(argv, told)


def _line(status: int, timeout: float | None) -> str | None:
    """What the server tells of a process: its id, then its exit status. None: not in time."""
    polled = select.poll()  # not select(2), which takes no number above 1,023
    polled.register(status, select.POLLIN)
    if not polled.poll(None if timeout is None else timeout * 1000):
        return None
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(status, 1)
        assert byte, "the process that forks is gone"
        line += byte
    return line.decode()


_running: list[socket.socket] = []
_starting = threading.Lock()


def _server() -> socket.socket:
    with _starting:
        if not _running:
            ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            subprocess.Popen(
                [sys.executable, "-m", "tests.servers.warm", str(its.fileno())],
                cwd=ROOT,
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                preexec_fn=leash,
                start_new_session=True,
            )
            its.close()
            atexit.register(ours.close)
            _running.append(ours)
        return _running[0]


# -- in the process that forks ------------------------------------------------------------------------------------


def _import_all() -> None:
    import daypass

    for found in pkgutil.walk_packages(daypass.__path__, "daypass."):
        if not found.name.startswith(NOT_TO_IMPORT):
            importlib.import_module(found.name)
    for name in IMPORTED_LATE:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a fork would lose the other threads"
    gc.collect()
    gc.freeze()  # what is there by now is shared by all, and never looked through again


def _serve(asking: socket.socket) -> list[str]:
    """Fork for each request, and say how each child ended. Returns in a child only: what it is to run."""
    watched = selectors.DefaultSelector()
    watched.register(asking, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select():
            if key.data is not None:
                pid, status = key.data
                watched.unregister(key.fd)
                os.close(key.fd)
                _tell(status, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                os.close(status)
                continue
            text, streams, _, _ = socket.recv_fds(asking, REQUEST_BYTES_MAX, 3)
            if not text:
                sys.exit()
            asked = json.loads(text)
            pid = os.fork()
            if not pid:
                for each in watched.get_map().values():
                    os.close(each.fd)
                    if each.data is not None:
                        os.close(each.data[1])
                watched.close()
                return _become(asked, *streams)
            _tell(streams[2], pid)
            watched.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, streams[2]))
            for stream in streams[:2]:
                os.close(stream)


def _tell(status: int, number: int) -> None:
    with suppress(BrokenPipeError):
        os.write(status, b"%d\n" % number)


def _become(asked: dict[str, Any], out: int, err: int, status: int) -> list[str]:
    """In the child: have nothing but what the request says."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    for stream in (out, err, status):
        os.close(stream)
    if asked["leashed"]:
        os.setsid()
        leash()
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["daypass", *asked["argv"]]
    return list(asked["argv"])


def main() -> int:
    """Serve whoever holds the other end of the socket that the argument names; a child is the command."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asking = socket.socket(fileno=int(sys.argv[1]))
    _import_all()
    argv = _serve(asking)
    asking.detach()
    ended: list[int] = []
    atexit.register(_leave, ended)  # before the command registers anything: what comes first is called last
    from daypass.cli import main as daypass

    ended.append(daypass(argv))
    return ended[0]


def _leave(ended: Sequence[int]) -> None:
    """Be gone. Freeing each object would copy what is shared with the process that forked: it costs more than most
    commands. One that did not return goes the interpreter's own way."""
    for status in ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
