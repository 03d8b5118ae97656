"""`daypass ledger verify` and `receipt`, as an auditor runs them: exit statuses, words, nothing of the server."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from daypass.ledger.checkpoint import Checkpoint
from daypass.ledger.note import COSIGNATURE_V1, Note, cosign, keypair, sign
from tests.cli.running import daypass
from tests.ledger.logs import SEED, Log
from tests.servers.authority import Authority
from tests.servers.http import Serving

WITNESS, COSIGNER = keypair("witness.test/one", b"\x09" * 32, COSIGNATURE_V1)
BLOCKED = ("daypass.store", "daypass.services", "daypass.gateway", "daypass.api", "daypass.app", "daypass.config")
BLOCKED_LIBRARIES = ("sqlalchemy", "fastapi", "starlette", "uvicorn", "asyncpg", "aiosqlite", "httpx2", "pydantic")


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("log")).grow(5, 300)


@pytest.fixture
def root(genuine: Log, tmp_path: Path) -> Path:
    shutil.copytree(genuine.root, tmp_path / "log")
    (tmp_path / "old").write_bytes(genuine.published[1])
    (tmp_path / "newest").write_bytes(genuine.published[2])
    return tmp_path / "log"


@pytest.fixture
def url(root: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with Serving(partial(Quiet, directory=str(root))) as server:
        yield f"{server.url}/"


def test_an_intact_log(genuine: Log, root: Path) -> None:
    done = daypass(root.parent, "ledger", "verify", "log", "--vkey", str(genuine.vkey), "--checkpoint", "old")
    assert (done.returncode, done.stderr) == (0, "")
    assert "acme.test/prod: intact\n  300 entries" in done.stdout
    assert "key not pinned" not in done.stdout


def test_the_published_key_is_not_pinned(root: Path) -> None:
    done = daypass(root.parent, "ledger", "verify", "log")
    assert done.returncode == 0 and "key not pinned" in done.stdout
    found = json.loads(daypass(root.parent, "ledger", "verify", "log", "--json").stdout)
    assert (found["id"], found["state"], found["pinned"]) == ("acme.test/prod", "INTACT", False)
    assert (found["size"], found["erased"]) == (300, [0, 50, 100, 150, 200, 250])


def test_a_log_over_http(url: str, root: Path) -> None:
    done = daypass(root.parent, "ledger", "verify", url, "--vkey", "log/vkey", "--checkpoint", "old")
    assert (done.returncode, done.stderr) == (0, "")
    (root / "tile/entries/000").unlink()
    done = daypass(root.parent, "ledger", "verify", url)
    assert done.returncode == 1 and "tampered: tile/entries/000: the bundle is missing" in done.stdout


def test_a_tampered_log(root: Path) -> None:
    raw = bytearray((root / "tile/entries/000").read_bytes())
    raw[900] ^= 1
    (root / "tile/entries/000").write_bytes(raw)
    done = daypass(root.parent, "ledger", "verify", "log")
    assert done.returncode == 1
    assert done.stdout.startswith("tampered: tile/0/000: differs from what the entries hash to, first at entry 1\n")
    found = json.loads(daypass(root.parent, "ledger", "verify", "log", "--json").stdout)
    assert (found["state"], "first at entry 1" in found["problem"]) == ("TAMPERED", True)


def test_both_checkpoints_are_printed(genuine: Log, root: Path, tmp_path: Path) -> None:
    other = Log(tmp_path / "other")
    other.append([other.sequencer.entry(n + 1) for n in range(300)])
    done = daypass(tmp_path, "ledger", "verify", str(other.root), "--checkpoint", "newest")
    assert done.returncode == 1
    assert "two signed checkpoints of size 300 with different roots" in done.stdout
    for raw in (genuine.published[-1], other.published[-1]):
        assert raw.decode() in done.stdout


def test_a_kept_checkpoint_of_another_key_is_tampering_unless_a_key_is_pinned(genuine: Log, root: Path) -> None:
    other, signer = keypair(genuine.vkey.name, b"\x07" * 32)
    text = Note.parse(genuine.published[-1]).text
    (root.parent / "strange").write_text(str(Note(text, (sign(text, other, signer),))))
    verify = ("ledger", "verify", "log", "--checkpoint", "strange")
    assert daypass(root.parent, *verify).returncode == 1
    done = daypass(root.parent, *verify, "--vkey", str(genuine.vkey))
    assert (done.returncode, done.stdout) == (2, "")
    assert "could not check: strange: says that another key" in done.stderr


def test_a_log_that_says_to_be_longer_than_can_be(genuine: Log, root: Path) -> None:
    key, signer = keypair(genuine.vkey.name, SEED)
    text = Checkpoint(key.name, 1 << 62, b"\x01" * 32).text
    (root / "checkpoint").write_text(str(Note(text, (sign(text, key, signer),))))
    done = daypass(root.parent, "ledger", "verify", "log")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("tampered: tile/entries/001: the bundle is missing\n")


def test_a_cut_off_log(genuine: Log, root: Path, tmp_path: Path) -> None:
    short = Log(tmp_path / "short")
    short.append(genuine.entries[:5])
    assert daypass(tmp_path, "ledger", "verify", str(short.root), "--checkpoint", "old").returncode == 0
    done = daypass(tmp_path, "ledger", "verify", str(short.root), "--checkpoint", "newest")
    assert done.returncode == 1 and "the log had 300 entries, it has 5" in done.stdout


def test_witnesses(genuine: Log, root: Path) -> None:
    arguments = ("ledger", "verify", "log", "--witness", str(WITNESS))
    done = daypass(root.parent, *arguments)
    assert done.returncode == 1 and "not cosigned by witness.test/one" in done.stdout
    assert daypass(root.parent, *arguments, "--quorum", "0").returncode == 0
    assert daypass(root.parent, *arguments, "--quorum", "2").returncode == 2
    twice = daypass(root.parent, *arguments, "--witness", str(WITNESS), "--quorum", "2")
    assert twice.returncode == 2 and "--quorum 2, but --witness names 1" in twice.stderr
    log = daypass(root.parent, "ledger", "verify", "log", "--witness", "log/vkey")
    assert log.returncode == 2 and "the key of a log, not of a witness" in log.stderr
    note = Note.parse(genuine.published[-1])
    line = cosign(note.text, WITNESS, COSIGNER, 1_790_000_000)
    (root / "checkpoint").write_text(str(Note(note.text, (*note.signatures, line))))
    done = daypass(root.parent, *arguments)
    assert done.returncode == 0 and "cosigned by witness.test/one at 2026-09-21" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "no such directory"),
        (["http://127.0.0.1:9"], "127.0.0.1:9"),
        (["."], "no vkey beside the log"),
        ([".", "--vkey", "log/vkey"], "no checkpoint"),
        (["log", "--vkey", "a+b+c"], "not base64"),
        (["log", "--vkey", str(WITNESS)], "the key of a witness, not of a log"),
        (["log", "--vkey", "nowhere"], "nowhere: No such file"),
        (["log", "--checkpoint", "nowhere"], "nowhere: No such file"),
        (["log", "--checkpoint", "log/vkey"], "log/vkey: a note is"),
        (["log", "--witness", "acme"], "acme: No such file"),
    ],
)
def test_what_could_not_be_checked(root: Path, arguments: list[str], said: str) -> None:
    done = daypass(root.parent, "ledger", "verify", *arguments)
    assert done.returncode == 2
    assert said in done.stderr and done.stderr.startswith("daypass: could not check: ")


def test_a_receipt_from_the_published_files(genuine: Log, root: Path, url: str) -> None:
    done = daypass(root.parent, "ledger", "receipt", "7", "--log", url, "--out", "r.tlog-proof", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["id"], found["state"]) == (0, 7, "PUBLISHED")
    assert found["entry"].encode() == genuine.entries[7]
    assert (root.parent / "r.tlog-proof").read_text() == found["proof"]
    done = daypass(root.parent, "ledger", "verify", "log", "--checkpoint", "r.tlog-proof")
    assert done.returncode == 0
    done = daypass(root.parent, "ledger", "receipt", "300", "--log", "log")
    assert done.returncode == 1 and "not published yet" in done.stderr


def test_as_who_is_signed_in_at_a_daypass_of_its_own_authority(genuine: Log, root: Path, tmp_path: Path) -> None:
    class ForAuditors(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] == "Bearer dp_cleo":
                super().do_GET()
            else:
                self.send_error(401)

        def log_message(self, format: str, *args: object) -> None:
            pass

    shutil.copytree(root, tmp_path / "web" / "ledger")
    authority = Authority(tmp_path)
    server = Serving(partial(ForAuditors, directory=str(tmp_path / "web")))
    trusted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trusted.load_cert_chain(*authority.certificate("127.0.0.1"))
    server.socket = trusted.wrap_socket(server.socket, server_side=True)
    with server:
        url, folder = f"https://127.0.0.1:{server.server_port}", tmp_path / ".config" / "daypass"
        folder.mkdir(parents=True)
        stored = {"url": url, "token": "dp_cleo", "ca": str(authority.path)}
        (folder / "login.json").write_text(json.dumps(stored))
        for env in ({}, {"DAYPASS_URL": url, "DAYPASS_TOKEN": "dp_cleo", "DAYPASS_CA": str(authority.path)}):
            done = daypass(tmp_path, "ledger", "receipt", "7", "--json", **env)
            assert (done.returncode, json.loads(done.stdout)["id"]) == (0, 7), done.stderr
            assert daypass(tmp_path, "ledger", "verify", f"{url}/ledger", **env).returncode == 0
        stored["token"] = "dp_eve"
        (folder / "login.json").write_text(json.dumps(stored))
        done = daypass(tmp_path, "ledger", "receipt", "7")
        assert (done.returncode, "HTTP 401" in done.stderr) == (2, True)


def test_on_a_terminal_it_shows_how_far_it_is(genuine: Log, root: Path) -> None:
    terminal, stderr = pty.openpty()
    argv = [sys.executable, "-m", "daypass", "ledger", "verify", "log"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(argv, cwd=root.parent, stdout=subprocess.PIPE, stderr=stderr, env=environment, text=True)
    os.close(stderr)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: all of it is read, and nobody is at the other end
        while part := os.read(terminal, 65536):
            shown += part
    os.close(terminal)
    assert (done.returncode, "300 entries" in done.stdout) == (0, True)
    assert b"300/300" in shown


def test_a_receipt_by_id_from_the_published_files(genuine: Log, root: Path, url: str) -> None:
    for index in (7, 299):
        id = json.loads(genuine.entries[index])["id"]
        done = daypass(root.parent, "ledger", "receipt", id, "--log", url, "--json")
        assert (done.returncode, json.loads(done.stdout)["id"]) == (0, index)
    done = daypass(root.parent, "ledger", "receipt", "01890a5e-0000-7000-8000-0000000f0000", "--log", "log")
    assert done.returncode == 1 and "there is no entry" in done.stderr
    done = daypass(root.parent, "ledger", "receipt", "7", "--log", "log", "--wait", "2s")
    assert done.returncode == 2 and "--wait goes with its id" in done.stderr


def test_it_imports_nothing_of_the_server(root: Path) -> None:
    program = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in {BLOCKED + BLOCKED_LIBRARIES!r} or name.startswith({tuple(f"{b}." for b in BLOCKED)!r}):
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Blocked())
from daypass.cli import main
sys.exit(main(["ledger", "verify", "log", "--checkpoint", "old"]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=root.parent, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from daypass.cli import main, verifying
verifying.LONG_LOG = 1
if __name__ == "__main__":
    sys.exit(main(["ledger", "verify", "log"]))
"""
    log = Log(tmp_path).grow(40_000)
    (tmp_path / "log").symlink_to(log.root)
    (tmp_path / "run.py").write_text(program)
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "40000 entries" in done.stdout
    bundle = log.root / "tile/entries/090"
    raw = bytearray(bundle.read_bytes())
    raw[5000] ^= 1
    bundle.write_bytes(raw)
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "") and "tile/0/090: differs" in done.stdout
