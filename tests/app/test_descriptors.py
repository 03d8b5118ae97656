"""A process takes the open files that its sessions need, if it may have them."""

from __future__ import annotations

import resource
import subprocess
import sys

TAKE = """
import resource
from daypass.app.descriptors import allow_files
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 2000))
allow_files(500)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
allow_files(5000)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_it_takes_what_it_needs_and_may_have() -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 2000
    done = subprocess.run([sys.executable, "-c", TAKE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "1256"
    assert done.stdout.splitlines()[-1] == "2000"
    assert "not all sessions fit" in done.stdout + done.stderr
