"""The published log of a real gateway: read over HTTP under load, put back after an older store, backed up, fenced."""

from __future__ import annotations

import gzip
import http.client
import json
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Setup
from daypass.ledger.durable import Disk
from daypass.ledger.note import VerifierKey
from daypass.ledger.proof import Proof, verify_proof
from daypass.ledger.signer import load_seed
from tests.e2e.conftest import Starting
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres


def get(daypass: Daypass, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers, body of a request without a token."""
    connection = http.client.HTTPConnection("127.0.0.1", daypass.web_port, timeout=30)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def health(daypass: Daypass) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(daypass, "/healthz")[2])
    return found


def load(daypass: Daypass, stop: threading.Event) -> None:
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        while not stop.is_set():
            connection.execute("select 1")


def size(daypass: Daypass) -> int:
    return int(get(daypass, "/ledger/checkpoint")[2].split(b"\n")[1])


# -- over HTTP --------------------------------------------------------------------------------------------------------


def test_a_live_log_verifies_over_http_while_it_grows(postgres_15: Postgres, starting: Starting) -> None:
    daypass = starting(postgres_15)
    daypass.grant()
    stop = threading.Event()
    client = threading.Thread(target=load, args=(daypass, stop))
    client.start()
    try:
        until(lambda: True if size(daypass) > 600 else None, "600 entries")
        before = get(daypass, "/ledger/checkpoint")[2]
        kept = daypass.home / "kept.checkpoint"
        kept.write_bytes(before)
        verified = 0
        while verified < 3 or size(daypass) == int(before.split(b"\n")[1]):
            said = daypass.say(None, "ledger", "verify", f"{daypass.web}/ledger", "--checkpoint", str(kept))
            assert "intact" in said
            verified += 1
    finally:
        stop.set()
        client.join(20)


def test_tiles_are_served_as_the_specification_says(postgres_15: Postgres, starting: Starting) -> None:
    daypass = starting(postgres_15)
    daypass.grant()
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        for _ in range(150):
            connection.execute("select 1")
    until(lambda: True if size(daypass) > 256 else None, "a full tile")
    status, headers, raw = get(daypass, "/ledger/checkpoint")
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert headers["cache-control"] == "public, max-age=1"
    assert raw == (daypass.data / "ledger" / "checkpoint").read_bytes()
    assert get(daypass, "/ledger/checkpoint", If_None_Match=headers["etag"])[0] == 304
    for path in ("tile/0/000", "tile/entries/000", "tile/1/000.p/1"):
        status, headers, raw = get(daypass, f"/ledger/{path}")
        assert (status, headers["content-type"]) == (200, "application/octet-stream")
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert raw == (daypass.data / "ledger" / path).read_bytes()
        assert get(daypass, f"/ledger/{path}", If_None_Match=headers["etag"])[::2] == (304, b"")
        seen = get(daypass, f"/ledger/{path}", "HEAD")
        assert (seen[0], seen[1]["content-length"], seen[2]) == (200, str(len(raw)), b"")
    _compressed(daypass, "tile/entries/000")
    assert VerifierKey.parse(get(daypass, "/ledger/vkey")[2].decode()).name == "acme.test/demo"
    assert get(daypass, "/ledger/vkey")[2].decode().strip() in daypass.log_tail()


def _compressed(daypass: Daypass, path: str) -> None:
    """Bundles are compressed for who takes that, under a tag of their own; tiles are hashes and are not."""
    plain = (daypass.data / "ledger" / path).read_bytes()
    for wanted in ("gzip", "br, GZIP;q=0.5", "gzip;q=1.0, identity"):
        status, headers, raw = get(daypass, f"/ledger/{path}", Accept_Encoding=wanted)
        assert (status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "Accept-Encoding")
        assert gzip.decompress(raw) == plain and len(raw) < len(plain) // 2
        same = get(daypass, f"/ledger/{path}", Accept_Encoding=wanted, If_None_Match=headers["etag"])
        assert same[::2] == (304, b"")
    for wanted in ("identity", "gzip;q=0", "gzip; q=0.0, identity", "gzipped"):
        status, headers, raw = get(daypass, f"/ledger/{path}", Accept_Encoding=wanted)
        assert (status, "content-encoding" in headers, raw) == (200, False, plain)
        assert headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in get(daypass, "/ledger/tile/0/000", Accept_Encoding="gzip")[1]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/999",
        "tile/0/00",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/00/000",
        "tile/0/x000/001",
        "tile/64/000",
        "tile/0/../../../keys/ledger.key",
        "tile/0/%2e%2e/%2e%2e/keys/ledger.key",
        "tile/0//000",
        "tile/0/000%00",
        "../keys/ledger.key",
        "keys/ledger.key",
        "tile/entries/-01",
        "tile/",
        "",
    ],
)
def test_nothing_but_tiles_is_served(daypass_15: Daypass, path: str) -> None:
    status, headers, _ = get(daypass_15, f"/ledger/{path}")
    assert (status, headers["content-type"]) == (404, "application/problem+json")


def test_a_log_that_is_not_public_is_for_auditors(postgres_15: Postgres, starting: Starting) -> None:
    daypass = starting(postgres_15, Setup(extra="ledger: { public: false }\n"))
    bearer = {name.name: {"Authorization": f"Bearer {daypass.token(name)}"} for name in (ANA, CLEO)}
    until(lambda: True if get(daypass, "/ledger/vkey", **bearer["Cleo"])[0] == 200 else None, "the key")
    assert get(daypass, "/ledger/vkey")[0] == 401
    assert get(daypass, "/ledger/tile/0/000", **bearer["Ana"])[0] == 403
    assert "private" in get(daypass, "/ledger/checkpoint", **bearer["Cleo"])[1]["cache-control"]
    assert "intact" in daypass.say(CLEO, "ledger", "verify", f"{daypass.web}/ledger")
    assert daypass.run(ANA, "ledger", "verify", f"{daypass.web}/ledger").returncode == 2
    assert daypass.run(None, "ledger", "verify", f"{daypass.web}/ledger").returncode == 2


# -- receipts ---------------------------------------------------------------------------------------------------------


def test_whoever_does_something_gets_its_receipt(postgres_15: Postgres, starting: Starting, tmp_path: Path) -> None:
    daypass = starting(postgres_15)
    asked = daypass.object(ANA, "request", "orders", "--role", "write", "--for", "1h", "--reason", "why not")
    voted = daypass.object(BEN, "approve", asked["id"])
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection:
        connection.execute("select 1")
        (session,) = daypass.sessions("--live")
        killed = daypass.object(ANA, "kill", session["id"], "--reason", "enough")
    told = {"request.created": asked, "request.voted": voted, "session.ended": killed}
    key = VerifierKey.parse((daypass.data / "ledger" / "vkey").read_text())
    for type, answer in told.items():
        assert answer["receipt"] == f"{daypass.web}/api/v1/entries/{answer['entry']}/receipt"
        proof = Proof.parse(daypass.get(f"entries/{answer['entry']}/receipt?wait=5s", ANA))
        entry = json.loads(daypass.get(f"entries/{answer['entry']}", ANA))
        assert entry["type"] == type
        verify_proof(entry["entry"].encode(), proof, key)
    out = tmp_path / "kept.tlog-proof"
    daypass.say(ANA, "ledger", "receipt", voted["entry"], "--wait", "5s", "--out", str(out))
    assert "intact" in daypass.say(None, "ledger", "verify", f"{daypass.web}/ledger", "--checkpoint", str(out))
    unknown = daypass.run(ANA, "ledger", "receipt", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert (unknown.returncode, "there is no entry" in unknown.stderr) == (1, True)


def test_a_receipt_of_a_log_that_is_not_public_is_for_those_who_may_see_the_thing(
    postgres_15: Postgres, starting: Starting
) -> None:
    daypass = starting(postgres_15, Setup(extra="ledger: { public: false }\n"))
    asked = daypass.object(ANA, "request", "orders", "--role", "write", "--for", "1h", "--reason", "mine")
    (token,) = (entry for entry in daypass.wait_entries("token.issued") if entry["body"]["person"] == asked_by(asked))
    for member, id, status in ((ANA, asked["entry"], 200), (CLEO, token["id"], 200), (ANA, token["id"], 404)):
        found = get(daypass, f"/api/v1/entries/{id}", Authorization=f"Bearer {daypass.token(member)}")
        assert found[0] == status


def asked_by(asked: dict[str, Any]) -> str:
    return str(asked["requester"]["id"])


# -- a store that is older than the log -------------------------------------------------------------------------------


def snapshot(daypass: Daypass, to: Path) -> None:
    """The store as it is now, by SQLite's own means."""
    with sqlite3.connect(daypass.data / "store.sqlite") as here, sqlite3.connect(to) as there:
        here.backup(there)


def put_store_back(daypass: Daypass, kept: Path) -> None:
    for file in daypass.data.glob("store.sqlite*"):
        file.unlink()
    shutil.copy(kept, daypass.data / "store.sqlite")


def refused(daypass: Daypass) -> str:
    """What psql is told."""
    done = daypass.psql("select 1")
    assert done.returncode == 2
    return done.stderr


def behind(daypass: Daypass, kept: Path) -> int:
    """A gateway that stopped after it had published more than the store in `kept` knows; that store is in its place.
    Returns how many entries are published. After `kept`, one grant was revoked and one request denied."""
    granted = daypass.grant()
    open_one = daypass.object(ANA, "request", "orders", "--role", "read", "--for", "1h", "--reason", "later")
    assert daypass.psql("select 'before'").returncode == 0
    until(lambda: None if daypass.sessions("--live") else True, "the session to be over")
    snapshot(daypass, kept)
    assert daypass.psql("select 'after'", "select 'that'").returncode == 0
    daypass.say(BEN, "deny", open_one["id"], "--note", "no")
    daypass.say(ANA, "return", granted.grant)
    second = daypass.grant(for_="2h")
    assert daypass.psql("select 'at last'").returncode == 0
    daypass.stop()
    put_store_back(daypass, kept)
    assert second.grant != granted.grant
    return int((daypass.data / "ledger" / "checkpoint").read_text().split("\n")[1])


def test_a_store_behind_the_log_serves_reads_signs_nothing_and_can_be_recovered(
    own_postgres: Postgres, starting: Starting, tmp_path: Path
) -> None:
    daypass = starting(own_postgres)
    published = behind(daypass, tmp_path / "older.sqlite")
    checkpoint = (daypass.data / "ledger" / "checkpoint").read_bytes()
    daypass.start(well=False)
    found = health(daypass)
    assert found["state"] == "READ_ONLY"
    assert "it is older" in found["problem"] and "ledger recover" in found["problem"]
    assert "nothing is signed and no session opens" in daypass.log_tail()
    assert "no session opens" in refused(daypass)
    assert [grant["state"] for grant in daypass.object(ANA, "grants", "--all")] == ["ACTIVE"]
    asked = daypass.run(ANA, "request", "orders", "--role", "write", "--for", "1h", "--reason", "now")
    assert (asked.returncode, "nothing can be recorded" in asked.stderr) == (1, True)
    assert get(daypass, "/ledger/checkpoint")[2] == checkpoint
    (created, *_) = daypass.entries("request.created")
    held = json.loads(daypass.get(f"entries/{created['id']}", ANA))["entry"].encode()
    proof = Proof.parse(daypass.get(f"entries/{created['id']}/receipt?wait=2s", ANA))
    verify_proof(held, proof, VerifierKey.parse((daypass.data / "ledger" / "vkey").read_text()))
    assert daypass.run(None, "ledger", "recover").returncode == 1  # the gateway runs
    assert daypass.stop() == 1
    alone = daypass.run(None, "people", "token", ANA.email)
    assert alone.returncode == 1 and "it is older" in alone.stderr

    done = daypass.object(None, "ledger", "recover")
    assert (done["state"], done["size"]) == ("RECOVERED", published)
    assert done["indexed"] >= published and done["locked_bodies"] == 0
    assert daypass.object(None, "ledger", "recover")["state"] == "INTACT"
    daypass.start()
    assert len(daypass.object(CLEO, "search", "before", "--kind", "select")) == 1
    # The bodies of what came after are lost with the store; what the entries say is found again.
    assert len(daypass.object(CLEO, "search", "--kind", "select")) == 4
    assert daypass.run(CLEO, "search", "--kind", "select", "--limit", "4").stderr == ""
    assert "only the newest 3 are shown" in daypass.run(CLEO, "search", "--kind", "select", "--limit", "3").stderr
    kept = tmp_path / "kept.checkpoint"
    kept.write_bytes(checkpoint)
    (recovered,) = daypass.wait_entries("ledger.recovered")
    assert recovered["body"]["size"] == published
    assert "intact" in daypass.say(None, "ledger", "verify", f"{daypass.web}/ledger", "--checkpoint", str(kept))
    until(lambda: None if daypass.object(ANA, "grants", "--live") else True, "no grant to be live")
    assert {found["state"] for found in daypass.object(ANA, "requests")} == {"APPROVED", "EXPIRED"}
    assert "daypass request" in refused(daypass)
    daypass.grant()
    assert daypass.psql("select 'again'").stdout.strip() == "again"
    daypass.wait_entries("statement.submitted", 5)
    ids = [entry["id"] for entry in daypass.entries()]
    assert len(set(ids)) == len(ids)
    said = [entry for entry in daypass.entries("statement.submitted")]
    assert len(said) == len({(entry["session"], entry["body"]["statement"]) for entry in said})


def test_a_store_that_says_something_else_is_found_at_its_place(
    own_postgres: Postgres, starting: Starting, tmp_path: Path
) -> None:
    daypass = starting(own_postgres)
    published = behind(daypass, tmp_path / "older.sqlite")
    aside = daypass.data / "ledger.aside"
    (daypass.data / "ledger").rename(aside)
    shutil.move(daypass.data / "keys", daypass.data / "keys.aside")
    with sqlite3.connect(daypass.data / "store.sqlite") as store:
        store.execute("DELETE FROM settings WHERE name = 'log_vkey'")
    daypass.start()  # as another log would begin: this store now says something else from some index on
    daypass.grant()
    daypass.stop()
    for name in ("ledger", "keys"):
        shutil.rmtree(daypass.data / name)
        (daypass.data / f"{name}.aside").rename(daypass.data / name)
    daypass.start(well=False)
    assert "is not the one that was signed" in health(daypass)["problem"]
    daypass.stop()
    done = daypass.object(None, "ledger", "recover")
    assert (done["size"], done["placed_anew"] > 0) == (published, True)
    daypass.start()
    assert daypass.wait_entries("ledger.recovered")
    assert len(daypass.entries()) > published + done["placed_anew"]
    daypass.verify()


@pytest.mark.parametrize(
    "change",
    [
        "entry = CAST(replace(entry, '.created', '.creamed') AS BLOB)",
        "entry = CAST(entry AS TEXT)",
        "leaf = '00' || substr(leaf, 3)",
    ],
    ids=["entry", "entry's kind", "leaf"],
)
def test_an_entry_that_was_changed_in_the_store_is_found_and_put_right(
    postgres_15: Postgres, starting: Starting, change: str
) -> None:
    daypass = starting(postgres_15)
    daypass.grant()
    daypass.wait_entries("request.approved")
    index, id = next((at, one["id"]) for at, one in enumerate(daypass.entries()) if one["type"] == "request.created")
    daypass.stop()
    with sqlite3.connect(daypass.data / "store.sqlite") as store:
        (guard,) = store.execute("SELECT sql FROM sqlite_master WHERE name = 'entries_stay'").fetchone()
        store.execute("DROP TRIGGER entries_stay")
        store.execute(f"UPDATE entries SET {change} WHERE idx = ?", (index,))
        store.execute(guard)
    daypass.start(well=False)
    assert f"entry {index} in the store is not the one that was signed" in health(daypass)["problem"]
    assert "no session opens" in refused(daypass)
    if ".creamed" in change:
        found = get(daypass, f"/api/v1/entries/{id}/receipt", Authorization=f"Bearer {daypass.token(ANA)}")
        assert (found[0], b"is not what is published" in found[2]) == (503, True)
    daypass.stop()
    assert daypass.object(None, "ledger", "recover")["state"] == "RECOVERED"
    daypass.start()
    daypass.grant()
    daypass.verify()


def test_a_store_whose_log_and_key_are_lost_signs_nothing_with_a_new_one(
    postgres_15: Postgres, starting: Starting
) -> None:
    daypass = starting(postgres_15)
    daypass.grant()
    vkey = (daypass.data / "ledger" / "vkey").read_text().strip()
    daypass.stop()
    for name in ("ledger", "keys"):
        (daypass.data / name).rename(daypass.home / f"lost.{name}")
    daypass.start(well=False)
    assert f"ledger.key is gone, and this store's log is signed with {vkey}" in health(daypass)["problem"]
    assert "no session opens" in refused(daypass)
    assert not (daypass.data / "keys" / "ledger.key").exists()
    daypass.stop()
    load_seed(daypass.data / "keys" / "ledger.key", Disk(), bytes(32))
    daypass.start(well=False)
    assert f"this store's log is signed with {vkey}" in health(daypass)["problem"]
    daypass.stop()
    done = daypass.run(None, "ledger", "recover")
    assert (done.returncode, "DATA/ledger is empty" in done.stderr) == (1, True)
    for name in ("ledger", "keys"):
        shutil.rmtree(daypass.data / name)
        (daypass.home / f"lost.{name}").rename(daypass.data / name)
    daypass.start()
    daypass.verify()


def test_an_older_memory_of_the_signer_takes_over_what_was_published(
    own_postgres: Postgres, starting: Starting, tmp_path: Path
) -> None:
    daypass = starting(own_postgres)
    state = daypass.data / "keys" / "ledger.state"
    older = state.read_text()
    daypass.grant()
    daypass.stop()
    assert json.loads(state.read_text())["size"] > json.loads(older)["size"]
    state.write_text(older)
    daypass.start(well=False)
    assert "the signer remembers" in health(daypass)["problem"]
    daypass.stop()
    assert daypass.object(None, "ledger", "recover")["state"] == "INTACT"
    daypass.start()
    daypass.verify()


def test_what_was_sequenced_and_not_published_is_published_by_the_next_start(
    own_postgres: Postgres, starting: Starting, tmp_path: Path
) -> None:
    daypass = starting(own_postgres)
    kept = daypass.home / "older"
    shutil.copytree(daypass.data / "ledger", kept / "ledger")
    shutil.copytree(daypass.data / "keys", kept / "keys")
    daypass.grant()
    daypass.stop()
    for name in ("ledger", "keys"):
        shutil.rmtree(daypass.data / name)
        shutil.copytree(kept / name, daypass.data / name)
    daypass.start()
    assert daypass.wait_entries("request.approved")
    daypass.verify()


def test_tiles_that_nobody_signed_and_that_do_not_fit_are_set_aside_by_recovering(
    postgres_15: Postgres, starting: Starting
) -> None:
    daypass = starting(postgres_15)
    daypass.grant()
    daypass.stop()
    published = len(daypass.published())
    folder = daypass.data / "ledger" / "tile" / "0" / "000.p"
    for width in range(published + 1, 256):
        (folder / str(width)).write_bytes(bytes(32 * width))  # as a crash leaves them; then the store was put back
    daypass.begin()
    until(lambda: True if not daypass.running else None, "it to leave", 60)
    assert "is already published with other content" in daypass.log_tail()
    done = daypass.object(None, "ledger", "recover")
    assert (done["state"], done["taken_back"]) == ("RECOVERED", 0)
    assert done["set_aside"] >= 255 - published
    assert daypass.object(None, "ledger", "recover")["state"] == "INTACT"
    daypass.start()
    daypass.grant()
    daypass.wait_entries("request.approved", 2)
    daypass.verify()


# -- given one chain only ---------------------------------------------------------------------------------------------


def test_who_is_given_only_one_targets_entries_sees_a_gap(
    postgres_15: Postgres, starting: Starting, tmp_path: Path
) -> None:
    daypass = starting(postgres_15)
    daypass.grant()
    assert daypass.psql("select 1", "select 2", "select 3").returncode == 0
    daypass.wait_entries("session.ended")
    chain = [raw for raw in daypass.published() if b'"name":"target:orders"' in raw]
    file = tmp_path / "orders.jsonl"

    def check(lines: list[bytes]) -> tuple[int, str]:
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        done = daypass.run(None, "ledger", "chain", "--target", "orders", str(file))
        return done.returncode, done.stdout + done.stderr

    assert check(chain)[0] == 0
    assert check(chain[2:-1])[0] == 0, "a part of a chain, without a gap"
    status, said = check(chain[:3] + chain[4:])
    assert (status, "line 4: number 5 follows number 3" in said) == (1, True)
    assert check([*chain[:3], chain[4], chain[3], *chain[5:]])[0] == 1
    changed = [raw.replace(b'"statement.completed"', b'"statement.submitted"') for raw in chain]
    assert check(changed)[0] == 1
    assert check([*chain, daypass.published()[0]])[0] == 1
    assert check([])[0] == 2
    assert check([b"{}"])[0] == 2
