"""Runs `daypass` as people do: as a process, with nothing of this machine's environment but what is given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS_MAX = 60.0


def daypass(home: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run one command in `home`, to its end. No command may ever show a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "daypass", *argv],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done
