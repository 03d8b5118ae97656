"""`daypass demo`: set the stage, play the script, stay up if wanted, leave nothing behind."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from daypass.cli.demo import sample
from daypass.cli.demo.gateway import PEOPLE, PROTOCOL, LocalGateway, Setup
from daypass.cli.demo.script import play
from daypass.cli.demo.server import LocalServer, ServerError, free_port, wheel_binaries
from daypass.cli.demo.stage import Stage, StepFailed
from daypass.config.settings import WEB_PORT

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """A signal asked us to leave."""


def demo(*, stay: bool) -> int:
    """Play the guided run; with `stay`, keep everything up afterwards until Ctrl-C. Returns the exit status."""
    console = Console(file=sys.stdout, soft_wrap=True)
    console.print("[bold]Daypass: temporary production access, on the record.[/]")
    with _signals():
        with tempfile.TemporaryDirectory(prefix="daypass-demo-", ignore_cleanup_errors=True) as folder:
            status = _watched(console, Path(folder), stay=stay)
        console.print("Everything of the demo is removed.")
    return status


def _watched(console: Console, folder: Path, *, stay: bool) -> int:
    try:
        return _perform(console, folder, stay=stay)
    except (KeyboardInterrupt, Ended):
        console.print("\nLeft before the end.")
    except (StepFailed, ServerError) as problem:
        console.print(f"\n[bold red]The demo failed:[/] {escape(str(problem))}", highlight=False)
        log = folder / "serve.log"
        if isinstance(problem, StepFailed) and log.exists():
            console.print(f"[dim]{escape(log.read_text(errors='replace')[-2000:])}[/]", highlight=False)
    return 1


def _perform(console: Console, folder: Path, *, stay: bool) -> int:
    console.print("Starting a PostgreSQL of its own, with sample data …")
    server = LocalServer(wheel_binaries())
    try:
        sample.load(server)
        setup = Setup(web_port=_port(WEB_PORT), port=_port(PROTOCOL.port))
        gateway = LocalGateway(folder, server, setup)
        console.print("Starting Daypass in front of it …")
        try:
            gateway.start()
            play(Stage(console, gateway, server.binaries.program("psql")), server)
            console.print("\n[bold green]Every step did what it should.[/]")
            if stay:
                with suppress(KeyboardInterrupt, Ended):
                    _stay(console, gateway, "psql" if shutil.which("psql") else server.binaries.program("psql"))
                console.print("\nLeaving …")
        finally:
            _clean_up_undisturbed()
            gateway.stop()
    finally:
        _clean_up_undisturbed()
        server.remove()
    return 0


def _stay(console: Console, gateway: LocalGateway, psql: str) -> None:
    """Say what can be tried, and wait."""
    ana, ben, cleo = PEOPLE
    lines = [f"\n[bold]It stays up.[/] Web and API: {gateway.web}   Ctrl-C ends it and removes everything.\n"]
    for person, what in ((ana, "asks"), (ben, "approves"), (cleo, "audits")):
        lines.append(f"  {person.name:5}{what:9} {person.email:15} {gateway.token(person)}")
    lines += [
        "\nTry, in two other terminals:\n",
        f"  export DAYPASS_URL={gateway.web} DAYPASS_TOKEN={gateway.token(ana)}",
        '  .venv/bin/daypass request orders --role write --for 10m --reason "see for myself"',
        f"  {psql} {gateway.url(ana, token=False)}   # the password is her token\n",
        f"  export DAYPASS_URL={gateway.web} DAYPASS_TOKEN={gateway.token(ben)}",
        "  .venv/bin/daypass requests --to-decide",
        "  .venv/bin/daypass approve ID",
    ]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    sys.stdout.flush()
    while True:
        signal.pause()


def _port(preferred: int) -> int:
    """The usual port if nobody has it, else any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port()
    return preferred


def _clean_up_undisturbed() -> None:
    """Whoever is impatient and presses Ctrl-C again must not have half of it left behind."""
    for number in (signal.SIGINT, *ENDING_SIGNALS):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _signals() -> Iterator[None]:
    """Leave in good order on the signals that end a program, at the first of them: what is begun then is done."""

    def end(number: int, frame: FrameType | None) -> None:
        _clean_up_undisturbed()
        raise Ended

    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, *ENDING_SIGNALS)]
    for number, handler in before:
        if handler is not signal.SIG_IGN:  # as a shell has it for what runs in the background
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
