"""Commands that need no server: help, usage, what is not there yet, who is not logged in."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from daypass.cli.verbs import PLACES
from tests.cli.running import daypass

LATER = [name for name, place in PLACES.items() if place.module == "later"]
SILENT_SERVER = {"DAYPASS_URL": "http://127.0.0.1:9", "DAYPASS_TOKEN": "dp_x"}


def test_help_lists_every_command(tmp_path: Path) -> None:
    done = daypass(tmp_path, "--help")
    assert done.returncode == 0
    for name, place in PLACES.items():
        assert name in done.stdout and place.summary in done.stdout


@pytest.mark.parametrize("name", sorted(PLACES))
def test_every_command_is_where_the_table_says(name: str) -> None:
    assert name in importlib.import_module(f"daypass.cli.{PLACES[name].module}").VERBS


@pytest.mark.parametrize("name", sorted(PLACES))
def test_every_command_has_help(tmp_path: Path, name: str) -> None:
    done = daypass(tmp_path, name, "--help")
    assert done.returncode == 0
    assert f"usage: daypass {name}" in done.stdout


def test_client_commands_import_no_server(tmp_path: Path) -> None:
    done = daypass(tmp_path, "whoami", **SILENT_SERVER, PYTHONPROFILEIMPORTTIME="1")
    assert "http.client" in done.stderr
    for heavy in ("fastapi", "sqlalchemy", "uvicorn", "typer", "rich", "cryptography", "pydantic", "yaml"):
        assert f" {heavy}\n" not in done.stderr, heavy


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), ""),
        (("frobnicate",), "daypass: there is no command 'frobnicate'"),
        (("aprove", "x"), "did you mean approve?"),
        (("request", "orders"), "daypass: the following arguments are required: --for, --reason"),
        (("request", "orders", "--for", "1h", "--reason", "x"), "daypass: no role is named for orders"),
        (("request", "orders", "--role", "r", "--for", "soon", "--reason", "x"), "must be a length of time"),
        (("request", "o", "--role", "r", "--for", "1h", "--reason", "x", "--at", "noon"), "must be a time like"),
        (("people",), "daypass: the following arguments are required: COMMAND"),
        (("replay", "x", "--speed", "-1"), "must be a number from 0 to 1000"),
        (("serve",), "daypass: I don't know which settings to use"),
        (("check", "--config", "gone.yaml"), "gone.yaml: cannot be read: No such file or directory"),
    ],
)
def test_wrong_usage_is_told_and_leaves_with_2(tmp_path: Path, argv: tuple[str, ...], said: str) -> None:
    done = daypass(tmp_path, *argv)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("name", LATER)
def test_what_is_not_there_says_so(tmp_path: Path, name: str) -> None:
    done = daypass(tmp_path, name, "--reason", "x", "anything")
    assert done.returncode == 1
    assert done.stderr.startswith("daypass: not yet: ")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "daypass: I don't know where Daypass is\n  set DAYPASS_URL"),
        ({"DAYPASS_URL": "http://localhost:1"}, "daypass: I have no token\n"),
        (SILENT_SERVER, "daypass: http://127.0.0.1:9 cannot be reached: Connection refused\n  is `daypass serve`"),
        ({"DAYPASS_URL": "ftp://x", "DAYPASS_TOKEN": "y"}, "daypass: 'ftp://x' is no address of Daypass"),
    ],
)
def test_without_a_server_it_says_what_is_missing(tmp_path: Path, env: dict[str, str], said: str) -> None:
    done = daypass(tmp_path, "whoami", **env)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert done.stdout == ""
