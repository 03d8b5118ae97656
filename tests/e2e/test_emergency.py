"""An emergency on a real target: a sealed code through psql, and a drill; and signed votes in a published log."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO, POLICY, Setup
from daypass.domain.ssh_signature import NAMESPACE
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres

GLASS = """\
  - name: break the glass
    who: [group:payments-oncall]
    roles: [write]
    break_glass: { longest: 30m, tell: [group:auditors] }
    owes: { ratify: { by: [group:payments-leads], within: 24h } }
expect:"""
SETUP = Setup(policy=POLICY.replace("expect:", GLASS, 1))


@pytest.fixture
def emergency(postgres_15: Postgres, starting: Starting) -> Daypass:
    return starting(postgres_15, SETUP)


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
