"""`daypass demo`: every step does what it should, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import children

DEMO = [sys.executable, "-m", "daypass", "demo"]
DEMO_SECONDS_MAX = 100


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A temporary folder of its own, in which nothing may be left; as root, other users can pass through it."""
    with tempfile.TemporaryDirectory(prefix="daypass-test-") as folder:
        Path(folder).chmod(0o755)
        yield {**os.environ, "TMPDIR": folder, "HOME": str(tmp_path)}


def check_nothing_left(environment: dict[str, str]) -> None:
    scratch = Path(environment["TMPDIR"])
    assert list(scratch.iterdir()) == []
    told = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(scratch).encode() in _read(path)]
    assert told == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_it_plays_and_leaves(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*DEMO, "--exit"], capture_output=True, text=True, check=False, env=environment, timeout=DEMO_SECONDS_MAX
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every step did what it should" in done.stdout
    check_nothing_left(environment)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stays_up_until_it_is_ended(environment: dict[str, str], tmp_path: Path, how: signal.Signals) -> None:
    # A shell that started these tests in the background had them ignore SIGINT, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    printed = tmp_path / "printed"
    with printed.open("w") as out:
        process = subprocess.Popen(DEMO, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment)
    try:
        assert _up(process, printed), printed.read_text()
        assert children(process.pid)
        process.send_signal(how)
        time.sleep(0.1)
        process.send_signal(how)  # and again, as somebody who is impatient does
        assert process.wait(30) == 0
        assert printed.read_text().endswith("Everything of the demo is removed.\n")
    finally:
        process.kill()
        process.wait()
    check_nothing_left(environment)


def _up(process: subprocess.Popen[bytes], printed: Path) -> bool:
    """Wait until everything is up, or the demo has left, or the time is over."""
    give_up = time.monotonic() + DEMO_SECONDS_MAX
    while "Ctrl-C ends it" not in printed.read_text():
        if process.poll() is not None or time.monotonic() > give_up:
            return False
        time.sleep(0.1)
    return True


def test_it_leaves_in_good_order_from_the_middle(environment: dict[str, str]) -> None:
    process = subprocess.Popen([*DEMO, "--exit"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b"1. "):
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 1  # not every step was taken
    check_nothing_left(environment)
