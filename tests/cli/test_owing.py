"""An emergency, what is owed afterwards, signed votes, and questions to policy: by command, against a real server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.serving import POLICY, Served
from tests.cli.running import daypass

GLASS = """\
  - name: emergency
    who: ["group:engineers"]
    roles: [write]
    break_glass: { longest: 30m, tell: ["group:auditors"] }
    owes: { ratify: { by: ["group:leads"], within: 1d, otherwise: block_break_glass } }
"""
BREAK = ("break-glass", "orders", "--role", "write", "--for", "15m", "--reason", "the site is down")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("glass"))
    (made.home / "policy.yaml").write_text(POLICY + GLASS)
    with made:
        yield made


def test_breaking_refusing_and_settling(served: Served) -> None:
    told = served.run("ana", *BREAK)
    assert told.returncode == 0 and "daypass connect orders:write" in told.stdout
    id = told.stdout.splitlines()[0]
    assert served.object("ana", "show", id)["state"] == "BROKEN_GLASS"
    (owed,) = served.object("ben", "obligations")
    assert (owed["kind"], owed["state"], owed["person"]["email"]) == ("ratify", "DUE", "ana@acme.test")
    assert "the site is down" in served.run("ben", "obligations", owed["id"][-8:]).stdout
    refused = served.run("ben", "ratify", id[-8:], "--refuse", "--note", "it was not down")
    assert refused.stdout == f"{id} NOT_RATIFIED\n", refused.stderr
    blocked = served.run("ana", *BREAK)
    assert blocked.returncode == 1 and "you break no glass until that is settled" in blocked.stderr
    drilled = served.run("ana", *BREAK, "--drill")
    assert drilled.returncode == 0 and "A drill" in drilled.stdout
    settled = served.object("ben", "settle", owed["id"], "--note", "we talked")
    assert settled["settled_note"] == "we talked"
    again = served.object("ana", *BREAK)
    assert served.object("ben", "ratify", again["id"], "--note", "it was down")["state"] == "RATIFIED"


def test_what_i_was_told_is_listed(served: Served) -> None:
    assert served.run("ana", *BREAK, "--drill").returncode == 0
    assert "glass.broken" in served.run("cleo", "notify", "list").stdout
    told = served.object("cleo", "notify", "list")
    newest = served.run("cleo", "notify", "list", "--limit", "1", "--json")
    assert json.loads(newest.stdout) == told[:1] and "only the newest 1 are shown" in newest.stderr
    assert told[0]["kind"] == "glass.broken"
    assert served.run("cleo", "notify", "failed").stdout == "Everybody could be told.\n"


def test_deciding_on_what_is_not_there_speaks_of_a_request(served: Served) -> None:
    for words in (("approve", "0123456789"), ("deny", "0123456789", "--note", "no")):
        refused = served.run("ben", *words)
        assert refused.returncode == 1 and "there is no request 0123456789" in refused.stderr


def test_sealed_codes_are_printed_once(served: Served) -> None:
    made = daypass(served.home, "break-glass", "orders", "--make-codes", "--count", "2")
    assert made.returncode == 0, made.stderr
    first, second, *said = made.stdout.splitlines()
    assert len(first) == len(second) == 35 and first != second and "glass:EMAIL" in said[-1]
    assert daypass(served.home, "break-glass", "nix", "--make-codes").returncode == 1


def test_a_vote_is_signed_with_ones_own_key(served: Served, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    private = served.run("ben", "keys", "add", str(key))
    assert private.returncode == 1 and "private key" in private.stderr
    enrolled = served.object("ben", "keys", "add", f"{key}.pub")
    assert enrolled["state"] == "ENROLLED" and enrolled["fingerprint"] in served.run("ben", "keys").stdout
    asked = served.ask()
    done = served.run("ben", "approve", asked["id"], "--for", "10m", "--role", "read", "--sign", str(key))
    assert done.stdout == f"{asked['id']} APPROVED\n", done.stderr
    shown = served.object("ana", "show", asked["id"])
    assert [(one["signed"], one["narrowed_role"], one["narrowed_ms"]) for one in shown["votes"]] == [
        (True, "read", 600_000)
    ]
    assert shown["grant_object"]["role"] == "read"
    assert served.object("ben", "keys", "revoke", enrolled["id"][-8:])["state"] == "REVOKED"
    other = served.ask()
    refused = served.run("ben", "approve", other["id"], "--sign", str(key))
    assert refused.returncode == 1 and "not enrolled for you" in refused.stderr


def test_questions_to_policy(served: Served) -> None:
    asked = served.ask()
    assert "would wait for a decision" in served.run("ana", "policy", "explain", "--request", asked["id"]).stdout
    deciders = served.call("GET", f"/api/v1/requests/{asked['id']}/deciders", by="ana").json
    assert [one["email"] for one in deciders["deciders"]] == ["ben@acme.test"] and deciders["missing"] == [1]
    words = ("policy", "explain", "--by", "ana@acme.test", "--target", "orders", "--for", "30m", "--role")
    offline = daypass(served.home, *words, "read", "--ticket", "INC-7")
    assert "would be approved at once" in offline.stdout and 'startsWith("INC-"): yes' in offline.stdout
    broken = json.loads(daypass(served.home, *words, "write", "--break-glass", "--json").stdout)
    assert (broken["state"], broken["rule"]) == ("BREAK_GLASS", "emergency")
    can = json.loads(daypass(served.home, "policy", "who-can", "orders", "write", "--json").stdout)
    assert [(one["id"], one["rule"]) for one in can] == [("ana@acme.test", "work"), ("ana@acme.test", "emergency")]


def test_former_requests_against_a_changed_policy(served: Served) -> None:
    served.ask()
    changed = served.home / "changed.yaml"
    changed.write_text((POLICY + GLASS).replace("roles: [read, write]", "roles: [read]"))
    told = json.loads(daypass(served.home, "policy", "simulate", "changed.yaml", "--days", "1", "--json").stdout)
    assert told["requests"] >= 1
    assert {(one["was"], one["now"]) for one in told["differing"]} >= {("1 people decide", "refused")}
    same = daypass(served.home, "policy", "simulate", "policy.yaml")
    assert same.stdout.startswith("0 of "), same.stdout
