"""What `serve` logs, in a process of its own, as it sets up the logs of all of it."""

from __future__ import annotations

import json
import subprocess
import sys

SECRET = "quokka-token"
FAILS = f"""
import structlog
from daypass.app.logs import configure

configure()
try:
    token = {SECRET!r}
    raise ValueError("told")
except ValueError:
    structlog.get_logger().exception("it failed")
"""


def test_a_traceback_shows_where_and_no_values() -> None:
    done = subprocess.run([sys.executable, "-c", FAILS], capture_output=True, text=True, check=True, timeout=60)
    (line,) = (json.loads(line) for line in done.stderr.splitlines())
    (told,) = line["exception"]
    assert (told["exc_type"], told["exc_value"], told["frames"][-1]["lineno"]) == ("ValueError", "told", 8)
    assert SECRET not in done.stderr
