"""The operator's commands without a server: init, check, policy."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from daypass.protocols import PROTOCOLS
from tests.cli.running import daypass

PROTOCOL = next(iter(PROTOCOLS))
SETTINGS = f"""\
site: acme.test
identity:
  people:
    - {{ email: ana@acme.test, groups: [engineers] }}
    - {{ email: ben@acme.test, groups: [leads] }}
targets:
  - name: orders
    protocol: {PROTOCOL}
    address: 127.0.0.1:1
    labels: {{ env: prod }}
    roles: {{ read: {{ user: app_ro }} }}
policies: [ policy.yaml ]
"""
POLICY = """\
policy: orders
covers: { labels: { env: prod } }
rules:
  - name: read
    who: [group:engineers]
    roles: [read]
    decide: { undecided_after: 4h, stages: [ { need: 1, of: [group:leads] } ] }
expect:
  - { by: ana@acme.test, target: orders, role: read, for: 30m, then: { needs: 1, never: ana@acme.test } }
"""
ASKED = ("--target", "orders", "--role", "read", "--for", "30m")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "daypass.yaml").write_text(SETTINGS)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def test_what_init_writes_is_valid(tmp_path: Path) -> None:
    assert daypass(tmp_path, "init").returncode == 0
    done = daypass(tmp_path, "check")
    assert done.returncode == 0, done.stderr
    assert "3 people" in done.stdout and "1 policies" in done.stdout
    settings = tmp_path / "daypass.yaml"
    starter = settings.read_text()
    example = starter[starter.index("# - name: orders") : starter.index("# notify:")]
    target = (
        example.replace("# ", "", 1).replace("\n# ", "\n").replace("{ env: ORDERS_RO }", "{ file: secrets/orders-rw }")
    )
    settings.write_text(starter.replace("targets: []", "targets:").replace(example, target))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "orders-rw").write_text("secret")
    (tmp_path / "secrets" / "orders-rw").chmod(0o600)
    tried = daypass(tmp_path, "policy", "explain", "--by", "ana@acme.test", *ASKED)
    assert "group:leads" in tried.stdout, tried.stdout + tried.stderr
    again = daypass(tmp_path, "init")
    assert (again.returncode, again.stderr.splitlines()[0]) == (1, "daypass: daypass.yaml is there already")


def test_check_counts_what_there_is(folder: Path) -> None:
    told = json.loads(daypass(folder, "check", "--json").stdout)
    assert told == {
        "id": str(folder / "daypass.yaml"),
        "state": "VALID",
        "people": 2,
        "targets": 1,
        "policies": 1,
        "cases": 1,
        "channels": 0,
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (f"protocol: {PROTOCOL}", "protocol: gopher", "daypass: daypass.yaml:8: targets[0].protocol: must be one of"),
        ("site: acme.test", "site: acme.test\nlisten: { gopher: 127.0.0.1:70 }", "yaml:2: listen.gopher: must be web"),
        ("site: acme.test", "site: acme.test\nlimit: {}", "daypass.yaml:2: limit: unknown key; did you mean limits?"),
        ("roles: { read", "roles: { write", "policy.yaml:6: rules[0].roles[0]: no target that this policy covers has"),
    ],
)
def test_check_tells_what_is_wrong(folder: Path, old: str, new: str, said: str) -> None:
    (folder / "daypass.yaml").write_text(SETTINGS.replace(old, new))
    done = daypass(folder, "check")
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[0]


def certify(folder: Path, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
    """A certificate signed with this key, and the key."""
    name, since = x509.Name([]), datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, since, since + datetime.timedelta(days=1))
    made = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    (folder / "c.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "k.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_check_looks_at_the_certificate_as_serve_does(folder: Path) -> None:
    (folder / "daypass.yaml").write_text(SETTINGS + "tls: { cert: c.pem, key: k.pem }\n")
    certify(folder, ed25519.Ed25519PrivateKey.generate())
    for verb in ("check", "serve"):
        done = daypass(folder, verb)
        assert done.returncode == 2, done.stdout
        assert "is signed with Ed25519, which breaks channel binding; use ECDSA or RSA" in done.stderr
    certify(folder, ec.generate_private_key(ec.SECP256R1()))
    done = daypass(folder, "check")
    assert done.returncode == 0, done.stderr
    (folder / "k.pem").write_text("nonsense")
    done = daypass(folder, "check")
    assert done.returncode == 2 and "are no certificate and key" in done.stderr


def test_policy_test_runs_the_cases(folder: Path) -> None:
    done = daypass(folder, "policy", "test")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 of 1 cases hold")
    (folder / "policy.yaml").write_text(POLICY.replace("needs: 1", "needs: 2"))
    done = daypass(folder, "policy", "test", "policy.yaml", "--json")
    assert done.returncode == 1
    (case,) = json.loads(done.stdout)
    assert case["state"] == "FAILED" and "2 people were expected" in case["problem"]


def test_policy_explain_answers_in_one_sentence(folder: Path) -> None:
    done = daypass(folder, "policy", "explain", "--by", "ana@acme.test", *ASKED)
    assert done.stdout.splitlines()[0] == (
        "ana@acme.test asking for orders:read for 30 minutes would wait for a decision: "
        "rule 'read' of orders needs 1 of group:leads, other than the requester."
    )
    told = json.loads(daypass(folder, "policy", "explain", "--by", "ben@acme.test", *ASKED, "--json").stdout)
    assert (told["id"], told["state"]) == ("orders", "REFUSED")


def test_policy_explain_knows_its_people_and_targets(folder: Path) -> None:
    nobody = daypass(folder, "policy", "explain", "--by", "eve@acme.test", *ASKED)
    assert (nobody.returncode, nobody.stderr.splitlines()[0]) == (
        1,
        "daypass: there is nobody with the address eve@acme.test",
    )
