"""`daypass secret`: the value is read and never shown, and stands encrypted in the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = """\
site: acme.test/secrets
secrets: { sealed: { key: { file: secrets.key } } }
targets:
  - name: orders
    protocol: postgres
    address: 127.0.0.1:1
    roles: { read: { user: app_ro, password: { sealed: orders-ro } } }
"""
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
PLANTED = "planted-4711-secret"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "daypass.yaml").write_text(SETTINGS)
    (tmp_path / "secrets.key").write_text(KEY)
    return tmp_path


def secret(home: Path, *argv: str, value: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "daypass", "secret", *argv, "--config", str(home / "daypass.yaml")]
    return subprocess.run(command, input=value, capture_output=True, text=True, timeout=60)


def test_set_replace_list_remove(home: Path) -> None:
    assert secret(home, "set", "orders-ro", value=f"{PLANTED}\n").stdout == "orders-ro: set\n"
    assert secret(home, "set", "orders-ro", value=PLANTED).stdout == "orders-ro: replaced\n"
    assert secret(home, "list").stdout == "orders-ro\n"
    kept = b"".join(path.read_bytes() for path in (home / "var").rglob("*") if path.is_file())
    assert PLANTED.encode() not in kept and b"secret.changed" in kept
    assert secret(home, "remove", "orders-ro").returncode == 0
    gone = secret(home, "remove", "orders-ro")
    assert gone.returncode == 1 and "there is no sealed secret" in gone.stderr


@pytest.mark.parametrize(("name", "value"), [("a b", "x"), ("", "x"), ("fine", ""), ("fine", "x" * 70_000)])
def test_what_is_not_kept(home: Path, name: str, value: str) -> None:
    done = secret(home, "set", name, value=value)
    assert done.returncode in (1, 2) and "x" * 100 not in done.stderr + done.stdout


def test_without_a_key_nothing_is_kept(home: Path) -> None:
    (home / "secrets.key").write_text("c2hvcnQ=")
    done = secret(home, "set", "orders-ro", value=PLANTED)
    assert done.returncode == 1 and "32 bytes" in done.stderr and PLANTED not in done.stderr
