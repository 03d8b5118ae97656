"""Two gateways on one PostgreSQL store: what one ends, ends on the other; and nodes that die, hang or are lost."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Setup
from tests.servers.daypass import Daypass, Granted, until
from tests.servers.postgres import Postgres

LONG = "update orders set note = 'rewritten' where pg_sleep(0.01) is not null"


@dataclass
class Pair:
    """Two nodes, and the server that their store is in; the target is another server."""

    one: Daypass
    two: Daypass
    store: Postgres
    target: Postgres

    def live(self) -> list[str]:
        """The nodes of the sessions that are listed as open."""
        return sorted(each["node"] for each in self.one.sessions("--live"))


@pytest.fixture
def pair(postgres_15: Postgres, tmp_path: Path) -> Iterator[Pair]:
    with Postgres.copied() as store:
        url = store.create_database("daypass")
        nodes = [
            Daypass(tmp_path / name, postgres_15, Setup(store=url, extra=f"node: {name}\n")) for name in ("one", "two")
        ]
        with nodes[0] as one, nodes[1] as two:
            yield Pair(one, two, store, postgres_15)


def connect(daypass: Daypass) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(daypass.dsn(), autocommit=True)


def at_work(pair: Pair, daypass: Daypass) -> Granted:
    """A grant, and work on this node that goes on for minutes."""
    granted = pair.one.grant()
    daypass.start_client(*daypass.psql_argv(LONG))
    until(lambda: [1 for *_, query in pair.target.backends("app_rw") if query == LONG] or None, "the work")
    return granted


def gone(pair: Pair) -> None:
    until(lambda: True if not pair.target.backends("app_rw") else None, "the backend to be gone")
    count = "select count(*) from orders where note = 'rewritten'"
    assert pair.target.execute(count, database="orders") == [(0,)]


def ending(pair: Pair, granted: Granted) -> dict[str, object]:
    shown: dict[str, dict[str, object]] = pair.one.object(ANA, "show", granted.grant)
    return shown["grant_object"]


def test_a_revocation_on_one_node_cuts_on_the_other(pair: Pair) -> None:
    granted = at_work(pair, pair.two)
    pair.one.say(BEN, "revoke", granted.grant, "--reason", "enough")
    gone(pair)
    grant = ending(pair, granted)
    assert grant["state"] == "ENDED", grant
    (session,) = grant["ending"]["sessions"]  # type: ignore[index]
    assert session["how"] == "terminated at the target" and session["outcome"] == "rolled back"
    assert session["was"] == "active" and session["statement"] == 1
    (ended,) = pair.one.sessions()
    assert (ended["node"], ended["state"], ended["end_reason"]) == ("two", "CUT", "revoked")


def test_a_deadline_on_both_nodes_is_one_end(pair: Pair) -> None:
    for node in (pair.one, pair.two):
        node.token(ANA)  # made before the clock runs
    granted = pair.one.grant("write", "8s")
    with connect(pair.one) as here, connect(pair.two) as there:
        here.execute("select 1")
        there.execute("select 1")
        until(lambda: True if ending(pair, granted)["state"] == "ENDED" else None, "the end", 30)
    log = pair.one.wait_entries("grant.ended", grant=granted.grant)
    assert len(log) == 1 and log[0]["body"]["session_count"] == 2
    assert len(pair.one.entries("grant.ending", grant=granted.grant)) == 1


def test_killing_a_session_of_the_other_node(pair: Pair) -> None:
    granted = pair.one.grant()
    with connect(pair.two) as there:
        there.execute("select 1")
        (session,) = pair.one.sessions("--live")
        pair.one.say(BEN, "kill", session["id"], "--reason", "look elsewhere")
        with pytest.raises(psycopg.OperationalError):
            there.execute("select 1")
    assert ending(pair, granted)["state"] == "ACTIVE"


def test_an_extension_on_one_node_moves_the_deadline_on_the_other(pair: Pair) -> None:
    pair.two.token(ANA)
    granted = pair.one.grant("write", "8s")
    with connect(pair.two) as there:
        there.execute("select 1")
        asked = pair.one.object(ANA, "extend", granted.grant, "--by", "1m", "--reason", "not done yet")
        pair.one.say(BEN, "approve", asked["id"])
        time.sleep(9)
        assert there.execute("select 1").fetchone() == (1,)


def test_a_node_that_is_killed_leaves_nothing_open(pair: Pair) -> None:
    at_work(pair, pair.two)
    pair.two.kill()
    until(lambda: True if not pair.live() else None, "its session to be closed", 30)
    gone(pair)
    (ended,) = pair.one.sessions()
    assert (ended["state"], ended["end_reason"], ended["recording"]) == ("CUT", "recovered", "gap")
    (entry,) = pair.one.wait_entries("session.ended", session=ended["id"])
    assert entry["body"]["unshipped_after"] >= 0
    pair.two.start()
    pair.two.restart()


def test_what_a_dead_node_had_not_shipped_comes_late_and_says_so(pair: Pair) -> None:
    pair.one.grant()
    with connect(pair.two) as there:
        there.execute("select 'in time'")
        (session,) = pair.one.sessions("--live")
        until(lambda: pair.one.recorded(session["id"]) or None, "the first statement to be shipped")
        pair.store.pause()
        try:
            there.execute("select 'late'")
            pair.two.kill()
        finally:
            pair.store.resume()
    until(lambda: True if not pair.live() else None, "its session to be closed", 40)
    (ended,) = pair.one.wait_entries("session.ended", session=session["id"])
    assert ended["body"]["recording"] == "gap" and ended["body"]["statements"] == 1
    pair.two.start()
    pair.one.wait_entries("statement.submitted", 2, session=session["id"])
    told = [each for each in pair.one.entries(session=session["id"]) if "statement" in each["body"]]
    place = [each["id"] for each in pair.one.entries(session=session["id"])].index(ended["id"])
    before = [each["id"] for each in pair.one.entries(session=session["id"])[:place]]
    assert {each["id"] for each in told if "late" not in each["body"]} <= set(before)
    (late,) = [each for each in told if each["body"].get("late") == 1 and each["type"] == "statement.submitted"]
    assert late["id"] not in before and late["body"]["statement"] == 2
    assert pair.one.recorded(session["id"]) == ["select 'in time'", "select 'late'"]
    pair.one.verify()


def test_a_node_that_hangs_holds_nothing_up(pair: Pair) -> None:
    granted = at_work(pair, pair.two)
    pair.two.pause()
    revoked = pair.one.run(BEN, "revoke", granted.grant, "--reason", "enough")
    ended = ending(pair, granted)
    assert revoked.returncode == 0, json.dumps(ended["ending"])
    gone(pair)
    assert ended["state"] == "ENDED"
    steps = ended["ending"]["steps"]
    assert steps["cut"] <= steps["work_stopped"] < steps["recorded"], "it is ended before its record is waited for"
    pair.two.resume()
    until(lambda: True if pair.two.healthy() else None, "the node to be back", 30)


def test_a_node_without_its_store_cuts_and_refuses(pair: Pair) -> None:
    pair.one.grant()
    with connect(pair.two) as there:
        there.execute("select 1")
        began = time.monotonic()
        pair.store.pause()
        try:
            until(lambda: cut_off(pair.two), "the lease to run out", 25)
            until(lambda: True if not pair.target.backends("app_rw") else None, "its session to be cut")
            assert 10 < time.monotonic() - began < 25
            with pytest.raises(psycopg.OperationalError):
                there.execute("select 1")
            again = pair.two.psql("select 1")
            assert again.returncode == 2
        finally:
            pair.store.resume()
    until(lambda: True if pair.two.healthy() else None, "the node to be back", 30)
    until(lambda: True if not pair.live() else None, "the sessions to be closed", 30)


def test_a_second_node_of_the_same_name_is_refused(pair: Pair, tmp_path: Path) -> None:
    third = Daypass(tmp_path / "three", pair.target, Setup(store=pair.one.setup.store, extra="node: two\n"))
    done = third.run(None, "serve", "--config", str(third.config))
    assert done.returncode == 1
    assert "another node of this store is called two" in done.stderr


def test_one_of_them_publishes_the_whole_log(pair: Pair) -> None:
    granted = pair.one.grant()
    assert pair.two.psql("select 1").returncode == 0
    pair.one.say(ANA, "return", granted.grant)
    pair.one.wait_entries("statement.submitted", grant=granted.grant)
    pair.one.verify()
    assert not pair.two.entries()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{pair.two.web}/ledger/checkpoint", timeout=10)
    said = json.loads(refused.value.read())
    assert refused.value.code == 404
    assert said["hint"] == f"node one publishes this log: {pair.one.web}/ledger"
    receipt = pair.two.run(CLEO, "ledger", "receipt", granted_entry(pair, granted), "--wait", "1s")
    assert receipt.returncode == 1 and "node one publishes this log" in receipt.stderr


def test_a_node_with_another_key_leaves_publishing_to_the_one_that_signs_this_log(pair: Pair) -> None:
    granted = pair.one.grant()
    pair.one.wait_entries("request.approved", request=granted.request)
    vkey = (pair.one.data / "ledger" / "vkey").read_text().strip()
    assert warnings(pair.two) == []
    pair.one.stop()
    (told,) = until(lambda: warnings(pair.two) or None, "a warning", 30)
    assert f"no node publishes this store's log, which is signed with {vkey}" in told
    pair.one.start()
    again = pair.one.grant("read")
    pair.one.wait_entries("request.approved", request=again.request)
    until(lambda: True if warnings(pair.two) == [] else None, "no warning", 30)
    pair.one.verify()


def test_nothing_is_recovered_while_another_node_lives(pair: Pair) -> None:
    pair.one.stop()
    done = pair.one.run(None, "ledger", "recover")
    assert (done.returncode, "node two of this store runs" in done.stderr) == (1, True)
    pair.two.stop()
    until(lambda: True if pair.one.run(None, "ledger", "recover").returncode == 0 else None, "node two to be gone", 60)
    done = pair.two.run(None, "ledger", "recover")
    hint = f"node one publishes this log: {pair.one.web}/ledger; recover there"
    assert (done.returncode, hint in done.stderr) == (1, True), done.stderr


def warnings(daypass: Daypass) -> list[str]:
    found: list[str] = daypass.health()["warnings"]
    return found


def granted_entry(pair: Pair, granted: Granted) -> str:
    """The id of an entry about this grant."""
    return str(pair.one.wait_entries("grant.activated", grant=granted.grant)[0]["id"])


def cut_off(daypass: Daypass) -> bool | None:
    try:
        said = daypass.health()
    except OSError:
        return None
    return True if said["state"] == "CUT_OFF" and "cut off" in said["problem"] else None
