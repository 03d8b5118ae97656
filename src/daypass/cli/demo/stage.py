"""Where the guided run is shown: each command, its real output, and whether that is what should have come.

It judges every step and stops at the first that isn't as it should be; it prints no token in a command.
"""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from daypass.cli.demo.gateway import LocalGateway, Member

CLIENT_SECONDS_MAX = 60.0
"""Longer than any statement of the run may live: its grant ends before."""


class StepFailed(Exception):
    """A step did not do what it should; the message says which and what came instead."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed (both streams, as a person sees them) and how it left."""

    text: str
    status: int
    stdout: str
    seconds: float


class Stage:
    """Runs and shows commands. `expect` are texts that the output must hold; `status` is how the command must leave."""

    def __init__(self, console: Console, gateway: LocalGateway, psql: str) -> None:
        self.console = console
        self.gateway = gateway
        self._psql = psql
        self._steps = 0

    def step(self, title: str, why: str = "") -> None:
        """Open the next step."""
        self._steps += 1
        self.console.print(f"\n[bold cyan]{self._steps}. {escape(title)}[/]", highlight=False)
        if why:
            self.console.print(f"   [dim]{escape(why)}[/]", highlight=False)

    def note(self, text: str) -> None:
        """Say what was seen to be so."""
        self.console.print(f"   [green]ok[/] {escape(text)}", highlight=False)

    def require(self, holds: bool, claim: str, instead: object = "") -> None:
        """A claim that has just been checked; StepFailed if it does not hold."""
        if not holds:
            raise StepFailed(f"{claim}: not so. {instead}")
        self.note(claim)

    def daypass(self, who: Member | None, *argv: str, status: int = 0, expect: Sequence[str] = ()) -> Output:
        """Run one `daypass` command as this person (None: as the operator)."""
        prefix = who.name.lower() if who else "operator"
        self._show(prefix, ["daypass", *argv])
        return self._finish(
            self._start([*self.gateway.command(), *argv], self.gateway.environment(who)), status, expect, argv[0]
        )

    def psql(self, who: Member, *statements: str, status: int = 0, expect: Sequence[str] = ()) -> Output:
        """Run psql through the gateway as this person."""
        options = [part for statement in statements for part in ("-c", statement)]
        self._show(who.name.lower(), ["psql", self.gateway.url(who, token=False), *options])
        url = self.gateway.url(who, token=False)
        argv = [self._psql, "-X", "-v", "ON_ERROR_STOP=1", url, *options]
        return self._finish(self._start(argv, self.gateway.client_environment(who)), status, expect, "psql")

    def show(self, text: str) -> None:
        """Print real output, indented."""
        for line in text.rstrip().splitlines():
            self.console.print(f"     {line}", markup=False, highlight=False, soft_wrap=True)

    def _show(self, prefix: str, argv: Sequence[str]) -> None:
        line = " ".join(_quoted(part) for part in argv)
        self.console.print(f"   [bold yellow]{escape(prefix)}$[/] {escape(line)}", highlight=False, soft_wrap=True)

    def _start(self, argv: Sequence[str], environment: Mapping[str, str]) -> tuple[subprocess.Popen[str], float]:
        started = time.monotonic()
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        return process, started

    def _finish(
        self, running: tuple[subprocess.Popen[str], float], status: int, expect: Sequence[str], what: str
    ) -> Output:
        process, started = running
        try:
            stdout, stderr = process.communicate(timeout=CLIENT_SECONDS_MAX)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        output = Output(stdout + stderr, process.returncode, stdout, time.monotonic() - started)
        self.show(output.text)
        if output.status != status:
            raise StepFailed(f"{what} left with status {output.status}, not {status}")
        for text in expect:
            if text not in output.text:
                raise StepFailed(f"{what} should have said {text!r}")
        return output


def _quoted(part: str) -> str:
    """One argument as a person would type it into a shell."""
    plain = part.startswith("postgresql://") or ("'" in part and not set(part) & set('"$`\\!'))
    return (f'"{part}"' if "'" in part else part) if plain else shlex.quote(part)
