"""Commands that need no server: help, usage, what is not there yet, who is not logged in."""

from __future__ import annotations

import importlib
import socket
import threading
from pathlib import Path

import pytest

from daypass.cli.verbs import PLACES
from tests.api.serving import Served
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


def test_help_says_what_is_so(tmp_path: Path) -> None:
    assert "votes so far still count" in daypass(tmp_path, "answer", "--help").stdout
    assert "bundle" not in daypass(tmp_path, "ask", "--help").stdout
    for name in ("approve", "deny", "withdraw"):
        assert "bundle" in daypass(tmp_path, name, "--help").stdout


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
        (("connect",), "daypass: the following arguments are required: TARGET\n"),
        (("break-glass", "orders"), "daypass: as what, for how long, and why?"),
        (("request", "o", "--role", "r", "--for", "1h", "--reason", ""), "argument --reason: must not be empty"),
        (("deny", "x", "--note", " "), "argument --note: must not be empty"),
        (("ask", "x", ""), "argument QUESTION: must not be empty"),
        (("approve", ""), "argument ID: must be an id, or the end of one, not ''"),
        (("kill", "a/b", "--reason", "x"), "argument ID: must be an id, or the end of one, not 'a/b'"),
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
        (SILENT_SERVER | {"DAYPASS_TOKEN": " dp_x\r\n"}, "daypass: http://127.0.0.1:9 cannot be reached"),
        (SILENT_SERVER | {"DAYPASS_URL": "http://127.0.0.1:9/ "}, "daypass: http://127.0.0.1:9/ cannot be reached"),
    ],
)
def test_without_a_server_it_says_what_is_missing(tmp_path: Path, env: dict[str, str], said: str) -> None:
    done = daypass(tmp_path, "whoami", **env)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert done.stdout == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:x",
        "http://localhost:99999",
        "http://localhost:0",
        "http://[::1",
        "http://a..b",
        "http://a b",
        "http://localhost/daypass",
        "http://localhost?x",
        "http://ana@localhost",
    ],
)
def test_what_is_no_address_is_told(tmp_path: Path, url: str) -> None:
    for argv in (("whoami",), ("login", url, "--token", "dp_x")):
        done = daypass(tmp_path, *argv, DAYPASS_URL=url, DAYPASS_TOKEN="dp_x")
        assert (done.returncode, done.stdout) == (1, "")
        told, hint = done.stderr.splitlines()
        assert told.endswith("is no address of Daypass") and hint.startswith("  it looks like http://localhost:8420")
        assert "ana" not in told


@pytest.mark.parametrize("token", ["dp_secret\rx", "dp_sec ret", "dp_sécret", "dp_secret\x1b"])
def test_what_can_be_no_token_is_told_and_not_shown(tmp_path: Path, token: str) -> None:
    url = SILENT_SERVER["DAYPASS_URL"]
    for argv in (("whoami",), ("ledger", "verify", f"{url}/ledger"), ("login", url, "--token", token)):
        done = daypass(tmp_path, *argv, DAYPASS_URL=url, DAYPASS_TOKEN=token)
        assert done.returncode != 0 and "the token has characters that no token has" in done.stderr
        assert "sec" not in done.stderr + done.stdout


def test_bytes_of_who_answers_there_are_not_shown(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=_answer_once, args=(listening,))
        answering.start()
        done = daypass(
            tmp_path, "whoami", DAYPASS_URL=f"http://127.0.0.1:{listening.getsockname()[1]}", DAYPASS_TOKEN="dp_x"
        )
        answering.join(30)
    assert done.returncode == 1 and "what answers there does not speak HTTP" in done.stderr
    assert "\x1b" not in done.stderr and "FATAL" not in done.stderr


def _answer_once(listening: socket.socket) -> None:
    one, _ = listening.accept()
    with one:
        one.recv(4096)
        one.sendall(b"E\0\0\0\x1bSFATAL\0\x1b]0;owned\x07\n")


def test_arguments_in_no_encoding_name_nothing(served: Served) -> None:
    done = served.run("ana", "show", "\udcff")
    assert done.returncode == 1 and "there is no request, grant or session" in done.stderr


def test_errors_steer_no_terminal(tmp_path: Path) -> None:
    done = daypass(tmp_path, "check", "--config", "gone\x1b[2J.yaml")
    assert done.returncode == 2 and "gone␛[2J.yaml: cannot be read" in done.stderr
