"""An emergency on a real target: a sealed code through psql, and a drill; and signed votes in a published log."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO, POLICY, Setup
from daypass.cli.demo.server import free_port
from daypass.domain.ssh_signature import NAMESPACE
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

GLASS = """\
  - name: break the glass
    who: [group:payments-oncall]
    roles: [write]
    break_glass: { longest: 30m, tell: [group:auditors] }
    owes: { ratify: { by: [group:payments-leads], within: 24h } }
expect:"""
SETUP = Setup(policy=POLICY.replace("expect:", GLASS, 1))
OIDC = "identity:\n  oidc: {{ issuer: 'http://127.0.0.1:{port}', client_id: d, client_secret: {{ file: provider }} }}\n"
MAIL = "notify: {{ email: {{ server: '127.0.0.1:{port}', from: daypass@acme.test, tls: none }} }}\n"


@pytest.fixture
def emergency(postgres_15: Postgres, starting: Starting) -> Daypass:
    return starting(postgres_15, SETUP)


@pytest.fixture
def cut_off(postgres_15: Postgres, tmp_path: Path) -> Iterator[Daypass]:
    """Nobody listens where its identity provider and its mail server ought to be."""
    setup = replace(SETUP, extra=MAIL.format(port=free_port()))
    daypass = Daypass(tmp_path / "gateway", postgres_15, setup)
    (daypass.home / "provider").write_text("s")
    text = daypass.config.read_text()
    assert text.count("identity:\n") == 1
    daypass.config.write_text(text.replace("identity:\n", OIDC.format(port=free_port())))
    with daypass:
        yield daypass


def open_with(daypass: Daypass, code: str, statement: str, who: str = ANA.email) -> subprocess.CompletedProcess[str]:
    env = {"PGUSER": f"glass:{who}", "PGPASSWORD": code}
    return daypass.psql(statement, target="orders:write", env=env)


def test_a_sealed_code_opens_its_target_through_psql_once(emergency: Daypass) -> None:
    made = emergency.object(None, "break-glass", "orders", "--make-codes", "--count", "2")
    first, second = made["codes"]
    for who, code in ((ANA.email, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"), (BEN.email, first), ("x@acme.test", first)):
        refused = open_with(emergency, code, "select 1", who)
        assert refused.returncode != 0 and refused.stdout == "", who
    opened = open_with(emergency, first, "select current_user")
    assert (opened.returncode, opened.stdout.strip()) == (0, "app_rw"), opened.stderr
    again = open_with(emergency, first, "select 1")
    assert again.returncode != 0 and "authentication failed" in again.stderr
    (broken,) = emergency.wait_entries("glass.broken")
    (session,) = emergency.wait_entries("session.ended")
    assert session["grant"] == broken["grant"] and session["request"] == broken["request"]
    assert emergency.recorded(session["session"]) == ["select current_user"]
    assert json.loads(emergency.say(BEN, "obligations", "--json"))[0]["kind"] == "ratify"
    emergency.say(BEN, "ratify", broken["request"], "--note", "the API was down")
    log = "".join(entry.decode() for entry in emergency.published())
    assert first not in log and second not in log
    assert open_with(emergency, second, "select 1").returncode == 0
    emergency.verify()


def test_it_works_with_the_identity_provider_and_the_channels_down(cut_off: Daypass) -> None:
    with pytest.raises(urllib.error.HTTPError) as nobody:
        urllib.request.build_opener(Unmoved).open(f"{cut_off.web}/api/v1/sign-in/oidc")
    assert "problem=" in nobody.value.headers["location"]
    (code,) = cut_off.object(None, "break-glass", "orders", "--make-codes", "--count", "1")["codes"]
    assert open_with(cut_off, code, "select 1").stdout.strip() == "1"
    why = ("--role", "write", "--for", "15m", "--reason", "payments are stuck", "--ticket", "INC-7")
    broken = cut_off.object(ANA, "break-glass", "orders", *why)
    assert cut_off.psql("select 2", target="orders:write").stdout.strip() == "2"
    assert len(cut_off.wait_entries("glass.broken", 2)) == 2
    cut_off.say(BEN, "ratify", broken["id"], "--note", "it was")
    until(lambda: "channel email does not take messages" in healthz(cut_off) or None, "a warning of the mail server")


def healthz(daypass: Daypass) -> str:
    with urllib.request.urlopen(f"{daypass.web}/healthz") as answer:
        said: bytes = answer.read()
    return said.decode()


class Unmoved(urllib.request.HTTPRedirectHandler):
    """Takes no redirect."""

    def redirect_request(self, *_: object) -> None:
        return None


def test_a_drill_on_a_real_target_files_its_evidence(emergency: Daypass) -> None:
    said = ("break-glass", "orders", "--role", "write", "--for", "15m", "--reason", "an exercise", "--drill")
    made = emergency.object(ANA, *said)
    (drilled,) = emergency.wait_entries("glass.drilled", request=made["id"])
    (ended,) = emergency.wait_entries("grant.ended", request=made["id"])
    body = drilled["body"]
    assert body["end"] == "ENDED" and body["opened_ms"] >= 0 and body["ended_ms"] >= 0
    assert ended["grant"] == made["grant"] and ended["body"]["reason"] == "handed back"
    assert emergency.psql("select 1", target="orders:write").returncode != 0
    assert emergency.server.backends("app_rw") == []
    emergency.say(BEN, "ratify", made["id"], "--note", "it went well")
    emergency.verify()


def test_signed_votes_of_a_published_log_hold_for_anybody(emergency: Daypass, tmp_path: Path) -> None:
    """`ledger verify` counts the vote and its key's enrolment, and plain `ssh-keygen -Y verify` takes the signature out
    of the log; a log in which the signature was changed is tampered with."""
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    emergency.say(BEN, "keys", "add", f"{key}.pub")
    asked = emergency.object(ANA, "request", "orders", "--role", "write", "--for", "1h", "--reason", "to be signed")
    emergency.say(BEN, "approve", asked["id"], "--sign", str(key))
    (voted,) = emergency.wait_entries("request.voted", request=asked["id"])
    assert "1 signed vote" in emergency.verify()
    signed = voted["body"]["signed"]
    statement, signature, signers = (tmp_path / name for name in ("statement", "signature", "signers"))
    statement.write_text(signed["statement"])
    signature.write_text(signed["signature"])
    public = Path(f"{key}.pub").read_text().split()
    signers.write_text(f"ben@acme.test {public[0]} {public[1]}\n")
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "ben@acme.test", "-n", NAMESPACE]
    with statement.open("rb") as text:
        done = subprocess.run([*command, "-s", str(signature)], stdin=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(signed["statement"])
    assert (told["digest"], told["decision"], told["request"]) == (asked["digest"], "approve", asked["id"])
    bent = tmp_path / "ledger"
    shutil.copytree(emergency.data / "ledger", bent)
    for path in bent.rglob("tile/entries/**/*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"BEGIN SSH SIGNATURE", b"BEGIN SSH SIGNATUrE"))
    assert emergency.run(None, "ledger", "verify", str(bent)).returncode == 1
    assert emergency.run(CLEO, "show", asked["id"]).returncode == 0
